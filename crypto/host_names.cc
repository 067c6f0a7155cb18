#include "crypto/host_names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace skerry::crypto {
namespace {

bool IsLabel(const std::string& label) {
  const bool letters = std::all_of(label.begin(), label.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  return letters && !label.empty() && label.size() <= 63 && label.front() != '-' &&
         label.back() != '-';
}

}  // namespace

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, 16> address{};
  return inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool IsDnsName(const std::string& text) {
  if (text.size() > 253) return false;
  const std::vector<std::string> labels = Split(text, '.');
  const bool ends_in_number = labels.back().find_first_not_of("0123456789") == std::string::npos;
  return !ends_in_number && std::all_of(labels.begin(), labels.end(), IsLabel);
}

}  // namespace skerry::crypto

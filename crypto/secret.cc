#include "crypto/secret.h"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace skerry::crypto {

SecretBytes::SecretBytes(std::string_view bytes) : bytes_(bytes.begin(), bytes.end()) {}

SecretBytes::~SecretBytes() { Wipe(); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Wipe();
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

void SecretBytes::Wipe() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

void FillRandom(std::span<char> out) {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      std::fprintf(stderr, "the operating system gives no random bytes: %s\n",
                   std::strerror(errno));
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace skerry::crypto

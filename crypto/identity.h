#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace skerry::crypto {

enum class Role { kCoordinator, kSite, kAdmin };

// Who a certificate says its holder is: the URI in its subject alternative name, never its common
// name and never a field of a message.
struct Identity {
  std::string federation;
  Role role = Role::kSite;
  std::string name;  // of the site or admin; empty for the coordinator

  friend bool operator==(const Identity&, const Identity&) = default;
};

// "skerry://icu/site/north", "skerry://icu/admin/ada", "skerry://icu/coordinator".
std::string IdentityUri(const Identity& identity);
// INVALID_ARGUMENT names what is wrong with the URI.
Result<Identity> ParseIdentityUri(std::string_view uri);
// "site \"north\" of federation \"icu\"", for messages.
std::string Describe(const Identity& identity);

}  // namespace skerry::crypto

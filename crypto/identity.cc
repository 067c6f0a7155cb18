#include "crypto/identity.h"

#include <optional>
#include <vector>

#include "base/text.h"
#include "crypto/printable.h"

namespace skerry::crypto {
namespace {

constexpr std::string_view kScheme = "skerry://";

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kCoordinator:
      return "coordinator";
    case Role::kSite:
      return "site";
    case Role::kAdmin:
      return "admin";
  }
  return "";
}

std::optional<Role> RoleOf(std::string_view name) {
  for (const Role role : {Role::kCoordinator, Role::kSite, Role::kAdmin}) {
    if (RoleName(role) == name) return role;
  }
  return std::nullopt;
}

Status NotAnIdentity(std::string_view uri, const std::string& what) {
  return InvalidArgument("\"" + Printable(uri) + "\" names nobody: " + what)
      .WithHint(
          "the forms are skerry://FEDERATION/coordinator, skerry://FEDERATION/site/NAME and "
          "skerry://FEDERATION/admin/NAME; names are 1 to 63 of a-z, 0-9 and '-'");
}

}  // namespace

std::string IdentityUri(const Identity& identity) {
  std::string uri = std::string(kScheme) + identity.federation + "/";
  uri += RoleName(identity.role);
  if (identity.role != Role::kCoordinator) uri += "/" + identity.name;
  return uri;
}

Result<Identity> ParseIdentityUri(std::string_view uri) {
  if (!uri.starts_with(kScheme)) {
    return NotAnIdentity(uri, "it does not begin with " + std::string(kScheme));
  }
  const std::vector<std::string> parts = Split(uri.substr(kScheme.size()), '/');
  if (!IsName(parts[0]))
    return NotAnIdentity(uri, "\"" + Printable(parts[0]) + "\" is no federation's name");
  if (parts.size() < 2) return NotAnIdentity(uri, "it has no role");
  const std::optional<Role> role = RoleOf(parts[1]);
  if (!role) return NotAnIdentity(uri, "\"" + Printable(parts[1]) + "\" is no role");
  if (*role == Role::kCoordinator) {
    if (parts.size() != 2) return NotAnIdentity(uri, "a coordinator has no name of its own");
    return Identity{parts[0], *role, ""};
  }
  if (parts.size() < 3) return NotAnIdentity(uri, "the name of the " + parts[1] + " is missing");
  if (parts.size() > 3) return NotAnIdentity(uri, "there is more after the name");
  if (!IsName(parts[2])) return NotAnIdentity(uri, "\"" + Printable(parts[2]) + "\" is no name");
  return Identity{parts[0], *role, parts[2]};
}

std::string Describe(const Identity& identity) {
  std::string text(RoleName(identity.role));
  if (identity.role != Role::kCoordinator) text += " \"" + identity.name + "\"";
  return text + " of federation \"" + identity.federation + "\"";
}

}  // namespace skerry::crypto

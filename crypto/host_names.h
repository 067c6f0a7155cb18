#pragma once

#include <string>

// Inside crypto/ only: what a certificate may name as the place of a server.
namespace skerry::crypto {

bool IsIpAddress(const std::string& text);  // version 4 or 6, as inet_pton reads it
// Labels of letters, digits, '-' and '_'; no wildcard, and no number at the end, which would be a
// mistyped address.
bool IsDnsName(const std::string& text);

}  // namespace skerry::crypto

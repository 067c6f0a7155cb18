#pragma once

#include <array>
#include <string_view>

#include "crypto/digest.h"

namespace skerry::crypto {

// Whether this processor has what is needed here: x86-64 with SHA instructions.
bool HasSha256Lanes();

// SHA-256 (FIPS 180-4) of one message. Only where HasSha256Lanes().
Digest Sha256Lane(std::string_view message);

// The same of two messages of one length, in little more time than one. Only where
// HasSha256Lanes().
std::array<Digest, 2> Sha256Lanes(std::string_view a, std::string_view b);

}  // namespace skerry::crypto

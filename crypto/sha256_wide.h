#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "crypto/digest.h"

namespace skerry::crypto {

constexpr std::size_t kWideMessages = 16;

// Whether this processor has what is needed here: x86-64 with AVX-512 (F and BW).
bool HasSha256Wide();

// SHA-256 (FIPS 180-4) of sixteen messages of one length, into the places with their numbers. Only
// where HasSha256Wide().
void Sha256Wide(std::span<const std::string_view, kWideMessages> messages,
                std::span<Digest, kWideMessages> digests);

}  // namespace skerry::crypto

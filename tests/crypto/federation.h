#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/certificates.h"

namespace skerry::crypto {

// The days on which the tests take place, so that they do not depend on the machine's own clock.
constexpr int64_t kFoundedUnix = 1735689600;             // 2025-01-01, the CA is made
constexpr int64_t kTodayUnix = kFoundedUnix + 31536000;  // 2026-01-01

inline WallTime At(int64_t unix_seconds) { return {unix_seconds * 1000}; }

// A certificate authority for tests, in memory, founded at kFoundedUnix for ten years.
CertificateAuthority MakeFederation(const std::string& name);

// A certificate for `uri` that was issued on that day, as PEM texts.
struct PemPair {
  std::string certificate;
  std::string key;
};
PemPair IssueFor(const CertificateAuthority& authority, const std::string& uri,
                 int64_t issued_unix = kTodayUnix, int64_t days = 365,
                 const std::vector<std::string>& host_names = {});

}  // namespace skerry::crypto

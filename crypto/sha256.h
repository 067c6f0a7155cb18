#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "crypto/digest.h"

namespace skerry::crypto {

Digest Sha256(std::string_view bytes);  // FIPS 180-4

// Up to this size a message is worth being put together for Sha256: faster than a Sha256Stream.
constexpr std::size_t kMostShortBytes = 4096;

// The same of each message, into the place with its number. Neighbours of one length are hashed
// side by side, sixteen or two of them, where the processor has the instructions for it.
void Sha256Each(std::span<const std::string_view> messages, std::span<Digest> digests);

// SHA-256 over bytes that come in pieces. Not thread-safe.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  void Update(std::string_view bytes);
  // The digest of all pieces. The stream is spent.
  Digest Finish() &&;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace skerry::crypto

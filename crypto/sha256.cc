#include "crypto/sha256.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "crypto/openssl.h"
#include "crypto/sha256_lanes.h"
#include "crypto/sha256_wide.h"

namespace skerry::crypto {
namespace {

// Fetched once: looking the algorithm up costs more than hashing a short text.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  SKERRY_CHECK(algorithm != nullptr);
  return algorithm;
}

// A few that are done: to make one takes longer than to hash a short text.
using Handle = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
std::vector<Handle>& Spares() {
  thread_local std::vector<Handle> spares;
  return spares;
}

Handle TakeSpare() {
  if (Spares().empty()) return Handle(EVP_MD_CTX_new());
  Handle handle = std::move(Spares().back());
  Spares().pop_back();
  return handle;
}

}  // namespace

struct Sha256Stream::Context {
  ~Context() {
    constexpr std::size_t kMostSpares = 4;
    if (Spares().size() < kMostSpares) Spares().push_back(std::move(handle));
  }

  Handle handle = TakeSpare();
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
  SKERRY_CHECK(context_->handle != nullptr);
  SKERRY_CHECK(EVP_DigestInit_ex2(context_->handle.get(), Algorithm(), nullptr) == 1);
}

Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Update(std::string_view bytes) {
  SKERRY_CHECK(context_ != nullptr);
  SKERRY_CHECK(EVP_DigestUpdate(context_->handle.get(), bytes.data(), bytes.size()) == 1);
}

Digest Sha256Stream::Finish() && {
  SKERRY_CHECK(context_ != nullptr);
  Digest digest;
  unsigned int size = 0;
  auto* out = reinterpret_cast<unsigned char*>(digest.bytes.data());
  SKERRY_CHECK(EVP_DigestFinal_ex(context_->handle.get(), out, &size) == 1);
  SKERRY_CHECK(size == digest.bytes.size());
  context_.reset();
  return digest;
}

Digest Sha256(std::string_view bytes) {
  // Of short messages, OpenSSL's handling of contexts takes longer than the hash.
  if (bytes.size() <= kMostShortBytes && HasSha256Lanes()) return Sha256Lane(bytes);
  Sha256Stream stream;
  stream.Update(bytes);
  return std::move(stream).Finish();
}

namespace {

// How many of the first messages have the length of the first one; up to `most`.
std::size_t NumAlike(std::span<const std::string_view> messages, std::size_t most) {
  std::size_t n = 1;
  while (n < std::min(most, messages.size()) && messages[n].size() == messages[0].size()) ++n;
  return n;
}

// Hashes as many of the first messages as go together, and says how many.
std::size_t HashSome(std::span<const std::string_view> messages, std::span<Digest> digests) {
  const std::size_t alike = NumAlike(messages, kWideMessages);
  if (alike == kWideMessages && HasSha256Wide()) {
    Sha256Wide(messages.first<kWideMessages>(), digests.first<kWideMessages>());
    return kWideMessages;
  }
  if (alike >= 2 && HasSha256Lanes()) {
    const auto [first, second] = Sha256Lanes(messages[0], messages[1]);
    digests[0] = first;
    digests[1] = second;
    return 2;
  }
  digests[0] = Sha256(messages[0]);
  return 1;
}

}  // namespace

void Sha256Each(std::span<const std::string_view> messages, std::span<Digest> digests) {
  SKERRY_CHECK(messages.size() == digests.size());
  for (std::size_t done = 0; done < messages.size();) {
    done += HashSome(messages.subspan(done), digests.subspan(done));
  }
}

}  // namespace skerry::crypto

#include "crypto/sha256.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "crypto/openssl.h"
#include "crypto/sha256_lanes.h"

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

void Sha256Each(std::span<const std::string_view> messages, std::span<Digest> digests) {
  SKERRY_CHECK(messages.size() == digests.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool pair = i + 1 < messages.size() && messages[i].size() == messages[i + 1].size();
    if (!pair || !HasSha256Lanes()) {
      digests[i] = Sha256(messages[i]);
      continue;
    }
    const auto [first, second] = Sha256Lanes(messages[i], messages[i + 1]);
    digests[i] = first;
    digests[++i] = second;
  }
}

}  // namespace skerry::crypto

#include "crypto/sha256.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "crypto/openssl.h"

namespace skerry::crypto {
namespace {

// Fetched once: looking the algorithm up costs more than hashing a short text.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  SKERRY_CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

struct Sha256Stream::Context {
  std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>> handle{EVP_MD_CTX_new()};
};

// A few that are done: to make one takes longer than to hash a short text.
std::vector<std::unique_ptr<Sha256Stream::Context>>& Sha256Stream::Spares() {
  thread_local std::vector<std::unique_ptr<Context>> spares;
  return spares;
}

Sha256Stream::Sha256Stream() {
  std::vector<std::unique_ptr<Context>>& spares = Spares();
  if (spares.empty()) {
    context_ = std::make_unique<Context>();
    SKERRY_CHECK(context_->handle != nullptr);
  } else {
    context_ = std::move(spares.back());
    spares.pop_back();
  }
  SKERRY_CHECK(EVP_DigestInit_ex2(context_->handle.get(), Algorithm(), nullptr) == 1);
}

Sha256Stream::~Sha256Stream() { Retire(); }

void Sha256Stream::Retire() {
  constexpr std::size_t kMostSpares = 4;
  if (context_ != nullptr && Spares().size() < kMostSpares) Spares().push_back(std::move(context_));
  context_.reset();
}

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
  Retire();
  return digest;
}

Digest Sha256(std::string_view bytes) {
  Sha256Stream stream;
  stream.Update(bytes);
  return std::move(stream).Finish();
}

}  // namespace skerry::crypto

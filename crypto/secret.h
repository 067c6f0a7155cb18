#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace skerry::crypto {

// Bytes that are wiped when they are let go of. Move-only, never printed, read only through
// Reveal(), so that a search for that word finds every reader.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::string_view bytes);
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  std::string_view Reveal() const { return {bytes_.data(), bytes_.size()}; }
  std::span<char> RevealForWriting() { return bytes_; }
  bool empty() const { return bytes_.empty(); }

 private:
  void Wipe();
  std::vector<char> bytes_;
};

// From the operating system's generator. The process ends when that fails.
void FillRandom(std::span<char> out);

}  // namespace skerry::crypto

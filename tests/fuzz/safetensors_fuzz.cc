#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "storage/safetensors.h"

// Any bytes may be given to the reader of safetensors files. What it takes for one must describe
// the file without a gap, and be the same after it is written out and read again.
namespace skerry::storage {
namespace {

// Bytes as a file.
class ViewFile final : public File {
 public:
  explicit ViewFile(std::string_view bytes) : bytes_(bytes) {}
  Result<std::size_t> ReadAt(uint64_t offset, std::span<char> out) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    return bytes_.copy(out.data(), out.size(), offset);
  }
  Status WriteAt(uint64_t, std::string_view) override { return Unimplemented("read-only"); }
  Status Sync() override { return Unimplemented("read-only"); }
  Result<uint64_t> Size() const override { return uint64_t{bytes_.size()}; }
  Status Truncate(uint64_t) override { return Unimplemented("read-only"); }

 private:
  const std::string_view bytes_;
};

void CheckPromises(const SafetensorsInfo& info, uint64_t file_size) {
  const auto data_bytes = static_cast<uint64_t>(info.layout.size_bytes());
  SKERRY_CHECK(info.data_begin >= 10 && info.data_begin + data_bytes == file_size);
  const std::string header = SafetensorsHeader(info.layout, info.metadata);
  SKERRY_CHECK(header.size() % 8 == 0);
  const auto again = ParseSafetensors(header, header.size() + data_bytes);
  SKERRY_CHECK(again.ok());
  SKERRY_CHECK(again->layout == info.layout && again->metadata == info.metadata);
  SKERRY_CHECK(again->data_begin == header.size());
}

void Run(std::string_view bytes) {
  // The file as it is; its header before a longer file, as when data is still on its way; and the
  // same read through a File.
  for (const uint64_t more : {uint64_t{0}, uint64_t{4}, uint64_t{1} << 40}) {
    const auto info = ParseSafetensors(bytes, bytes.size() + more);
    if (info.ok()) CheckPromises(*info, bytes.size() + more);
    SKERRY_CHECK(info.ok() || info.status().code() == Code::kDataLoss);
  }
  const auto parsed = ParseSafetensors(bytes, bytes.size());
  const auto read = ReadSafetensors(ViewFile(bytes));
  SKERRY_CHECK(parsed.status().ToString() == read.status().ToString());
  SKERRY_CHECK(!parsed.ok() || parsed->layout == read->layout);
}

}  // namespace
}  // namespace skerry::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  skerry::storage::Run({reinterpret_cast<const char*>(bytes), size});
  return 0;
}

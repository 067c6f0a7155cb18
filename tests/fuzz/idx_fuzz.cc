// IDX files of strangers: client/data/idx.h.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/memory_files.h"
#include "client/data/idx.h"

namespace {

// The first byte says where the labels begin.
void Read(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t cut = static_cast<unsigned char>(bytes[0]) % bytes.size();
  skerry::MemoryFiles files;
  if (!skerry::PublishFile(files, "images", bytes.substr(1, cut)).ok()) return;
  if (!skerry::PublishFile(files, "labels", bytes.substr(cut + 1 < bytes.size() ? cut + 1 : 1))
           .ok())
    return;
  skerry::client::DataSource source;
  source.idx.images = "images";
  source.idx.labels = "labels";
  const std::string columns[] = {"pixel0", "label"};
  const auto table = skerry::client::ReadIdx(files, source, columns);
  if (!table.ok()) return;
  for (std::size_t row = 0; row < (*table)->num_rows(); ++row) {
    if (!(*table)->Cell(row, 0).has_value() || (*table)->Place(row, 1).empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = skerry::client::ParseIdxHeader(bytes, size);
  if (header.ok() &&
      static_cast<uint64_t>(header->begin + header->rows * header->row_size) != size) {
    std::abort();
  }
  Read(bytes);
  return 0;
}

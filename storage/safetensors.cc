#include "storage/safetensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/check.h"
#include "storage/safetensors_header.h"

namespace skerry::storage {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 16 << 20;
constexpr std::size_t kAlignment = 8;

std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string EncodeLength(uint64_t length) {
  std::string bytes;
  for (uint64_t i = 0; i < kLengthBytes; ++i) {
    bytes.push_back(static_cast<char>((length >> (8 * i)) & 0xff));
  }
  return bytes;
}

uint64_t DecodeLength(std::string_view bytes) {
  uint64_t length = 0;
  for (uint64_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return length;
}

Status Malformed(const std::string& how) { return DataLoss("not a safetensors file: " + how); }

// The length of the header, whose first bytes are `first_bytes`.
Result<uint64_t> HeaderLength(std::string_view first_bytes, uint64_t file_size) {
  if (file_size < kLengthBytes || first_bytes.size() < kLengthBytes) {
    return Malformed("cut short, only " + std::to_string(file_size) + " bytes");
  }
  const uint64_t length = DecodeLength(first_bytes);
  if (length > file_size - kLengthBytes) {
    return Malformed("cut short, its header should have " + std::to_string(length) +
                     " bytes and the file has " + std::to_string(file_size));
  }
  if (length > kMaxHeaderBytes) {
    return Malformed("its header has " + std::to_string(length) + " bytes, more than " +
                     std::to_string(kMaxHeaderBytes));
  }
  return length;
}

// In the order of the data; tensors without bytes stay where the header has them.
Status CheckOffsets(std::vector<TensorEntry>& entries, uint64_t data_bytes) {
  std::stable_sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const TensorEntry& entry : entries) {
    const std::string name = "tensor " + Quoted(entry.spec.name);
    if (entry.begin > covered) return Malformed("a gap before " + name);
    if (entry.begin < covered) return Malformed(name + " overlaps the one before it");
    if (entry.end < entry.begin) return Malformed(name + " ends before it begins");
    if (entry.end > data_bytes) return Malformed("cut short, within " + name);
    covered = entry.end;
  }
  if (covered < data_bytes) {
    return Malformed(std::to_string(data_bytes - covered) + " bytes left over at the end");
  }
  return OkStatus();
}

Result<learning::Layout> MakeLayout(std::vector<TensorEntry> entries) {
  std::vector<learning::TensorSpec> specs;
  std::vector<uint64_t> sizes;
  for (TensorEntry& entry : entries) {
    specs.push_back(std::move(entry.spec));
    sizes.push_back(entry.end - entry.begin);
  }
  Result<learning::Layout> layout = learning::Layout::Create(std::move(specs));
  if (!layout.ok()) return Malformed(layout.status().message());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const learning::TensorSpec& spec = layout->tensors()[i];
    if (static_cast<uint64_t>(spec.SizeBytes()) != sizes[i]) {
      return Malformed("tensor " + Quoted(spec.name) + " has " + std::to_string(sizes[i]) +
                       " bytes, its shape needs " + std::to_string(spec.SizeBytes()));
    }
  }
  return layout;
}

std::string TensorText(const learning::TensorSpec& spec, int64_t begin) {
  std::string text = Quoted(spec.name) + ":{\"dtype\":\"" +
                     std::string(learning::DTypeName(spec.dtype)) + "\",\"shape\":[";
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(spec.shape[i]);
  }
  return text + "],\"data_offsets\":[" + std::to_string(begin) + ',' +
         std::to_string(begin + spec.SizeBytes()) + "]}";
}

std::string MetadataText(const Metadata& metadata) {
  std::string text = '"' + std::string(kMetadataKey) + "\":{";
  for (const auto& [key, value] : metadata) {
    if (text.back() != '{') text += ',';
    text += Quoted(key) + ':' + Quoted(value);
  }
  return text + '}';
}

}  // namespace

std::string SafetensorsHeader(const learning::Layout& layout, const Metadata& metadata) {
  SKERRY_CHECK(!layout.Find(kMetadataKey));  // the format gives this name another meaning
  std::string header = "{";
  if (!metadata.empty()) header += MetadataText(metadata);
  for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
    if (header.size() > 1) header += ',';
    header += TensorText(layout.tensors()[i], layout.offset_bytes(i));
  }
  header += '}';
  // The length before it has 8 bytes, so what aligns the header aligns the data.
  while (header.size() % kAlignment != 0) header += ' ';
  return EncodeLength(header.size()) + header;
}

Result<uint64_t> SafetensorsDataBegin(const File& file) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t file_size, file.Size());
  std::array<char, kLengthBytes> bytes{};
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(0, bytes));
  SKERRY_ASSIGN_OR_RETURN(const uint64_t length, HeaderLength({bytes.data(), n}, file_size));
  return kLengthBytes + length;
}

Result<SafetensorsInfo> ReadSafetensors(const File& file) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t data_begin, SafetensorsDataBegin(file));
  std::string bytes(data_begin, '\0');
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(0, bytes));
  bytes.resize(n);
  SKERRY_ASSIGN_OR_RETURN(const uint64_t file_size, file.Size());
  return ParseSafetensors(bytes, file_size);
}

Result<SafetensorsInfo> ParseSafetensors(std::string_view first_bytes, uint64_t file_size) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t length, HeaderLength(first_bytes, file_size));
  if (first_bytes.size() < kLengthBytes + length) return Malformed("cut short, within its header");
  SafetensorsInfo info;
  info.data_begin = kLengthBytes + length;
  Result<ParsedHeader> header = ParseHeader(first_bytes.substr(kLengthBytes, length));
  if (!header.ok()) return Malformed(header.status().message());
  SKERRY_RETURN_IF_ERROR(CheckOffsets(header->tensors, file_size - info.data_begin));
  SKERRY_ASSIGN_OR_RETURN(info.layout, MakeLayout(std::move(header->tensors)));
  info.metadata = std::move(header->metadata);
  return info;
}

}  // namespace skerry::storage

#include "coordinator/update_reader.h"

#include <algorithm>
#include <vector>

#include "learning/compression/dense.h"
#include "learning/compression/top_k.h"

namespace skerry::coordinator {
namespace {

using Kind = learning::Encoding::Kind;

constexpr int64_t kBlockElements = 64 * 1024;
constexpr int64_t kFewEntries = 512;  // are read at once rather than searched further
constexpr int64_t kReadEntries = 4096;

template <class T>
Status ReadExactly(const File& file, uint64_t offset, std::span<T> out) {
  const std::span<char> bytes(reinterpret_cast<char*>(out.data()), out.size_bytes());
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, bytes));
  if (n != bytes.size()) return DataLoss("a result is shorter than its layout");
  return OkStatus();
}

template <class T>
Result<std::vector<T>> ReadValues(const File& file, uint64_t offset, int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  SKERRY_RETURN_IF_ERROR(ReadExactly(file, offset, std::span(values)));
  return values;
}

uint64_t Bytes(int64_t entries) { return static_cast<uint64_t>(entries) * 4; }

}  // namespace

Status UpdateReader::Read(const File& file, int64_t first, std::span<float> out) const {
  switch (encoding_.kind) {
    case Kind::kPlain:
      return ReadExactly(file, offset_ + Bytes(first), out);
    case Kind::kTopK:
      return ReadSparse(file, first, out);
    default:
      return ReadDense(file, first, out);
  }
}

Status UpdateReader::Read(const File& file, int64_t first, std::span<double> out) const {
  return ReadExactly(file, offset_ + static_cast<uint64_t>(first) * sizeof(double), out);
}

Status UpdateReader::ReadDense(const File& file, int64_t first, std::span<float> out) const {
  const learning::DenseRange range =
      learning::BlocksAround(encoding_, num_elements_, first, static_cast<int64_t>(out.size()));
  SKERRY_ASSIGN_OR_RETURN(
      const std::vector<char> blocks,
      ReadValues<char>(file, offset_ + static_cast<uint64_t>(range.offset), range.bytes));
  learning::DecodeDense(encoding_, blocks, first - range.first, out);
  return OkStatus();
}

// The first entry whose index is `element` or above, give or take kFewEntries: at or before it.
Result<int64_t> UpdateReader::FirstEntryFrom(const File& file, int64_t element) const {
  int64_t begin = 0;  // entries before it are below `element`
  int64_t end = encoding_.kept;
  while (end - begin > kFewEntries) {
    const int64_t middle = begin + (end - begin) / 2;
    uint32_t index = 0;
    SKERRY_RETURN_IF_ERROR(ReadExactly(file, offset_ + Bytes(middle), std::span(&index, 1)));
    if (static_cast<int64_t>(index) < element) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

Status UpdateReader::ReadSparse(const File& file, int64_t first, std::span<float> out) const {
  std::fill(out.begin(), out.end(), 0.0F);
  const int64_t end = first + static_cast<int64_t>(out.size());
  SKERRY_ASSIGN_OR_RETURN(int64_t entry, FirstEntryFrom(file, first));
  while (entry < encoding_.kept) {
    const int64_t count =
        std::min({encoding_.kept - entry, kReadEntries, end - first + kFewEntries});
    SKERRY_ASSIGN_OR_RETURN(const auto indices,
                            ReadValues<uint32_t>(file, offset_ + Bytes(entry), count));
    SKERRY_ASSIGN_OR_RETURN(
        const auto values, ReadValues<float>(file, offset_ + Bytes(encoding_.kept + entry), count));
    learning::Scatter(indices, values, first, out);
    if (static_cast<int64_t>(indices.back()) >= end - 1) break;
    entry += count;
  }
  return OkStatus();
}

Status UpdateReader::Check(const File& file) const {
  switch (encoding_.kind) {
    case Kind::kPlain:
      return OkStatus();
    case Kind::kTopK:
      return CheckSparse(file);
    default:
      return CheckDense(file);
  }
}

Status UpdateReader::CheckDense(const File& file) const {
  const int64_t block = std::max<int64_t>(encoding_.block, 1);
  const int64_t step = std::max(block, kBlockElements / block * block);
  for (int64_t first = 0; first < num_elements_; first += step) {
    const learning::DenseRange range = learning::BlocksAround(
        encoding_, num_elements_, first, std::min(step, num_elements_ - first));
    SKERRY_ASSIGN_OR_RETURN(
        const std::vector<char> blocks,
        ReadValues<char>(file, offset_ + static_cast<uint64_t>(range.offset), range.bytes));
    SKERRY_RETURN_IF_ERROR(learning::CheckDense(encoding_, first, blocks));
  }
  return OkStatus();
}

Status UpdateReader::CheckSparse(const File& file) const {
  int64_t previous = -1;
  for (int64_t entry = 0; entry < encoding_.kept; entry += kBlockElements) {
    const int64_t count = std::min(kBlockElements, encoding_.kept - entry);
    SKERRY_ASSIGN_OR_RETURN(const auto indices,
                            ReadValues<uint32_t>(file, offset_ + Bytes(entry), count));
    SKERRY_RETURN_IF_ERROR(learning::CheckIndices(indices, previous, num_elements_));
    previous = static_cast<int64_t>(indices.back());
  }
  return OkStatus();
}

}  // namespace skerry::coordinator

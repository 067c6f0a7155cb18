#include "learning/compression/encoding.h"

namespace skerry::learning {
namespace {

using Kind = Encoding::Kind;

bool HasBlocks(const Encoding& encoding) {
  return encoding.kind == Kind::kF16 || encoding.kind == Kind::kInt8;
}

int64_t NumBlocks(const Encoding& encoding, int64_t num_elements) {
  return num_elements / encoding.block + (num_elements % encoding.block == 0 ? 0 : 1);
}

}  // namespace

Status CheckEncoding(const Encoding& encoding, int64_t num_elements) {
  if (HasBlocks(encoding) ? encoding.block < 1 || encoding.block > kMaxScaleBlock
                          : encoding.block != 0) {
    return InvalidArgument("an encoding with blocks of " + std::to_string(encoding.block) +
                           " elements");
  }
  if (encoding.kind != Kind::kTopK) {
    return encoding.kept == 0 ? OkStatus()
                              : InvalidArgument("only TOP_K keeps a number of elements");
  }
  if (num_elements > kMaxIndexed) {
    return InvalidArgument("TOP_K has indices for 2^32 elements, not for " +
                           std::to_string(num_elements));
  }
  if (encoding.kept > num_elements || encoding.kept < (num_elements > 0 ? 1 : 0)) {
    return InvalidArgument("TOP_K keeps " + std::to_string(encoding.kept) + " of " +
                           std::to_string(num_elements) + " elements");
  }
  return OkStatus();
}

int64_t EncodedBytes(const Encoding& encoding, int64_t num_elements) {
  constexpr int64_t kScaleBytes = 4;
  constexpr int64_t kEntryBytes = 8;
  switch (encoding.kind) {
    case Kind::kF16:
      return 2 * num_elements + kScaleBytes * NumBlocks(encoding, num_elements);
    case Kind::kBF16:
      return 2 * num_elements;
    case Kind::kInt8:
      return num_elements + kScaleBytes * NumBlocks(encoding, num_elements);
    case Kind::kTopK:
      return kEntryBytes * encoding.kept;
    case Kind::kPlain:
      break;
  }
  return 4 * num_elements;
}

std::string EncodingText(const Encoding& encoding) {
  switch (encoding.kind) {
    case Kind::kF16:
      return "F16 " + std::to_string(encoding.block);
    case Kind::kBF16:
      return "BF16";
    case Kind::kInt8:
      return "INT8 " + std::to_string(encoding.block);
    case Kind::kTopK:
      return "TOP_K " + std::to_string(encoding.kept);
    case Kind::kPlain:
      break;
  }
  return "";
}

}  // namespace skerry::learning

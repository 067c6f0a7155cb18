#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes_file.h"
#include "base/check.h"
#include "coordinator/result_check.h"
#include "coordinator/update_reader.h"

// Any bytes may come as an encoded update. What CheckValues lets pass must be read, in any pieces,
// as finite numbers that are not too large; and nothing may be read outside of it.
//
// The first three bytes are the encoding and the number of elements.
namespace skerry::coordinator {
namespace {

using learning::Encoding;
using learning::Layout;
using learning::ResultLayout;

Encoding EncodingOf(uint8_t kind, uint8_t number, int64_t num_elements) {
  switch (kind % 5) {
    case 0:
      return {Encoding::Kind::kF16, 1 + number, 0};
    case 1:
      return {Encoding::Kind::kBF16, 0, 0};
    case 2:
      return {Encoding::Kind::kInt8, 1 + number, 0};
    case 3:
      return {Encoding::Kind::kTopK, 0, 1 + number % num_elements};
    default:
      return {};
  }
}

void CheckPromises(const File& file, const UpdateReader& reader, int64_t num_elements) {
  std::vector<float> whole(static_cast<std::size_t>(num_elements));
  SKERRY_CHECK(reader.Read(file, 0, whole).ok());
  for (const float value : whole) {
    SKERRY_CHECK(std::isfinite(value) && std::abs(value) <= kMaxMagnitude);
  }
  for (int64_t first = 0; first < num_elements; first += 7) {
    std::vector<float> piece(static_cast<std::size_t>(std::min<int64_t>(7, num_elements - first)));
    SKERRY_CHECK(reader.Read(file, first, piece).ok());
    for (std::size_t i = 0; i < piece.size(); ++i) {
      SKERRY_CHECK(piece[i] == whole[static_cast<std::size_t>(first) + i]);
    }
  }
}

void Fuzz(std::string_view input) {
  if (input.size() < 3) return;
  const int64_t num_elements = 1 + static_cast<uint8_t>(input[2]);
  const Encoding encoding =
      EncodingOf(static_cast<uint8_t>(input[0]), static_cast<uint8_t>(input[1]), num_elements);
  const auto tensors = Layout::Create({{"w", learning::DType::kF32, {num_elements}}});
  const auto layout =
      ResultLayout::Create({{"update", learning::Rule::kAggregate, *tensors, encoding}});
  SKERRY_CHECK(layout.ok());
  const BytesFile file{std::string(input.substr(3))};
  if (!CheckValues(file, *layout).ok()) return;
  CheckPromises(file, UpdateReader(*layout, 0), num_elements);
}

}  // namespace
}  // namespace skerry::coordinator

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  skerry::coordinator::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}

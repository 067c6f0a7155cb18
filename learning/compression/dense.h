#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "learning/compression/encoding.h"

namespace skerry::learning {

// The encodings that send every element: kF16, kBF16 and kInt8. A section is a row of records, one
// for each block (of one element for kBF16): the scale where there is one, then the elements; the
// last block may be shorter. Pure functions; a block does not depend on others.

// Where a range of elements stands in its section: the whole blocks around it.
struct DenseRange {
  int64_t first = 0;   // element that the first of these blocks begins with
  int64_t offset = 0;  // bytes from the beginning of the section
  int64_t bytes = 0;
};
DenseRange BlocksAround(const Encoding& encoding, int64_t num_elements, int64_t first,
                        int64_t count);

// Names the random numbers by which kInt8 rounds: the same arguments, the same bytes.
struct RoundingKey {
  uint64_t seed = 0;
  uint64_t round = 0;
  std::string_view site;
};

// Encodes `values`, which begin at element `first`, a multiple of the block, into exactly the bytes
// that BlocksAround says. INVALID_ARGUMENT names the first element that is NaN or infinite.
//
// kF16: the block's scale is the power of two that brings its largest magnitude into [2^14, 2^15),
// but at least 2^-126, and each element, divided by it, is rounded to the nearest binary16.
// kInt8 (stochastic rounding: Alistarh, Grubic, Li, Tomioka, Vojnovic: "QSGD", NeurIPS 2017,
// section 3.1, with the largest magnitude as norm): the scale is max|x| / 127 rounded up, and an
// element floor(x / scale + u) with u uniform over [0, 1): right in the mean. A block whose scale
// would be below 2^-126 is zeros.
Status EncodeDense(const Encoding& encoding, const RoundingKey& key, int64_t first,
                   std::span<const float> values, std::span<char> out);

// INVALID_ARGUMENT: the blocks, which begin with element `first`, are none that EncodeDense could
// have made: a scale that is negative, not finite or (kF16) no power of two, a half that is not
// finite, a byte of -128.
Status CheckDense(const Encoding& encoding, int64_t first, std::span<const char> blocks);

// Elements [skip, skip + out.size()) of `blocks`, which hold that many.
void DecodeDense(const Encoding& encoding, std::span<const char> blocks, int64_t skip,
                 std::span<float> out);

}  // namespace skerry::learning

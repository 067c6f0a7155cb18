#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/data/site_data.h"
#include "crypto/digest.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// What decides the split of a row and its place in it.
struct RowDigests {
  crypto::Digest identity;  // of the key when one is declared, else of the contents
  crypto::Digest contents;

  friend auto operator<=>(const RowDigests&, const RowDigests&) = default;
};

// identity = SHA-256("skerry key 1" ‖ key) with a key, else contents; contents = SHA-256("skerry
// row 1" ‖ canonical contents).
RowDigests DigestsOf(bool has_key, std::string_view key, std::string_view contents);

// Deals rows to the splits by their identity alone.
class RowSplit {
 public:
  // INVALID_ARGUMENT unless the fractions are at least 0 and add up to 1. A run without a split
  // trains on every row.
  static Result<RowSplit> Create(const v1::DataSpec& spec);

  // PartAt(u) with u = the first 53 bits (big-endian) of SHA-256("skerry split 1" ‖ u64le seed ‖
  // identity), over 2^53.
  SplitPart PartOf(const crypto::Digest& identity) const;
  // For `u` in [0, 1): train below `train`, validation below `train + validation`, test above; the
  // last part with a fraction takes what the rounding of the fractions leaves below 1.
  SplitPart PartAt(double u) const;

  double fraction(SplitPart part) const { return fractions_[static_cast<std::size_t>(part)]; }

 private:
  RowSplit(const std::array<double, 3>& fractions, uint64_t seed)
      : fractions_(fractions), seed_(seed) {}

  std::array<double, 3> fractions_;
  uint64_t seed_;
};

// The rows of each split in canonical order: by identity, then by contents. Rows equal in both are
// equal in all that a run sees.
std::array<std::vector<uint32_t>, 3> SplitRows(const RowSplit& split,
                                               const std::vector<RowDigests>& digests);

}  // namespace skerry::client

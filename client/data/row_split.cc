#include "client/data/row_split.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/text.h"
#include "crypto/sha256.h"

namespace skerry::client {
namespace {

constexpr double kFractionSlack = 1e-9;  // fractions are typed as decimals: 0.7, 0.2, 0.1

crypto::Digest Tagged(std::string_view tag, std::string_view bytes) {
  std::string tagged(tag);
  tagged += bytes;
  return crypto::Sha256(tagged);
}

double UniformOf(const crypto::Digest& digest) {
  uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    word = word << 8 | static_cast<unsigned char>(digest.bytes[i]);
  }
  return static_cast<double>(word >> 11) * 0x1p-53;
}

}  // namespace

RowDigests DigestsOf(bool has_key, std::string_view key, std::string_view contents) {
  const crypto::Digest row = Tagged("skerry row 1", contents);
  return {has_key ? Tagged("skerry key 1", key) : row, row};
}

Result<RowSplit> RowSplit::Create(const v1::DataSpec& spec) {
  const v1::Split& split = spec.split();
  std::array<double, 3> fractions = {split.train(), split.validation(), split.test()};
  if (fractions == std::array<double, 3>{}) fractions[0] = 1;
  double sum = 0;
  for (const double fraction : fractions) {
    if (!(fraction >= 0)) return InvalidArgument("split: a fraction is below 0");
    sum += fraction;
  }
  if (!(std::fabs(sum - 1) <= kFractionSlack)) {
    return InvalidArgument("split: train, validation and test add up to " + FormatExact(sum))
        .WithHint("let them add up to 1");
  }
  return RowSplit(fractions, split.seed());
}

SplitPart RowSplit::PartOf(const crypto::Digest& identity) const {
  std::string seed;
  for (int i = 0; i < 8; ++i) {
    seed += static_cast<char>(static_cast<unsigned char>(seed_ >> (8 * i)));
  }
  return PartAt(UniformOf(Tagged("skerry split 1" + seed, identity.view())));
}

SplitPart RowSplit::PartAt(double u) const {
  SplitPart last = SplitPart::kTrain;
  double end = 0;
  for (const SplitPart part : {SplitPart::kTrain, SplitPart::kValidation, SplitPart::kTest}) {
    if (fraction(part) == 0) continue;
    last = part;
    end += fraction(part);
    if (u < end) break;
  }
  return last;
}

std::array<std::vector<uint32_t>, 3> SplitRows(const RowSplit& split,
                                               const std::vector<RowDigests>& digests) {
  std::array<std::vector<uint32_t>, 3> parts;
  for (uint32_t row = 0; row < digests.size(); ++row) {
    parts[static_cast<std::size_t>(split.PartOf(digests[row].identity))].push_back(row);
  }
  for (std::vector<uint32_t>& part : parts) {
    std::sort(part.begin(), part.end(),
              [&digests](uint32_t a, uint32_t b) { return digests[a] < digests[b]; });
  }
  return parts;
}

}  // namespace skerry::client

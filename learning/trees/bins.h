#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace skerry::learning {

// How an input is divided into bins of about equally many rows, by counts that add up over sites
// and nothing else: first in cells that are the same for every input of every run, then in finer
// ones where there are rows, then in bins. Cell i of `edges` holds x with edges[i - 1] <= x <
// edges[i]; edges rise, and those that are not used are infinite. Everything depends on whole
// numbers alone, so that the counts of many sites give the edges of all their rows in one place.

// The edges to begin with: 0, and powers of two from 2^-20 to 2^44 on either side of it.
// `num_edges` is odd and at least 3.
std::vector<float> FirstEdges(int64_t num_edges);

// The cell of a value that is not NaN.
int64_t CellOf(std::span<const float> edges, float value);

// As many edges as there are, of finer cells: those with many rows are divided into more, and no
// two groups of rows that were apart come together, as long as there are no more than `num_bins`.
// `counts` has one element more than `edges`.
std::vector<float> RefinedEdges(std::span<const float> edges, std::span<const int64_t> counts,
                                int64_t num_bins);

// The edges of at most `num_bins` bins: one of each cell that has rows, if there are no more of
// these, else bins of about equally many rows. As many edges as there are, the rest infinite.
std::vector<float> BinEdges(std::span<const float> edges, std::span<const int64_t> counts,
                            int64_t num_bins);

}  // namespace skerry::learning

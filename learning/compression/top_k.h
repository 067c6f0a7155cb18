#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace skerry::learning {

// Sparse updates with error feedback (Stich, Cordonnier, Jaggi: "Sparsified SGD with memory",
// NeurIPS 2018, algorithm 1): what is not sent stays in a residual, and is part of what the next
// update chooses from. A section is the indices of the elements that are sent, 32 bits each and
// ascending, and then their values.

// How many of `num_elements` a share of `ratio` is: max(1, floor(ratio * num_elements)), but 0 of
// none.
int64_t KeptOf(double ratio, int64_t num_elements);

// Moves the indices.size() largest magnitudes out of `values`, of equal ones those with the lowest
// indices: they go to `kept`, ascending by index, and 0 stays in their places. What is then in
// `values` and what is in `kept` is together, exactly, what was there. All values are finite.
// indices.size() == kept.size() <= values.size() <= kMaxIndexed. Its own memory: 256 KiB.
void TakeTopK(std::span<float> values, std::span<uint32_t> indices, std::span<float> kept);

// INVALID_ARGUMENT: they are not strictly ascending after `previous` (-1: the first), or one is not
// below `num_elements`.
Status CheckIndices(std::span<const uint32_t> indices, int64_t previous, int64_t num_elements);

// Puts those of the values whose index is in [first, first + out.size()) into their places; what is
// elsewhere in `out` stays.
void Scatter(std::span<const uint32_t> indices, std::span<const float> values, int64_t first,
             std::span<float> out);

}  // namespace skerry::learning

#include "learning/aggregators/order_statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "learning/aggregators/selection_network.h"

namespace skerry::learning {
namespace {

using Rows = std::span<const std::span<const float>>;

// Finite floats order like integers once the magnitude bits of the negative ones are turned round.
// The order of integers is total, also of zeros of both signs, so that every way of sorting gives
// the same bits; and integers have a minimum and a maximum in one instruction each.
constexpr int32_t kMagnitude = 0x7fffffff;

constexpr std::size_t kLanes = 8;
using Keys = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));
using Floats = float __attribute__((vector_size(4 * sizeof(float))));
using Doubles = double __attribute__((vector_size(4 * sizeof(double))));

// Its own inverse.
inline Keys Turn(Keys bits) { return bits ^ ((bits >> 31) & kMagnitude); }

inline void Order(Keys& low, Keys& high) {
  const Keys a = low;
  const Keys b = high;
  low = a < b ? a : b;
  high = a < b ? b : a;
}

inline Keys Load(const float* from) {
  Keys keys;
  std::memcpy(&keys, from, sizeof(keys));
  return Turn(keys);
}

struct Sum {
  Doubles low = {};
  Doubles high = {};

  void Add(Keys keys) {
    keys = Turn(keys);
    Floats halves[2];
    std::memcpy(halves, &keys, sizeof(keys));
    low += __builtin_convertvector(halves[0], Doubles);
    high += __builtin_convertvector(halves[1], Doubles);
  }
  void StoreMean(double count, double* out) const {
    const Doubles means[2] = {low / count, high / count};
    std::memcpy(out, means, sizeof(means));
  }
};

bool IsMiddle(std::size_t size, Places places) {
  return places.first == (size - 1) / 2 && places.last == size / 2 + 1;
}

// ---- Few rows: the values of eight columns are sorted in registers ------------------------------

constexpr std::size_t kFewRows = 16;

template <std::size_t kSize>
constexpr auto MakeNetwork() {
  constexpr std::size_t kCount = [] {
    std::size_t count = 0;
    VisitSortingNetwork(kSize, [&](Exchange) { ++count; });
    return count;
  }();
  std::array<Exchange, kCount> network{};
  std::size_t at = 0;
  VisitSortingNetwork(kSize, [&](Exchange exchange) { network[at++] = exchange; });
  return network;
}

template <std::size_t kSize, std::size_t... kAt>
inline void SortInRegisters(Keys (&keys)[kSize], std::index_sequence<kAt...> /*each exchange*/) {
  [[maybe_unused]] constexpr auto kNetwork = MakeNetwork<kSize>();
  (Order(keys[kNetwork[kAt].low], keys[kNetwork[kAt].high]), ...);
}

// Of kSize rows, elements [i, i + 8). With places that the compiler knows, it leaves out the
// exchanges that they do not need.
template <std::size_t kSize, bool kMiddle>
void FewRows(const float* const* rows, std::size_t i, Places places, double* out) {
  Keys keys[kSize];
#pragma GCC unroll 16
  for (std::size_t k = 0; k < kSize; ++k) keys[k] = Load(rows[k] + i);
  SortInRegisters(keys, std::make_index_sequence<MakeNetwork<kSize>().size()>());
  Sum sum;
  if constexpr (kMiddle) {
    sum.Add(keys[(kSize - 1) / 2]);
    if (kSize % 2 == 0) sum.Add(keys[kSize / 2]);
    sum.StoreMean(kSize % 2 == 0 ? 2.0 : 1.0, out);
  } else {
    Keys sorted[kSize];
    std::memcpy(sorted, keys, sizeof(keys));
    for (std::size_t k = places.first; k < places.last; ++k) sum.Add(sorted[k]);
    sum.StoreMean(static_cast<double>(places.last - places.first), out);
  }
}

using FewRowsFunction = void (*)(const float* const*, std::size_t, Places, double*);

template <bool kMiddle, std::size_t... kAt>
constexpr std::array<FewRowsFunction, sizeof...(kAt)> FewRowsFunctions(
    std::index_sequence<kAt...> /*sizes less one*/) {
  return {&FewRows<kAt + 1, kMiddle>...};
}

FewRowsFunction FewRowsFor(std::size_t size, Places places) {
  static constexpr auto kMiddles = FewRowsFunctions<true>(std::make_index_sequence<kFewRows>());
  static constexpr auto kOthers = FewRowsFunctions<false>(std::make_index_sequence<kFewRows>());
  return IsMiddle(size, places) ? kMiddles[size - 1] : kOthers[size - 1];
}

// ---- More rows: the network is a list, and the values lie in the fastest cache ------------------

// So many columns go through the network together: one look at an exchange serves them all, and the
// values of 128 rows still fit.
constexpr std::size_t kParts = 4;
struct Strip {
  Keys part[kParts];
};

// What a thread keeps from block to block: those of a round are all alike.
struct ManyRows {
  std::size_t size = 0;
  Places places;
  std::vector<Exchange> network;
  std::vector<Strip> strips;

  void Prepare(std::size_t new_size, Places new_places) {
    if (size == new_size && places == new_places) return;
    size = new_size;
    places = new_places;
    network = SelectionNetwork(size, places);
    strips.resize(size);
  }

  void Sort(const float* const* rows, std::size_t i) {
    for (std::size_t k = 0; k < size; ++k) {
      for (std::size_t p = 0; p < kParts; ++p) {
        strips[k].part[p] = Load(rows[k] + i + p * kLanes);
      }
    }
    for (const Exchange exchange : network) {
      Strip& low = strips[exchange.low];
      Strip& high = strips[exchange.high];
      for (std::size_t p = 0; p < kParts; ++p) Order(low.part[p], high.part[p]);
    }
  }

  void StoreMeans(double* out) const {
    for (std::size_t p = 0; p < kParts; ++p) {
      Sum sum;
      for (std::size_t k = places.first; k < places.last; ++k) sum.Add(strips[k].part[p]);
      sum.StoreMean(static_cast<double>(places.last - places.first), out + p * kLanes);
    }
  }

  // The sorted values of element `at` of the group.
  void CopyColumn(std::size_t at, double* column) const {
    for (std::size_t k = 0; k < size; ++k) {
      const int32_t key = strips[k].part[at / kLanes][at % kLanes];
      column[k] = static_cast<double>(std::bit_cast<float>(key ^ ((key >> 31) & kMagnitude)));
    }
  }
};

// ---- Both ---------------------------------------------------------------------------------------

void CheckShapes(Rows rows, Places places, std::size_t size) {
  SKERRY_CHECK(places.first < places.last && places.last <= rows.size());
  for (const std::span<const float> row : rows) SKERRY_CHECK(row.size() == size);
}

// Gives each group of kWidth elements to step(pointers to the rows, first element, out); the last
// ones with zeros behind them.
template <std::size_t kWidth, class Step>
void EachGroup(Rows rows, std::span<double> out, Step step) {
  std::vector<const float*> from;
  for (const std::span<const float> row : rows) from.push_back(row.data());
  std::size_t i = 0;
  for (; i + kWidth <= out.size(); i += kWidth) step(from.data(), i, out.data() + i);
  const std::size_t rest = out.size() - i;
  if (rest == 0) return;
  std::vector<float> last(rows.size() * kWidth, 0.0F);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    std::memcpy(&last[k * kWidth], from[k] + i, rest * sizeof(float));
    from[k] = &last[k * kWidth];
  }
  double means[kWidth];
  step(from.data(), 0, means);
  std::memcpy(out.data() + i, means, rest * sizeof(double));
}

}  // namespace

void SortedMean(Rows rows, Places places, std::span<double> out) {
  CheckShapes(rows, places, out.size());
  if (rows.size() <= kFewRows) {
    const FewRowsFunction few = FewRowsFor(rows.size(), places);
    EachGroup<kLanes>(rows, out, [&](const float* const* from, std::size_t i, double* to) {
      few(from, i, places, to);
    });
    return;
  }
  thread_local ManyRows many;
  many.Prepare(rows.size(), places);
  EachGroup<kParts * kLanes>(rows, out, [](const float* const* from, std::size_t i, double* to) {
    many.Sort(from, i);
    many.StoreMeans(to);
  });
}

void ClosestToMedianMean(Rows rows, std::size_t keep, std::span<double> out) {
  SKERRY_CHECK(keep >= 1 && keep <= rows.size());
  CheckShapes(rows, {0, rows.size()}, out.size());
  thread_local ManyRows many;
  many.Prepare(rows.size(), {0, rows.size()});
  std::vector<double> column(rows.size());
  EachGroup<kParts * kLanes>(rows, out, [&](const float* const* from, std::size_t i, double* to) {
    many.Sort(from, i);
    for (std::size_t at = 0; at < kParts * kLanes; ++at) {
      many.CopyColumn(at, column.data());
      to[at] = MeanAroundMedian(column, keep);
    }
  });
}

}  // namespace skerry::learning

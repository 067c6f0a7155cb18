#include "learning/aggregators/distances.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace skerry::learning {
namespace {

constexpr std::size_t kWidth = 8;
// Parts of all rows that stay in the fastest caches while every pair passes over them.
constexpr std::size_t kPiece = 256;

using Floats = float __attribute__((vector_size(4 * sizeof(float))));
using Doubles = double __attribute__((vector_size(4 * sizeof(double))));

struct Eight {
  Doubles low;
  Doubles high;
};

inline Eight Load(const float* from) {
  Floats halves[2];
  std::memcpy(halves, from, sizeof(halves));
  return {__builtin_convertvector(halves[0], Doubles), __builtin_convertvector(halves[1], Doubles)};
}

inline Eight Load(const double* from) {
  Eight eight;
  std::memcpy(&eight, from, sizeof(eight));
  return eight;
}

// lanes += a^2 for each of `size` elements, a multiple of 8.
template <class T>
void AddSquares(const T* a, std::size_t size, double* lanes) {
  Eight sum;
  std::memcpy(&sum, lanes, sizeof(sum));
  for (std::size_t i = 0; i < size; i += kWidth) {
    const Eight x = Load(a + i);
    sum.low += x.low * x.low;
    sum.high += x.high * x.high;
  }
  std::memcpy(lanes, &sum, sizeof(sum));
}

// lanes += (a - b)^2 likewise. Differences of floats are taken in double.
template <class T>
void AddDistance(const T* a, const T* b, std::size_t size, double* lanes) {
  Eight sum;
  std::memcpy(&sum, lanes, sizeof(sum));
  for (std::size_t i = 0; i < size; i += kWidth) {
    const Eight x = Load(a + i);
    const Eight y = Load(b + i);
    const Doubles low = x.low - y.low;
    const Doubles high = x.high - y.high;
    sum.low += low * low;
    sum.high += high * high;
  }
  std::memcpy(lanes, &sum, sizeof(sum));
}

template <class T>
void AddPiece(const std::vector<const T*>& rows, std::size_t size, double* lanes) {
  const std::size_t n = rows.size();
  for (std::size_t i = 0; i < n; ++i, lanes += kWidth) AddSquares(rows[i], size, lanes);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j, lanes += kWidth) {
      AddDistance(rows[i], rows[j], size, lanes);
    }
  }
}

double SumOf(const double* lane) {
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace

UpdateStatistics::UpdateStatistics(std::size_t num_updates)
    : squared_norm(num_updates, 0.0), squared_distance(num_updates * num_updates, 0.0) {}

DistanceMeter::DistanceMeter(std::size_t num_rows)
    : num_rows_(num_rows), lanes_(kWidth * (num_rows + num_rows * (num_rows - 1) / 2), 0.0) {
  SKERRY_CHECK(num_rows > 0);
}

template <class T>
void DistanceMeter::AddRows(std::span<const std::span<const T>> rows) {
  SKERRY_CHECK(rows.size() == num_rows_);
  const std::size_t size = rows[0].size();
  for (const std::span<const T> row : rows) SKERRY_CHECK(row.size() == size);
  std::vector<const T*> at(num_rows_);
  const std::size_t whole = size / kWidth * kWidth;
  for (std::size_t begin = 0; begin < whole; begin += kPiece) {
    for (std::size_t k = 0; k < num_rows_; ++k) at[k] = rows[k].data() + begin;
    AddPiece(at, std::min(kPiece, whole - begin), lanes_.data());
  }
  if (whole == size) return;
  std::vector<T> last(num_rows_ * kWidth, T{0});  // zeros add nothing to any of the sums
  for (std::size_t k = 0; k < num_rows_; ++k) {
    std::memcpy(&last[k * kWidth], rows[k].data() + whole, (size - whole) * sizeof(T));
    at[k] = &last[k * kWidth];
  }
  AddPiece(at, kWidth, lanes_.data());
}

void DistanceMeter::Add(std::span<const std::span<const float>> rows) { AddRows(rows); }
void DistanceMeter::Add(std::span<const std::span<const double>> rows) { AddRows(rows); }

void DistanceMeter::AddTo(UpdateStatistics& statistics) const {
  SKERRY_CHECK(statistics.size() == num_rows_);
  const double* lanes = lanes_.data();
  for (std::size_t i = 0; i < num_rows_; ++i, lanes += kWidth) {
    statistics.squared_norm[i] += SumOf(lanes);
  }
  for (std::size_t i = 0; i < num_rows_; ++i) {
    for (std::size_t j = i + 1; j < num_rows_; ++j, lanes += kWidth) {
      const double sum = SumOf(lanes);
      statistics.squared_distance[i * num_rows_ + j] += sum;
      statistics.squared_distance[j * num_rows_ + i] += sum;
    }
  }
}

}  // namespace skerry::learning

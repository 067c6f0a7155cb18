#include "learning/kernels.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "learning/lanes.h"

namespace skerry::learning {
namespace {

// The loops over R and C have constant bounds and are unrolled, so that `sum` lives in registers:
// 4 x 3 sums, 3 shared factors and 1 more are the 16 that AVX has.
constexpr int kTileRows = 4;
constexpr int kTileColumns = 3;

// R rows of x times C rows of the weight, over elements [i, i + 8) or, with kTail, the `count` that
// are left.
template <int R, int C, bool kTail>
inline void AddProducts(const float* x, const float* weight, int64_t inputs, int64_t count,
                        Lanes (&sum)[R][C]) {
  Lanes w[C];
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) {
    const float* from = weight + c * inputs;
    w[c] = kTail ? LoadFirst(from, count) : LoadLanes(from);
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    const float* from = x + r * inputs;
    const Lanes value = kTail ? LoadFirst(from, count) : LoadLanes(from);
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) sum[r][c] = MulAdd(value, w[c], sum[r][c]);
  }
}

template <int R, int C>
void AffineTile(const float* x, const float* weight, const float* bias, int64_t inputs,
                int64_t outputs, float* out) {
  Lanes sum[R][C];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) sum[r][c] = ZeroLanes();
  }
  int64_t i = 0;
  for (; i + kLanes <= inputs; i += kLanes) {
    AddProducts<R, C, false>(x + i, weight + i, inputs, kLanes, sum);
  }
  if (i < inputs) AddProducts<R, C, true>(x + i, weight + i, inputs, inputs - i, sum);
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) out[r * outputs + c] = SumOf(sum[r][c]) + bias[c];
  }
}

template <int C>
void AffineColumns(MatrixView x, const float* weight, const float* bias, int64_t outputs,
                   float* out) {
  const int64_t k = x.columns;
  int64_t r = 0;
  for (; r + kTileRows <= x.rows; r += kTileRows) {
    AffineTile<kTileRows, C>(x.data + r * k, weight, bias, k, outputs, out + r * outputs);
  }
  const float* from = x.data + r * k;
  float* to = out + r * outputs;
  if (x.rows - r == 3) AffineTile<3, C>(from, weight, bias, k, outputs, to);
  if (x.rows - r == 2) AffineTile<2, C>(from, weight, bias, k, outputs, to);
  if (x.rows - r == 1) AffineTile<1, C>(from, weight, bias, k, outputs, to);
}

// A left factor whose rows or columns are contiguous.
struct Factor {
  const float* data;
  int64_t row_stride;
  int64_t column_stride;
};

// Where a product's piece goes: added to what is there, or, when it is the first, instead of it.
struct Target {
  float* data;
  int64_t stride;
  bool first;
};

// out[R rows, C * 8 columns] += sum over j of a[r, j] * b[j, columns]; with kTail, `count` columns.
template <int R, int C, bool kTail>
void ProductTile(const Factor& a, const float* b, int64_t b_stride, int64_t terms, int64_t count,
                 const Target& out) {
  Lanes sum[R][C];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) sum[r][c] = ZeroLanes();
  }
  for (int64_t j = 0; j < terms; ++j) {
    Lanes row[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      const float* from = b + j * b_stride + c * kLanes;
      row[c] = kTail ? LoadFirst(from, count) : LoadLanes(from);
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const Lanes factor = FillLanes(a.data[r * a.row_stride + j * a.column_stride]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sum[r][c] = MulAdd(factor, row[c], sum[r][c]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      float* to = out.data + r * out.stride + c * kLanes;
      if (!out.first) {
        const Lanes before = kTail ? LoadFirst(to, count) : LoadLanes(to);
        sum[r][c] = Add(before, sum[r][c]);
      }
      if (kTail) {
        StoreFirst(sum[r][c], to, count);
      } else {
        StoreLanes(sum[r][c], to);
      }
    }
  }
}

template <int C, bool kTail>
void ProductColumns(Factor a, int64_t rows, const float* b, int64_t b_stride, int64_t terms,
                    int64_t count, Target out) {
  for (; rows >= kTileRows; rows -= kTileRows) {
    ProductTile<kTileRows, C, kTail>(a, b, b_stride, terms, count, out);
    a.data += kTileRows * a.row_stride;
    out.data += kTileRows * out.stride;
  }
  if (rows == 3) ProductTile<3, C, kTail>(a, b, b_stride, terms, count, out);
  if (rows == 2) ProductTile<2, C, kTail>(a, b, b_stride, terms, count, out);
  if (rows == 1) ProductTile<1, C, kTail>(a, b, b_stride, terms, count, out);
}

// out[r, c] = sum over j of a[r, j] * b[j, c], for one piece of j.
void AddProductPiece(const Factor& a, int64_t rows, MatrixView b, Target out) {
  constexpr int64_t kPanel = kTileColumns * kLanes;
  // With many rows a panel of b is read often: a copy of it, close together, stays in the cache
  // even where the rows of b are a power of two apart.
  alignas(64) float panel[kSumPiece * kPanel];
  constexpr int64_t kFewRows = 16;
  const bool copy = rows > kFewRows;
  float* const begin = out.data;
  int64_t c = 0;
  for (; c + kPanel <= b.columns; c += kPanel) {
    out.data = begin + c;
    if (copy) {
      for (int64_t j = 0; j < b.rows; ++j) {
        std::memcpy(panel + j * kPanel, b.data + j * b.columns + c, sizeof(float) * kPanel);
      }
    }
    ProductColumns<kTileColumns, false>(a, rows, copy ? panel : b.data + c,
                                        copy ? kPanel : b.columns, b.rows, kLanes, out);
  }
  for (; c < b.columns; c += kLanes) {
    out.data = begin + c;
    const int64_t count = b.columns - c;
    if (count < kLanes) {
      ProductColumns<1, true>(a, rows, b.data + c, b.columns, b.rows, count, out);
    } else {
      ProductColumns<1, false>(a, rows, b.data + c, b.columns, b.rows, kLanes, out);
    }
  }
}

void Product(const Factor& a, int64_t rows, MatrixView b, float* out) {
  if (b.rows == 0) std::fill_n(out, rows * b.columns, 0.0F);
  for (int64_t j = 0; j < b.rows; j += kSumPiece) {
    const Factor piece = {a.data + j * a.column_stride, a.row_stride, a.column_stride};
    AddProductPiece(piece, rows,
                    {b.data + j * b.columns, std::min(kSumPiece, b.rows - j), b.columns},
                    {out, b.columns, j == 0});
  }
}

// Of one column what Product() makes of it and a row of ones: a factor of 1 leaves nothing to fuse.
float SumInPieces(std::span<const float> values) {
  float total = 0;
  for (std::size_t first = 0; first < values.size(); first += kSumPiece) {
    const std::size_t count = std::min<std::size_t>(kSumPiece, values.size() - first);
    float sum = 0;
    for (const float value : values.subspan(first, count)) sum += value;
    total = first == 0 ? sum : total + sum;
  }
  return total;
}

}  // namespace

void Affine(MatrixView x, MatrixView weight, const float* bias, float* out) {
  SKERRY_CHECK(x.columns == weight.columns);
  const int64_t k = weight.columns;
  const int64_t outputs = weight.rows;
  int64_t o = 0;
  for (; o + kTileColumns <= outputs; o += kTileColumns) {
    AffineColumns<kTileColumns>(x, weight.data + o * k, bias + o, outputs, out + o);
  }
  if (outputs - o == 2) AffineColumns<2>(x, weight.data + o * k, bias + o, outputs, out + o);
  if (outputs - o == 1) AffineColumns<1>(x, weight.data + o * k, bias + o, outputs, out + o);
}

void WeightGradient(MatrixView delta, MatrixView x, float* out) {
  SKERRY_CHECK(delta.rows == x.rows);
  Product({delta.data, 1, delta.columns}, delta.columns, x, out);
}

void InputGradient(MatrixView delta, MatrixView weight, float* out) {
  SKERRY_CHECK(delta.columns == weight.rows);
  Product({delta.data, delta.columns, 1}, delta.rows, weight, out);
}

void ColumnSums(MatrixView matrix, float* out) {
  if (matrix.columns == 1) {
    *out = SumInPieces({matrix.data, static_cast<std::size_t>(matrix.rows)});
    return;
  }
  // A column of ones on the left makes each sum the product that it is.
  constexpr float kOne = 1.0F;
  Product({&kOne, 0, 0}, 1, matrix, out);
}

}  // namespace skerry::learning

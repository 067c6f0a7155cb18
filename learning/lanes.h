#pragma once

#include <cstdint>
#include <cstring>
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

// Eight floats that are worked on together: one AVX register where there is AVX2 with FMA, an array
// elsewhere. MulAdd rounds once in the first case and twice in the second, so two builds for
// different targets differ in their last bits; one build never does.
namespace skerry::learning {

constexpr int64_t kLanes = 8;

#if defined(__AVX2__) && defined(__FMA__)

using Lanes = __m256;

inline Lanes ZeroLanes() { return _mm256_setzero_ps(); }
inline Lanes FillLanes(float value) { return _mm256_set1_ps(value); }
inline Lanes LoadLanes(const float* from) { return _mm256_loadu_ps(from); }
inline void StoreLanes(Lanes lanes, float* to) { _mm256_storeu_ps(to, lanes); }
inline Lanes Add(Lanes a, Lanes b) { return _mm256_add_ps(a, b); }
inline Lanes MulAdd(Lanes a, Lanes b, Lanes c) { return _mm256_fmadd_ps(a, b, c); }

// All bits set in the first `count` lanes.
inline __m256i FirstLanes(int64_t count) {
  alignas(32) static constexpr int32_t kOnes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOnes + kLanes - count));
}
// The first `count` <= 8 floats; the other lanes are 0, and their memory is not touched.
inline Lanes LoadFirst(const float* from, int64_t count) {
  return _mm256_maskload_ps(from, FirstLanes(count));
}
inline void StoreFirst(Lanes lanes, float* to, int64_t count) {
  _mm256_maskstore_ps(to, FirstLanes(count), lanes);
}

// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
inline float SumOf(Lanes lanes) {
  const __m128 quad = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
  const __m128 pair = _mm_add_ps(quad, _mm_movehl_ps(quad, quad));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

#else

struct Lanes {
  float lane[kLanes];
};

inline Lanes ZeroLanes() { return {}; }
inline Lanes FillLanes(float value) {
  return {{value, value, value, value, value, value, value, value}};
}
inline Lanes LoadFirst(const float* from, int64_t count) {
  Lanes lanes = {};
  for (int64_t i = 0; i < count; ++i) lanes.lane[i] = from[i];
  return lanes;
}
inline void StoreFirst(const Lanes& lanes, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = lanes.lane[i];
}
inline Lanes LoadLanes(const float* from) { return LoadFirst(from, kLanes); }
inline void StoreLanes(const Lanes& lanes, float* to) { StoreFirst(lanes, to, kLanes); }
inline Lanes Add(Lanes a, const Lanes& b) {
  for (int64_t i = 0; i < kLanes; ++i) a.lane[i] += b.lane[i];
  return a;
}
inline Lanes MulAdd(const Lanes& a, const Lanes& b, Lanes c) {
  for (int64_t i = 0; i < kLanes; ++i) c.lane[i] += a.lane[i] * b.lane[i];
  return c;
}
inline float SumOf(const Lanes& lanes) {
  const float* x = lanes.lane;
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

#endif

}  // namespace skerry::learning

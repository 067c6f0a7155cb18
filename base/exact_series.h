#pragma once

// What exact_math.cc and exact_rows.cc have in common: the same operations in the same order on one
// double or on several side by side, so that both give the same bits.
namespace skerry::exact {

constexpr double kLn2High = 0x1.62e42fee00000p-1;  // ln 2 cut to 32 bits: k * kLn2High is exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;  // the rest of ln 2
constexpr double kInverseLn2 = 1.4426950408889634;
constexpr double kSqrt2 = 1.4142135623730951;

// The integer nearest to x, |x| < 2^51, by adding and taking away 1.5 * 2^52.
template <class Number>
Number Nearest(Number x) {
  constexpr double kShift = 0x1.8p52;
  return (x + kShift) - kShift;
}

// exp(r) - 1 - r for |r| <= ln(2)/2 by its series; the first term left out is below 2^-57 of the
// result.
template <class Number>
Number Expm1Tail(Number r) {
  Number sum = (1.0 / 87178291200.0) * r + 1.0 / 6227020800.0;  // 1/14!, 1/13!
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  return r * r * sum;
}

// exp(high + low) for |high + low| <= ln(2)/2.
template <class Number>
Number ExpOfReduced(Number high, Number low) {
  // The bits that 1 + high rounds away come back with the rest, which is small.
  const Number one_and_high = 1.0 + high;
  const Number rounded_away = (1.0 - one_and_high) + high;
  return one_and_high + (rounded_away + (low + Expm1Tail(high + low)));
}

// log(2^k m) with m in [sqrt(1/2), sqrt(2)): log m = 2 atanh(s), s = (m - 1) / (m + 1).
template <class Number>
Number LogOfReduced(Number k, Number m) {
  const Number f = m - 1.0;
  const Number s = f / (2.0 + f);
  const Number z = s * s;
  Number sum = (1.0 / 23.0) * z + 1.0 / 21.0;
  sum = sum * z + 1.0 / 19.0;
  sum = sum * z + 1.0 / 17.0;
  sum = sum * z + 1.0 / 15.0;
  sum = sum * z + 1.0 / 13.0;
  sum = sum * z + 1.0 / 11.0;
  sum = sum * z + 1.0 / 9.0;
  sum = sum * z + 1.0 / 7.0;
  sum = sum * z + 1.0 / 5.0;
  sum = sum * z + 1.0 / 3.0;
  // log(1+f) = f - f^2/2 + s (f^2/2 + 2 z sum): keeps the last bits that 2s + ... would lose.
  const Number half_square = 0.5 * f * f;
  const Number tail = s * (half_square + 2.0 * z * sum);
  return k * kLn2High - ((half_square - (tail + k * kLn2Low)) - f);
}

}  // namespace skerry::exact

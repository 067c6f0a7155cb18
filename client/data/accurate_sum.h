#pragma once

#include <cmath>

namespace skerry::client {

// A sum carried as an unevaluated pair high + low of doubles (Dekker, "A floating-point technique
// for extending the available precision", 1971; Knuth's two-sum): some 106 bits, so that the value
// is the exact sum of n terms, rounded once, up to a relative error of n * 2^-104 of the sum of
// their magnitudes.
class AccurateSum {
 public:
  void Add(double x) { Add(x, 0); }

  // Adds x * x, whose rounding error an FMA gives exactly.
  void AddSquare(double x) {
    const double square = x * x;
    Add(square, std::fma(x, x, -square));
  }

  double Value() const { return high_; }

 private:
  void Add(double high, double low) {
    const double sum = high_ + high;
    const double part = sum - high_;
    const double error = (high_ - (sum - part)) + (high - part);
    const double rest = low_ + low + error;
    high_ = sum + rest;
    low_ = rest - (high_ - sum);
  }

  double high_ = 0;
  double low_ = 0;
};

}  // namespace skerry::client

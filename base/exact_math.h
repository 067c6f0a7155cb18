#pragma once

#include <cstdint>

// Elementary functions whose bits depend on the argument alone: no libm, whose results change with
// the version and with the CPU features it finds at run time. Errors stay within 2 ulp of the true
// value over the ranges that tests/base/exact_math_test.cc sweeps; those of Pow grow with its
// result.
namespace skerry::exact {

double Exp(double x);    // +inf above 709.79, 0 below -745.2, NaN for NaN
double Expm1(double x);  // exp(x) - 1 without cancellation near 0
double Log(double x);    // -inf at 0, NaN below
double Log1p(double x);  // log(1 + x) without cancellation near 0
double Tanh(double x);
double Sigmoid(double x);      // 1 / (1 + exp(-x))
double Softplus(double x);     // log(1 + exp(x)), the loss of a logit
double CosTurn(double turns);  // cos(2 pi turns)
double Sqrt(double x);         // correctly rounded, by IEEE 754
// exp(exponent * log(base)), base > 0. Within 2 + 2 |exponent * log(base)| ulp.
double Pow(double base, double exponent);

}  // namespace skerry::exact

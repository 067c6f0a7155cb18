#pragma once

#include <span>

// Functions of exact_math.h over many numbers, in place. Each number gets the bits of the scalar
// function; up to sixteen are worked on side by side, so that many cost a fraction.
namespace skerry::exact {

void ExpEach(std::span<double> values);
void Log1pEach(std::span<double> values);

}  // namespace skerry::exact

#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "learning/aggregator.h"
#include "skerry/v1/task.pb.h"

// What asynchronous strategies have in common.
namespace skerry::learning {

// Whether a strategy of this tree takes updates as they come (v1::AsyncSpec), not round by round.
bool IsAsynchronous(const std::string& strategy);

// How much an update counts that is `staleness` versions old, by [training.async] staleness:
// constant 1, polynomial (1 + s)^-a, hinge 1 up to b and then 1 / (a (s - b) + 1).
// Xie, Koyejo, Gupta: "Asynchronous federated optimization" (2019), section 5.2.
double StalenessWeight(const v1::AsyncSpec& spec, int64_t staleness);

// Those with which a mean is the sum of the updates, each times `factor` and its StalenessWeight,
// divided by their number: how many examples they rest on does not matter.
Coefficients StalenessCoefficients(const v1::AsyncSpec& spec, double factor,
                                   std::span<const UpdateInfo> updates);

}  // namespace skerry::learning

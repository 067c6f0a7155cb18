#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "learning/aggregator.h"
#include "skerry/v1/task.pb.h"

// Every rule that [aggregation] may name.
namespace skerry::learning {

// The rule that [aggregation] names; none named: the mean. INVALID_ARGUMENT names the key.
Result<std::unique_ptr<Aggregator>> MakeAggregator(const v1::AggregationSpec& spec);
std::vector<std::string> AggregatorNames();

std::unique_ptr<Aggregator> MakeMean();
// Of each coordinate, by itself, whatever the sites' weights: Yin, Chen, Ramchandran, Bartlett:
// "Byzantine-robust distributed learning: towards optimal statistical rates" (ICML 2018), options I
// and II of algorithm 1. Of an even number of values the median is the mean of the middle two. The
// trimmed mean leaves out the floor(trim * n) smallest and as many of the largest of n values.
std::unique_ptr<Aggregator> MakeMedian();
Result<std::unique_ptr<Aggregator>> MakeTrimmedMean(double trim);

}  // namespace skerry::learning

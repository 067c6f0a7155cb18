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

// What they judge by, and from which papers they are, is in distance_rules.h. Krum takes the update
// that is closest to its neighbours; Multi-Krum the mean of `select` such (0: all but as many as
// there may be attackers); Bulyan of n - 2 attackers such the n - 4 attackers values closest to the
// median of each coordinate. None of them weighs.
Result<std::unique_ptr<Aggregator>> MakeKrum(int64_t attackers);
Result<std::unique_ptr<Aggregator>> MakeMultiKrum(int64_t attackers, int64_t select);
Result<std::unique_ptr<Aggregator>> MakeBulyan(int64_t attackers);
// The point with the smallest sum of distances to all updates, weighted by num_examples.
std::unique_ptr<Aggregator> MakeGeometricMedian();
// The unweighted mean of updates that are pulled to within `radius` of it.
Result<std::unique_ptr<Aggregator>> MakeCenteredClipping(double radius);

// `rule` over updates that are shortened to `limit` if they are longer.
std::unique_ptr<Aggregator> WithNormClipping(std::unique_ptr<Aggregator> rule, double limit);

}  // namespace skerry::learning

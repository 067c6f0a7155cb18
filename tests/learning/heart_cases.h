#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "learning/local_training.h"
#include "learning/small_federation.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// A run of data/golden_algos/heart_fullbatch.json: 20 rounds from zero, each step on all rows.
struct HeartCase {
  std::string golden;  // its name there
  v1::TrainingSpec spec;
  std::vector<int64_t> steps;  // of each centre; empty: all alike
};
std::vector<HeartCase> HeartCases();

// The asynchronous ones there. Update t is that of centre t mod 4, and began t mod 4 versions ago,
// if there were so many.
struct HeartAsyncCase {
  std::string golden;
  v1::TrainingSpec spec;
  int64_t num_versions = 0;
  int64_t buffer = 0;

  std::vector<SmallFederation::Arrival> ArrivalsOf(int64_t version) const;
};
std::vector<HeartAsyncCase> HeartAsyncCases();

// The runs of data/flamby_fed_heart_disease/golden_seed*.json: FLamby's names and ours.
std::vector<std::pair<std::string, std::string>> RecordedStrategies();
v1::TrainingSpec RecordedSpec(const std::string& strategy, const nlohmann::json& hp);

// The order of rows that was recorded for one centre.
class RecordedOrder final : public RowOrder {
 public:
  explicit RecordedOrder(std::vector<uint32_t> rows) : rows_(std::move(rows)) {}
  // The record ends within an epoch: the rows after it have no turn.
  void Fill(int64_t epoch, std::span<uint32_t> rows) const override;

 private:
  const std::vector<uint32_t> rows_;
};
// Of all centres.
std::vector<RecordedOrder> RecordedOrders(const nlohmann::json& record);

}  // namespace skerry::learning

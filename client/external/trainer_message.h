#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "client/data/table.h"
#include "learning/layout.h"
#include "skerry/v1/task.pb.h"

// The lines that an agent and a trainer of the site's own exchange: docs/trainer-protocol.md.
namespace skerry::client {

constexpr int kTrainerProtocol = 1;

// What a trainer is asked to do.
struct TrainerTask {
  std::string what;  // "train", "evaluate", "initialize"
  std::string run;
  std::string site;
  const v1::RunSpec* spec = nullptr;
  const v1::Task* task = nullptr;
  const learning::Layout* tensors = nullptr;
  std::string model;                   // path; "": there is none
  std::string output;                  // path of the file to write; "": none
  std::string rows;                    // path of the prepared rows; "": it reads the source itself
  const DataSource* source = nullptr;  // null: the site has none of its own (in a simulation)
  std::vector<std::string> splits;     // to evaluate on
};
std::string ToLine(const TrainerTask& task);

// What it answers.
struct TrainerProgress {
  int64_t done = 0;
  int64_t total = 0;
};
struct TrainerScore {
  int64_t num_examples = 0;
  std::map<std::string, double> sums;  // over the examples: "loss", and metrics
};
struct TrainerDone {
  std::optional<int64_t> num_examples;
  std::optional<double> train_loss;
  std::map<std::string, TrainerScore> scores;  // by split
};
struct TrainerFailure {
  std::string message;
};
using TrainerMessage = std::variant<TrainerProgress, TrainerDone, TrainerFailure>;

// INVALID_ARGUMENT says what is wrong with a line, without repeating any of it: it may hold what
// must not leave the site. A key that the protocol does not know is wrong.
Result<TrainerMessage> ParseTrainerMessage(std::string_view line);

}  // namespace skerry::client

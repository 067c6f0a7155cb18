#include "learning/programs/training_rounds.h"

#include <utility>

#include "learning/features.h"
#include "learning/programs/evaluation_rounds.h"
#include "learning/schedule.h"

namespace skerry::learning {

std::optional<RoundSpec> TrainingRounds::Next(std::span<const RoundOutcome> committed) const {
  if (committed.empty()) {
    std::optional<RoundSpec> zero = RoundZero();
    return zero ? std::move(zero) : TrainingRound(1);
  }
  const int64_t round = committed.back().round + 1;
  const std::optional<EarlyStop> stop = StopIn(committed);
  const int64_t last = stop ? stop->round : num_rounds();
  if (round <= last) return TrainingRound(round);
  if (round == last + 1 && !EvaluatedSplits(spec_.data().split()).empty()) return LastRound(round);
  return std::nullopt;
}

std::size_t TrainingRounds::rounds_looked_at() const {
  if (!spec_.evaluation().has_early_stopping()) return 1;
  return static_cast<std::size_t>(num_rounds()) + 2;  // and those before and after training
}

std::string TrainingRounds::WhyFinished(std::span<const RoundOutcome> committed) const {
  const std::optional<EarlyStop> stop = StopIn(committed);
  if (!stop || stop->round >= num_rounds()) return "";
  return InWords(spec_.evaluation().early_stopping(), *stop);
}

Status TrainingRounds::ApplySums(const RoundSpec& round, const Sums& sums,
                                 FixedTensors& fixed) const {
  if (!round.result_layout.Find(kFeatureCounts)) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(
      const FeatureSums features,
      FeatureSumsFromValues(NumInputs(), NumClasses(), sums.i64.at(kFeatureCounts),
                            sums.f64.at(kFeatureSums)));
  SKERRY_ASSIGN_OR_RETURN(const InputTransform transform,
                          TransformFromSums(spec_.data(), features));
  fixed = WithTransform(transform);
  return OkStatus();
}

std::size_t TrainingRounds::NumInputs() const { return FeatureColumns(spec_.data()).size(); }

std::size_t TrainingRounds::NumClasses() const {
  return static_cast<std::size_t>(spec_.data().label_classes_size());
}

std::optional<EarlyStop> TrainingRounds::StopIn(std::span<const RoundOutcome> committed) const {
  return FindEarlyStop(spec_.evaluation().early_stopping(), committed);
}

// A training task also evaluates the model that it begins with: the site has just fetched it.
RoundSpec TrainingRounds::TrainingRound(int64_t round) const {
  RoundSpec made;
  made.round = round;
  made.learning_rate = spec_.training().learning_rate() *
                       ScheduledShare(spec_.training().schedule(), round, num_rounds());
  const int64_t every = spec_.evaluation().every();
  made.evaluate = every > 0 && (round - 1) % every == 0;
  std::vector<Section> sections;
  AddTraining(made, sections);
  made.result_layout = MakeResultLayout(std::move(sections));
  return made;
}

}  // namespace skerry::learning

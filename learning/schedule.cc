#include "learning/schedule.h"

#include <algorithm>

#include "base/exact_math.h"
#include "base/text.h"
#include "learning/finite.h"

namespace skerry::learning {
namespace {

// By squaring: few roundings, and the same ones everywhere.
double Power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result *= base;
    base *= base;
  }
  return result;
}

double ShareAfterWarmUp(const v1::ScheduleSpec& schedule, int64_t round, int64_t num_rounds) {
  if (schedule.kind() == "step") return Power(schedule.factor(), (round - 1) / schedule.every());
  if (schedule.kind() == "exponential") return Power(schedule.factor(), round - 1);
  if (schedule.kind() != "cosine") return 1;
  const int64_t first = schedule.warm_up() + 1;
  if (round <= first) return 1;
  const double t = static_cast<double>(round - first) /
                   static_cast<double>(std::max<int64_t>(1, num_rounds - first + 1));
  return schedule.minimum() + (1 - schedule.minimum()) * (1 + exact::CosTurn(t / 2)) / 2;
}

}  // namespace

double ScheduledShare(const v1::ScheduleSpec& schedule, int64_t round, int64_t num_rounds) {
  const double share = ShareAfterWarmUp(schedule, round, num_rounds);
  if (round >= schedule.warm_up()) return share;
  return share * static_cast<double>(round) / static_cast<double>(schedule.warm_up());
}

std::vector<std::string> ScheduleNames() { return {"constant", "step", "cosine", "exponential"}; }

namespace {

// After the warm-up no round has a smaller rate than the last.
Status CheckLastRound(const v1::TrainingSpec& training) {
  const v1::ScheduleSpec& schedule = training.schedule();
  const int64_t last = training.num_rounds();
  const double rate = training.learning_rate() * ScheduledShare(schedule, last, last);
  // A model that sites train of their own has a rate that falls alike.
  const double personal = training.personal().learning_rate();
  const bool trains =
      rate > 0 && (personal <= 0 || rate * (personal / training.learning_rate()) > 0);
  if (trains || !(training.learning_rate() > 0)) return OkStatus();
  return InvalidArgument(std::string("training.schedule.") +
                         (schedule.kind() == "cosine" ? "minimum" : "factor") +
                         ": with it the learning rate has fallen to 0 in round " +
                         std::to_string(last))
      .WithHint("take a larger one, or fewer rounds");
}

Status CheckKeys(const v1::ScheduleSpec& schedule) {
  const std::string& kind = schedule.kind();
  const std::vector<std::string> names = ScheduleNames();
  if (!kind.empty() && std::find(names.begin(), names.end(), kind) == names.end()) {
    return InvalidArgument("training.schedule.kind: there is no \"" + kind.substr(0, 64) + "\"")
        .WithHint("there are " + Join(names, ", "));
  }
  if (kind == "step" && schedule.every() < 1) {
    return InvalidArgument("training.schedule.every: must be at least 1");
  }
  const bool has_factor = kind == "step" || kind == "exponential";
  if (has_factor && !(schedule.factor() > 0 && schedule.factor() <= 1)) {
    return InvalidArgument("training.schedule.factor: must be over 0 and at most 1");
  }
  if (kind == "cosine" && !(schedule.minimum() >= 0 && schedule.minimum() <= 1)) {
    return InvalidArgument("training.schedule.minimum: must be at least 0 and at most 1");
  }
  if (schedule.warm_up() < 0) {
    return InvalidArgument("training.schedule.warm_up: must be at least 0");
  }
  return OkStatus();
}

}  // namespace

Status CheckSchedule(const v1::TrainingSpec& training) {
  SKERRY_RETURN_IF_ERROR(CheckKeys(training.schedule()));
  return CheckLastRound(training);
}

}  // namespace skerry::learning

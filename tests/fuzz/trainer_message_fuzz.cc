// A line of a trainer's, who may write anything. What is taken must be what the protocol allows,
// and what is refused must not be repeated.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "client/external/trainer_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace skerry::client;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto message = ParseTrainerMessage(line);
  if (!message.ok()) {
    SKERRY_CHECK(!message.status().message().empty() && message.status().hint().empty());
    return 0;
  }
  if (const auto* progress = std::get_if<TrainerProgress>(&*message)) {
    SKERRY_CHECK(progress->done >= 0 && progress->done <= progress->total);
  }
  if (const auto* done = std::get_if<TrainerDone>(&*message)) {
    SKERRY_CHECK(done->num_examples.value_or(0) >= 0);
    SKERRY_CHECK(std::isfinite(done->train_loss.value_or(0)));
    for (const auto& [split, score] : done->scores) {
      SKERRY_CHECK(score.num_examples >= 0);
      for (const auto& [name, sum] : score.sums) SKERRY_CHECK(std::isfinite(sum));
    }
  }
  return 0;
}

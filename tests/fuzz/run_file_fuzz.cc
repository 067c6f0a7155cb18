#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "coordinator/run_plan.h"
#include "learning/program.h"

// Any text may be submitted as a run file. What is taken for a plan keeps the promises of
// run_plan.h, and a program can be made of it.
namespace skerry::coordinator {
namespace {

void CheckPromises(const RunPlan& plan, const std::string& text) {
  SKERRY_CHECK(plan.text == text);
  SKERRY_CHECK(!plan.spec.name().empty() && plan.spec.training().num_rounds() >= 1);
  SKERRY_CHECK(plan.time.heartbeat >= 1s && plan.time.JoinWait() <= plan.time.round_deadline);
  SKERRY_CHECK(plan.time.no_progress >= plan.time.heartbeat);
  SKERRY_CHECK(plan.keep.checkpoints >= 1 && plan.keep.best >= 0 && plan.keep.updates >= 0);
  const auto contract = MakeContract(plan.participation, {"a", "b", "c", "d"});
  if (contract.ok()) {
    SKERRY_CHECK(contract->quorum >= 1 && contract->quorum <= contract->sites_per_round);
    SKERRY_CHECK(contract->quorum <= contract->min_sites && contract->min_sites <= 4);
  }
  const auto program = learning::MakeProgram(plan.spec);
  SKERRY_CHECK(program.ok());
  const auto first = (*program)->Next({});
  SKERRY_CHECK(first.has_value() && first->result_layout.size_bytes() > 0);
  std::array<double, 2> parameters{};
  if ((*program)->parameters().num_elements() >= 2) (*program)->InitialParameters(0, parameters);
}

void Try(const std::string& text) {
  const Result<RunPlan> plan = ParseRunFile(text, "fuzz.toml");
  if (plan.ok()) return CheckPromises(*plan, text);
  SKERRY_CHECK(plan.status().code() == Code::kInvalidArgument);
  SKERRY_CHECK(!plan.status().message().empty());
}

}  // namespace
}  // namespace skerry::coordinator

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  skerry::coordinator::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}

// Whether the disk and the spool hold what a run will need.

#include <algorithm>

#include "base/text.h"
#include "coordinator/coordinator.h"
#include "learning/compression/spec.h"

namespace skerry::coordinator {
namespace {

// An asynchronous run keeps what its sites may be at work on, and invites whoever is there.
std::string KeysThatTakeRoom(const RunPlan& plan) {
  if (!plan.spec.training().has_async()) {
    return "keep.checkpoints, keep.updates or participation.sites_per_round";
  }
  const bool raised = plan.keep.checkpoints == plan.spec.training().async().max_staleness() + 1;
  return std::string(raised ? "training.async.max_staleness" : "keep.checkpoints") +
         ", keep.updates or participation.sites";
}

// The journal with its log: rows of rounds and tasks, as large as they were seen to be.
uint64_t JournalBytes(int64_t num_rounds, int64_t sites_per_round) {
  constexpr uint64_t kLog = uint64_t{8} << 20;
  constexpr uint64_t kRound = 1024;
  constexpr uint64_t kTask = 512;
  return kLog + static_cast<uint64_t>(num_rounds) *
                    (kRound + static_cast<uint64_t>(sites_per_round) * kTask);
}

}  // namespace

uint64_t Coordinator::ResultBytes(const Run& run) {
  const learning::Layout& parameters = run.program().parameters();
  const auto further = static_cast<int64_t>(run.program().strategy().Sections().size()) - 1;
  const learning::Encoding encoding =
      learning::UpdateEncoding(run.plan().spec.compression(), parameters.num_elements());
  const int64_t update = encoding.kind == learning::Encoding::Kind::kPlain
                             ? parameters.size_bytes()
                             : learning::EncodedBytes(encoding, parameters.num_elements());
  const int64_t updates = update + further * parameters.size_bytes();
  return static_cast<uint64_t>(std::max(updates, run.program().max_sum_bytes()));
}

// Of one round: updates of those that train, or sums of all sites (Run::DrawsFor).
uint64_t Coordinator::RoundBytes(const Run& run) {
  const auto drawn = static_cast<uint64_t>(run.contract().sites_per_round);
  const auto all = static_cast<uint64_t>(run.record().sites.size());
  return std::max(drawn * ResultBytes(run),
                  all * static_cast<uint64_t>(run.program().max_sum_bytes()));
}

// The versions that are kept, the one that a round begins with and the one that it makes; and the
// results of a round, and of those that are kept; and the journal.
uint64_t Coordinator::DiskBytes(const Run& run) {
  const int64_t parameters = run.program().parameters().size_bytes();
  const auto size = static_cast<uint64_t>(
      parameters > 0 ? parameters : run.program().InitialFixed().layout.size_bytes());
  const auto vectors = static_cast<uint64_t>(run.program().strategy().StateVectors().size());
  const Keep& keep = run.plan().keep;
  const int64_t all = run.program().num_rounds();
  const auto versions = static_cast<uint64_t>(std::min(keep.checkpoints + keep.best, all) + 1);
  const auto rounds = static_cast<uint64_t>(std::min(keep.updates, all) + 1);
  return versions * (1 + vectors) * size + rounds * RoundBytes(run) +
         JournalBytes(all, run.contract().sites_per_round);
}

// Better now than after an hour. What other runs will need is not known.
Status Coordinator::CheckDiskFits(const Run& run) {
  const uint64_t needed = DiskBytes(run);
  Result<uint64_t> available = parts_.files.FreeBytes(options_.state_dir);
  if (available.ok() && needed > *available) {
    uploads_.RemoveSpares();
    available = parts_.files.FreeBytes(options_.state_dir);
  }
  if (!available.ok() || needed <= *available) return OkStatus();
  return FailedPrecondition("this run needs up to " + FormatBytes(needed) +
                            " on the coordinator's disk; " + FormatBytes(*available) +
                            " are free in " + options_.state_dir)
      .WithHint("make room, or lower " + KeysThatTakeRoom(run.plan()) +
                " in the run file, or send smaller updates ([compression] update)");
}

// A round whose results the spool cannot hold together would never end.
Status Coordinator::CheckSpoolFits(const Run& run) const {
  const uint64_t bytes = RoundBytes(run);
  if (bytes <= options_.spool_bytes) return OkStatus();
  return FailedPrecondition("the results of a round of this run take " + std::to_string(bytes) +
                            " bytes; the coordinator's spool holds " +
                            std::to_string(options_.spool_bytes))
      .WithHint(
          "raise storage.spool_bytes in coordinator.toml, or lower "
          "participation.sites_per_round");
}

}  // namespace skerry::coordinator

#include "coordinator/verify_rounds.h"

#include <algorithm>
#include <utility>

#include "base/bytes_file.h"
#include "coordinator/views.h"
#include "crypto/content_hash.h"

namespace skerry::coordinator {
namespace {

using storage::CheckpointPart;

std::string NameOf(const storage::RoundRecord& round) {
  return "round " + std::to_string(round.round) + " (" + round.kind + ")";
}

Status CopyFile(const File& from, File& to) {
  std::string piece(crypto::kChunkBytes, '\0');
  for (uint64_t offset = 0;; offset += piece.size()) {
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, from.ReadAt(offset, piece));
    SKERRY_RETURN_IF_ERROR(to.WriteAt(offset, {piece.data(), n}));
    if (n < piece.size()) return OkStatus();
  }
}

ModelVersion VersionOf(const storage::RoundRecord& round) {
  return {round.model_version, round.model_hash, round.model_size_bytes, round.state_hash,
          round.state_size_bytes};
}

std::vector<std::string> SitesOf(const FinalizeInput& work) {
  std::vector<std::string> sites;
  for (const CountedResult& result : work.results) sites.push_back(result.site);
  return sites;
}

}  // namespace

RoundReplayer::RoundReplayer(const VerifyInput& input, const RunRows& rows, Files& files,
                             Executor& compute, const RunPlan& plan,
                             std::shared_ptr<const learning::Program> program)
    : input_(input),
      run_id_(rows.run.run_id),
      num_sites_(static_cast<int64_t>(rows.run.sites.size())),
      last_round_(rows.committed.empty() ? -1 : *rows.committed.rbegin()),
      files_(files),
      plan_(plan),
      program_(std::move(program)),
      metadata_(plan.spec),
      kept_(files, input.state_dir + "/runs"),
      scratch_(files, input.scratch_dir),
      finalizer_(scratch_, compute, input.num_threads) {
  for (const storage::SmallVersion& small : rows.small_versions) {
    const auto keep = [&](CheckpointPart part, std::string contents) {
      const storage::CheckpointRef ref = {run_id_, small.version, part};
      if (files.Open(kept_.PathOf(ref), OpenMode::kRead).ok()) return;  // that is looked at
      // One whose run cannot name a directory is found missing.
      static_cast<void>(kept_.Keep(ref, std::move(contents)).ok());
    };
    keep(CheckpointPart::kModel, small.model);
    if (!small.state.empty()) keep(CheckpointPart::kState, small.state);
  }
}

Status RoundReplayer::Replay(const storage::RoundRecord& round,
                             const std::vector<const storage::TaskRecord*>& counted,
                             VerifyReport& report) {
  SKERRY_RETURN_IF_ERROR(FindSmallResults());
  FinalizeInput work;
  const std::optional<learning::RoundSpec> spec = SpecOf(round);
  const bool has_results = OpenResults(counted, work.results);
  bool base_available = true;
  if (has_results) SKERRY_RETURN_IF_ERROR(MakeBasesAvailable(work.results, base_available));
  if (!spec) {
    report.faults.push_back(NameOf(round) + ": the program would have ended before it");
  } else if (!has_results) {
    report.skipped[WhyNoResults(round)].push_back(round.round);
  } else if (!base_available) {
    report.skipped["the version to begin with is not kept, or not the journal's"].push_back(
        round.round);
  } else {
    work.run_id = run_id_;
    work.program = program_;
    work.spec = *spec;
    work.num_sites = num_sites_;
    work.base = base_;
    work.metadata = metadata_.Of(spec->round);
    SKERRY_RETURN_IF_ERROR(Recompute(work, round, report));
  }
  CheckKeptFiles(round, report);
  if (round.model_version >= 0) {
    base_ = VersionOf(round);
    versions_[base_->version] = *base_;
    ForgetOldVersions();
  }
  if (round.kind != "initialize") history_.push_back({round.round, ParseMetrics(round.metrics)});
  return scratch_.RemoveAllBut(run_id_, {in_scratch_.begin(), in_scratch_.end()});
}

Status RoundReplayer::Recompute(const FinalizeInput& work, const storage::RoundRecord& round,
                                VerifyReport& report) {
  const Result<FinalizeOutput> output = finalizer_.Run(work);
  if (output.status().code() == Code::kFailedPrecondition) {  // rows that cannot have been so
    report.faults.push_back(NameOf(round) + ": " + output.status().message());
    return OkStatus();
  }
  SKERRY_RETURN_IF_ERROR(output.status());
  for (const std::size_t i : output->damaged) {
    report.faults.push_back(NameOf(round) + ": the kept result of " + work.results[i].site +
                            " (task " + std::to_string(work.results[i].task_id) +
                            ") does not have the hash in the journal");
  }
  // What is not the journal's is nothing to go on with.
  const bool same = output->damaged.empty() && Compare(work, round, *output, report);
  if (output->model && same) in_scratch_.insert(output->model->version);
  return OkStatus();
}

std::optional<learning::RoundSpec> RoundReplayer::SpecOf(const storage::RoundRecord& round) const {
  if (round.kind != "initialize") return program_->Next(history_);
  learning::RoundSpec spec;
  spec.needs_model = false;
  return spec;
}

std::string RoundReplayer::WhyNoResults(const storage::RoundRecord& round) const {
  const bool goes = round.round <= last_round_ - plan_.keep.updates;
  return goes ? "the results are no longer kept ([keep] updates)"
              : "results are missing, although [keep] updates should have kept them";
}

Status RoundReplayer::FindSmallResults() {
  if (small_results_) return OkStatus();
  small_results_.emplace(files_, SmallSpoolPath(input_.state_dir));
  return small_results_->Scan();
}

Result<std::unique_ptr<File>> RoundReplayer::OpenResult(int64_t task_id) {
  if (small_results_->Contains(task_id)) {
    SKERRY_ASSIGN_OR_RETURN(std::string contents, small_results_->Read(task_id));
    return std::unique_ptr<File>(std::make_unique<BytesFile>(std::move(contents)));
  }
  return files_.Open(input_.state_dir + "/spool/" + std::to_string(task_id) + ".result",
                     OpenMode::kRead);
}

bool RoundReplayer::OpenResults(const std::vector<const storage::TaskRecord*>& counted,
                                std::vector<CountedResult>& results) {
  for (const storage::TaskRecord* task : counted) {
    auto file = OpenResult(task->task_id);
    if (!file.ok()) return false;
    CountedResult result;
    result.site = task->site;
    result.task_id = task->task_id;
    const auto header = std::make_shared<v1::ResultHeader>();
    header->ParseFromString(task->header);
    result.header = header;
    result.file = *std::move(file);
    const bool newest = task->base_version < 0 || !base_ || task->base_version == base_->version;
    if (!newest) {
      const auto found = versions_.find(task->base_version);
      if (found == versions_.end()) return false;  // which is no version that the round may count
      result.base = found->second;
    }
    results.push_back(std::move(result));
  }
  return true;
}

Status RoundReplayer::MakeBasesAvailable(const std::vector<CountedResult>& results,
                                         bool& available) {
  if (base_) SKERRY_RETURN_IF_ERROR(MakeBaseAvailable(*base_, available));
  if (!program_->strategy().NeedsBases()) return OkStatus();
  for (const CountedResult& result : results) {
    if (!available || !result.base) continue;
    SKERRY_RETURN_IF_ERROR(MakeBaseAvailable(*result.base, available));
  }
  return OkStatus();
}

void RoundReplayer::ForgetOldVersions() {
  const int64_t oldest = base_->version - plan_.spec.training().async().max_staleness();
  versions_.erase(versions_.begin(), versions_.lower_bound(oldest));
  in_scratch_.erase(in_scratch_.begin(), in_scratch_.lower_bound(oldest));
}

Status RoundReplayer::MakeBaseAvailable(const ModelVersion& base, bool& available) {
  if (in_scratch_.contains(base.version)) return OkStatus();
  SKERRY_RETURN_IF_ERROR(
      CopyPart(base.version, CheckpointPart::kModel, base.model_hash, available));
  if (!available || base.state_size_bytes == 0) return OkStatus();
  return CopyPart(base.version, CheckpointPart::kState, base.state_hash, available);
}

Status RoundReplayer::CopyPart(int64_t version, CheckpointPart part, const crypto::Digest& hash,
                               bool& available) {
  const storage::CheckpointRef ref = {run_id_, version, part};
  const auto file = kept_.OpenVerified(ref, hash);
  available = file.ok();  // if it is damaged, CheckKeptFiles has said so
  if (!available) return OkStatus();
  SKERRY_ASSIGN_OR_RETURN(const auto copy, scratch_.Begin(ref));
  SKERRY_RETURN_IF_ERROR(CopyFile(**file, *copy));
  return scratch_.Publish(ref, *copy);
}

bool RoundReplayer::Compare(const FinalizeInput& work, const storage::RoundRecord& round,
                            const FinalizeOutput& output, VerifyReport& report) {
  if (SerializeRound(output.metrics, SitesOf(work), output.treatments) != round.metrics) {
    report.faults.push_back(NameOf(round) + ": its results do not give the metrics in the journal");
  }
  if (!output.model) return true;
  const bool same =
      output.model->model_hash == round.model_hash && output.model->state_hash == round.state_hash;
  if (same) {
    ++report.models_recomputed;
  } else {
    report.faults.push_back(NameOf(round) + ": its results make version " +
                            std::to_string(round.model_version) + " with the hash " +
                            output.model->model_hash.Hex() + ", the journal says " +
                            round.model_hash.Hex());
  }
  return same;
}

void RoundReplayer::CheckKeptFiles(const storage::RoundRecord& round, VerifyReport& report) {
  if (round.model_version < 0) return;
  ++report.models;
  const auto model =
      kept_.OpenVerified({run_id_, round.model_version, CheckpointPart::kModel}, round.model_hash);
  if (model.ok()) ++report.models_hashed;
  if (model.status().code() == Code::kDataLoss) report.faults.push_back(model.status().message());
  if (round.state_size_bytes == 0) return;
  const auto state =
      kept_.OpenVerified({run_id_, round.model_version, CheckpointPart::kState}, round.state_hash);
  if (state.status().code() == Code::kDataLoss) report.faults.push_back(state.status().message());
}

}  // namespace skerry::coordinator

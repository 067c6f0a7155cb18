#include <utility>

#include "base/text.h"
#include "coordinator/run.h"
#include "coordinator/views.h"

namespace skerry::coordinator {
namespace {

using storage::TaskState;

}  // namespace

std::optional<int32_t> Run::PlaceOf(const std::string& site) const {
  const auto found = std::lower_bound(record_.sites.begin(), record_.sites.end(), site);
  if (found == record_.sites.end() || *found != site) return std::nullopt;
  return static_cast<int32_t>(found - record_.sites.begin());
}

const TaskSlot* Run::FindSlot(int32_t place) const {
  const auto found = slots_.find(place);
  return found == slots_.end() ? nullptr : &found->second;
}

TaskSlot* Run::MutableSlot(int32_t place) {
  const auto found = slots_.find(place);
  return found == slots_.end() ? nullptr : &found->second;
}

std::shared_ptr<const v1::Task> Run::SharedTask(int32_t place) {
  const TaskSlot& slot = slots_.at(place);
  const bool same = shared_task_ != nullptr && shared_task_->attempt() == slot.record().attempt &&
                    shared_base_ == slot.record().base_version;
  if (!same) {
    shared_task_ = std::make_shared<const v1::Task>(MakeTask(slot));
    shared_base_ = slot.record().base_version;
  }
  return shared_task_;
}

v1::Task Run::MakeTask(const TaskSlot& slot) const {
  const std::optional<learning::RoundSpec> earlier = EarlierSpec(slot);
  const learning::RoundSpec& spec = earlier ? *earlier : *spec_;
  v1::Task task;
  task.set_run_id(record_.run_id);
  task.set_round(spec.round);
  task.set_attempt(slot.record().attempt);
  task.set_kind(spec.kind);
  task.set_run_spec(spec_bytes_);
  task.set_run_spec_sha256(spec_sha256_);
  if (spec.needs_model) {
    const ModelVersion& base = BaseOf(slot);
    v1::ModelRef& model = *task.mutable_model();
    model.set_run_id(record_.run_id);
    model.set_version(base.version);
    model.set_size_bytes(base.model_size_bytes);
    model.set_content_hash(std::string(base.model_hash.view()));
  }
  *task.mutable_result_layout() = layout_proto_;
  task.set_learning_rate(spec.learning_rate);
  task.set_evaluate(spec.evaluate);
  task.set_site_state(spec.site_state);
  task.set_heartbeat_ms(
      std::chrono::duration_cast<std::chrono::milliseconds>(plan_.time.heartbeat).count());
  return task;
}

void Run::OnSiteConnected(int32_t place) {
  connected_[static_cast<std::size_t>(place)] = true;
  if (ended() || initializing_) return;
  if (TaskSlot* slot = MutableSlot(place)) slot->last_advance = host_.Now();
  if (paused()) return MaybeResume();
  Feed(SiteReady{place});
}

void Run::OnSiteLost(int32_t place) {
  connected_[static_cast<std::size_t>(place)] = false;
  if (ended() || initializing_ || paused()) return;
  if (FindSlot(place) != nullptr) {
    Note("site_lost", "no sign of life", record_.sites[static_cast<std::size_t>(place)]);
  }
  Feed(SiteAway{place});
}

void Run::OnTaken(int32_t place) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || slot->record().state != TaskState::kOffered) return;
  slot->record().state = TaskState::kTaken;
  slot->record().taken = host_.WallNow();
  slot->last_advance = host_.Now();
  host_.StageSoon(slot->row);
  ++change_;
}

void Run::OnProgress(int32_t place, const v1::Progress& progress) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || slot->record().task_id != progress.task_id()) return;
  const bool advanced =
      progress.stage() != slot->progress.stage() || progress.done() != slot->progress.done();
  constexpr std::size_t kMostOfTrouble = 500;
  const std::string trouble(FirstCharacters(progress.trouble(), kMostOfTrouble));
  if (trouble != slot->progress.trouble()) ++change_;
  slot->progress = progress;
  slot->progress.set_trouble(trouble);
  if (!advanced) return;
  slot->last_advance = host_.Now();
  ++change_;
}

void Run::OnReported(int32_t place, v1::ResultHeader header, std::string header_bytes,
                     const std::vector<learning::Metric>& metrics) {
  TaskSlot* slot = MutableSlot(place);
  SKERRY_CHECK(slot != nullptr);
  slot->record().state = TaskState::kReported;
  slot->record().reason.clear();
  slot->record().reported = host_.WallNow();
  const Result<crypto::Digest> hash = crypto::Digest::FromBytes(header.content_hash());
  SKERRY_CHECK(hash.ok());
  slot->record().content_hash = *hash;
  slot->record().size_bytes = header.size_bytes();
  slot->record().num_examples = header.num_examples();
  slot->record().header = std::move(header_bytes);
  slot->header = std::make_shared<const v1::ResultHeader>(std::move(header));
  slot->record().metrics = SerializeMetrics(metrics);
  if (IsAsynchronous(*spec_)) slot->record().arrival = NextArrival();
  host_.StageReceipt(slot->row);
  host_.WithdrawTask(slot->record().site, slot->record().task_id);
  if (paused()) return MaybeResume();
  Feed(SiteReported{place});
}

void Run::OnFailed(int32_t place, const Status& reason) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || slot->record().state == TaskState::kReported ||
      slot->record().state == TaskState::kFailed) {
    return;
  }
  slot->record().state = TaskState::kFailed;
  slot->record().reason = reason.message();
  if (!reason.hint().empty()) slot->record().reason += " (" + reason.hint() + ")";
  host_.StageTask(slot->row);
  host_.WithdrawTask(slot->record().site, slot->record().task_id);
  host_.RemoveResults({slot->record().task_id});  // what has arrived of it
  Note("task_failed", slot->record().reason, slot->record().site);
  if (!paused()) Feed(TaskFailed{place});
}

void Run::OnDataLost(int32_t place, const Status& reason) {
  TaskSlot* slot = MutableSlot(place);
  if (slot == nullptr || paused()) return;
  // A result that is here has been checked, whatever its site has lost since.
  const TaskState state = slot->record().state;
  if (state == TaskState::kFailed || state == TaskState::kReported) return;
  // What the site gets may be damaged here.
  if (!base_) return OnFailed(place, reason);
  const ModelVersion& base = BaseOf(*slot);
  const Status whole = host_.VerifyVersion(record_.run_id, base);
  // Of an older version this task alone is left. The finalizer looks at the newest itself, and may
  // have done so already: a pause would come between it and its commit.
  const bool needed = base.version == base_->version && state_.phase != Phase::kFinalizing;
  if (!whole.ok() && needed) return Pause(whole.message(), whole.hint(), false);
  OnFailed(place, whole.ok() ? reason : whole);
}

}  // namespace skerry::coordinator

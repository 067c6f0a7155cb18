#include "coordinator/views.h"

#include <algorithm>
#include <map>

#include "coordinator/run.h"

namespace skerry::coordinator {
namespace {

void FillMetric(const learning::Metric& metric, v1::Metric& out) {
  out.set_name(metric.name);
  out.set_value(metric.value);
  out.set_num_examples(metric.num_examples);
  out.set_num_positive(metric.num_positive);
}

void FillTreatment(const learning::Treatment& treatment, v1::Treatment& out) {
  if (treatment.norm) out.set_norm(*treatment.norm);
  if (treatment.factor) out.set_factor(*treatment.factor);
  if (treatment.selected) out.set_selected(*treatment.selected);
  if (treatment.score) out.set_score(*treatment.score);
  if (treatment.trimmed) out.set_trimmed(*treatment.trimmed);
  if (treatment.share) out.set_share(*treatment.share);
}

// What a site with a task is doing, in the words of the federation.
void FillProgress(const TaskSlot& slot, SitePresence presence, v1::SiteInRound& site) {
  site.set_task_id(slot.record().task_id);
  site.set_reason(slot.record().reason);
  site.set_num_examples(slot.record().num_examples);
  site.set_bytes_up(slot.record().size_bytes);
  switch (slot.record().state) {
    case storage::TaskState::kReported:
    case storage::TaskState::kFailed:
    case storage::TaskState::kLate:
      site.set_state(std::string(Name(slot.record().state)));
      return;
    default:
      break;
  }
  if (presence < SitePresence::kBroken) {
    site.set_state("lost");
    site.set_reason("the connection was lost");
  } else if (slot.record().state == storage::TaskState::kOffered) {
    site.set_state(presence == SitePresence::kBroken ? "broken" : "busy");
    site.set_reason("its task waits until it is free");
  } else {
    const bool submitting = slot.progress.stage() == v1::Progress::SUBMITTING;
    site.set_state(submitting ? "submitting" : "training");
    site.set_reason(slot.progress.trouble());
    site.set_done(slot.progress.done());
    site.set_total(slot.progress.total());
  }
  if (presence == SitePresence::kBroken) site.set_reason(std::string(kBrokenReason));
}

// What is kept of a task is a message of the same kind, with nothing in it but the metrics.
void AddOwnMetrics(const storage::TaskRecord& task, v1::RoundSummary& summary) {
  v1::RoundSummary own;
  if (!own.ParseFromString(task.metrics)) return;
  for (v1::Metric& metric : *own.mutable_metrics()) {
    metric.set_site(task.site);
    *summary.add_metrics() = std::move(metric);
  }
}

}  // namespace

std::string SerializeMetrics(const std::vector<learning::Metric>& metrics) {
  v1::RoundSummary message;
  for (const learning::Metric& metric : metrics) FillMetric(metric, *message.add_metrics());
  return message.SerializeAsString();
}

std::string SerializeRound(const std::vector<learning::Metric>& metrics,
                           const std::vector<std::string>& sites,
                           const std::vector<learning::Treatment>& treatments) {
  v1::RoundSummary message;
  for (const learning::Metric& metric : metrics) FillMetric(metric, *message.add_metrics());
  for (std::size_t i = 0; i < std::min(sites.size(), treatments.size()); ++i) {
    v1::SiteInRound& site = *message.add_sites();
    site.set_site(sites[i]);
    FillTreatment(treatments[i], *site.mutable_treatment());
  }
  return message.SerializeAsString();
}

std::vector<learning::Metric> ParseMetrics(const std::string& serialized) {
  v1::RoundSummary message;
  std::vector<learning::Metric> metrics;
  if (!message.ParseFromString(serialized)) return metrics;
  for (const v1::Metric& metric : message.metrics()) {
    metrics.push_back(
        {metric.name(), metric.value(), metric.num_examples(), metric.num_positive()});
  }
  return metrics;
}

v1::RunSummary Summarize(const Run& run) {
  const storage::RunRecord& record = run.record();
  v1::RunSummary summary;
  summary.set_run_id(record.run_id);
  summary.set_name(record.name);
  summary.set_state(std::string(Name(record.state)));
  summary.set_reason(record.reason.empty() ? run.WaitsFor() : record.reason);
  summary.set_hint(record.hint);
  summary.set_num_rounds(run.program().num_rounds());
  summary.set_created_unix_ms(record.created.unix_millis);
  summary.set_ended_unix_ms(record.ended.unix_millis);
  summary.set_model_version(run.base() ? run.base()->version : -1);
  // Rounds that make no model come before and after those that are counted.
  summary.set_round(std::clamp<int64_t>(summary.model_version(), 0, run.program().num_rounds()));
  if (run.base()) summary.set_model_hash(std::string(run.base()->model_hash.view()));
  if (!run.ended()) {
    summary.set_phase(std::string(Name(run.round_state().phase)));
    summary.set_current_round(run.round_state().round);
    summary.set_attempt(run.round_state().attempt);
  }
  const RoundState& state = run.round_state();
  if (run.contract().buffer > 0) {
    summary.set_buffer(run.contract().buffer);
    if (!run.ended()) summary.set_buffered(static_cast<int64_t>(state.arrivals.size()));
  }
  summary.set_change(run.change());
  return summary;
}

std::vector<v1::SiteInRound> SitesOf(const Run& run, const std::vector<SitePresence>& presence) {
  std::vector<v1::SiteInRound> sites;
  for (std::size_t place = 0; place < run.record().sites.size(); ++place) {
    v1::SiteInRound site;
    site.set_site(run.record().sites[place]);
    const bool connected = presence[place] >= SitePresence::kBroken;
    if (const TaskSlot* slot = run.FindSlot(static_cast<int32_t>(place));
        slot != nullptr && !run.ended()) {
      FillProgress(*slot, presence[place], site);
      site.set_staleness(run.StalenessOf(slot->record()));
    } else if (presence[place] == SitePresence::kBroken) {
      site.set_state("broken");
      site.set_reason(std::string(kBrokenReason));
    } else if (connected) {
      site.set_state("ready");
    } else {
      site.set_state(presence[place] == SitePresence::kNeverSeen ? "invited" : "registered");
      site.set_reason(presence[place] == SitePresence::kNeverSeen ? "has never connected"
                                                                  : "not connected");
    }
    sites.push_back(std::move(site));
  }
  return sites;
}

v1::RoundSummary Summarize(const storage::RoundRecord& round,
                           std::span<const storage::TaskRecord> tasks) {
  v1::RoundSummary summary;
  summary.set_round(round.round);
  summary.set_attempt(round.attempt);
  summary.set_kind(round.kind);
  summary.set_phase(round.phase);
  summary.set_reason(round.reason);
  summary.set_base_version(round.base_version);
  summary.set_model_version(round.model_version);
  summary.set_model_hash(std::string(round.model_version < 0 ? "" : round.model_hash.view()));
  summary.set_started_unix_ms(round.started.unix_millis);
  summary.set_ended_unix_ms(round.ended.unix_millis);
  summary.set_seconds(ToSeconds(round.elapsed));
  for (const learning::Metric& metric : ParseMetrics(round.metrics)) {
    FillMetric(metric, *summary.add_metrics());
  }
  v1::RoundSummary kept;
  std::map<std::string, const v1::Treatment*> treatments;
  if (kept.ParseFromString(round.metrics)) {
    for (const v1::SiteInRound& site : kept.sites()) treatments[site.site()] = &site.treatment();
  }
  for (const storage::TaskRecord& task : tasks) {
    v1::SiteInRound& site = *summary.add_sites();
    site.set_site(task.site);
    site.set_task_id(task.task_id);
    site.set_state(std::string(Name(task.state)));
    site.set_reason(task.reason);
    site.set_num_examples(task.num_examples);
    site.set_bytes_up(task.size_bytes);
    site.set_counted(task.outcome == storage::Outcome::kCounted);
    if (const auto found = treatments.find(task.site);
        site.counted() && found != treatments.end()) {
      *site.mutable_treatment() = *found->second;
    }
    if (task.base_version >= 0) site.set_staleness(round.base_version - task.base_version);
    AddOwnMetrics(task, summary);
  }
  return summary;
}

}  // namespace skerry::coordinator

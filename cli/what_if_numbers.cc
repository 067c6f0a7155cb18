#include "cli/what_if_numbers.h"

#include <algorithm>
#include <map>

namespace skerry::cli {

using simulation::Activity;
using simulation::RoundMark;
using simulation::SimulationResult;
using simulation::SiteLane;
using simulation::Timeline;

std::vector<Measured> MetricOverTime(const SimulationResult& result, const std::string& metric) {
  // When each version was made: the end of its round.
  std::map<int64_t, Duration> made;
  for (const v1::RoundSummary& round : result.rounds) {
    if (round.phase() != "committed" || round.model_version() < 0) continue;
    for (const RoundMark& mark : result.timeline.rounds) {
      if (mark.committed && mark.round == round.round() && round.kind() != "initialize") {
        made[round.model_version()] = mark.to;
      }
    }
  }
  std::vector<Measured> measured;
  for (const v1::RoundSummary& round : result.rounds) {
    if (round.phase() != "committed") continue;
    for (const v1::Metric& m : round.metrics()) {
      if (m.name() != metric || !m.site().empty()) continue;
      const auto at = made.find(round.base_version());
      measured.push_back(
          {at == made.end() ? Duration{0} : at->second, round.base_version(), m.value()});
    }
  }
  return measured;
}

std::vector<std::string> HeldOutMetrics(const SimulationResult& result) {
  std::vector<std::string> names;
  for (const v1::RoundSummary& round : result.rounds) {
    for (const v1::Metric& metric : round.metrics()) {
      const bool held_out =
          metric.name().rfind("test.", 0) == 0 || metric.name().rfind("validation.", 0) == 0;
      if (!held_out || !metric.site().empty()) continue;
      if (std::find(names.begin(), names.end(), metric.name()) == names.end()) {
        names.push_back(metric.name());
      }
    }
  }
  // The first is the one that is drawn.
  std::stable_partition(names.begin(), names.end(), [](const std::string& name) {
    return name.size() > 4 && name.compare(name.size() - 4, 4, ".auc") == 0;
  });
  return names;
}

std::string MostlyWhile(const SiteLane& lane) {
  const auto most = std::max_element(lane.awaited.begin(), lane.awaited.end());
  if (*most <= Duration{0}) return "";
  std::string text(Name(static_cast<Activity>(most - lane.awaited.begin())));
  if (lane.awaited_cut_off * 2 > lane.Awaited()) text += ", its link down";
  return text;
}

std::vector<RoundRow> RoundRows(const Timeline& timeline) {
  std::vector<RoundRow> rows;
  for (const RoundMark& mark : timeline.rounds) {
    if (rows.empty() || rows.back().round != mark.round) {
      RoundRow row;
      row.round = mark.round;
      row.kind = mark.kind;
      row.from = mark.from;
      rows.push_back(std::move(row));
    }
    RoundRow& row = rows.back();
    row.took = mark.to - row.from;
    ++row.attempts;
    if (mark.committed) {
      row.committed = &mark;
    } else if (!mark.reason.empty()) {
      row.given_up = mark.reason;
    }
  }
  return rows;
}

std::string ShortTime(Duration duration) {
  if (duration < 1s) return FormatDuration(std::chrono::round<std::chrono::milliseconds>(duration));
  return FormatDuration(std::chrono::round<std::chrono::seconds>(duration));
}

}  // namespace skerry::cli

#include "cli/what_if.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/output.h"
#include "cli/render/table.h"
#include "cli/render/timeline_svg.h"
#include "cli/what_if_numbers.h"
#include "crypto/sha256.h"

namespace skerry::cli {
namespace {

using simulation::Activity;
using simulation::RunActivity;
using simulation::SimulationResult;
using simulation::SiteLane;
using simulation::Timeline;

constexpr std::size_t kLongestRounds = 8;
constexpr int kMoments = 8;

Duration Total(const SiteLane& lane, Activity activity) {
  return lane.total[static_cast<std::size_t>(activity)];
}

std::string Share(Duration part, Duration whole) {
  const double share = whole > Duration{0} ? ToSeconds(part) / ToSeconds(whole) : 0;
  return FormatFixed(100 * share, 1) + "%";
}

std::string TimeOrDash(Duration duration) {
  return duration > Duration{0} ? ShortTime(duration) : "-";
}

std::string EndOf(const SimulationResult& result) {
  return result.run.state() + (result.gave_up ? " (given up)" : "") + " after " +
         ShortTime(result.virtual_time);
}

std::string ModelText(const WhatIf& what_if) {
  if (what_if.result.model.empty()) return "none";
  const std::string hash = crypto::Sha256(what_if.result.model).Hex();
  const bool same = what_if.result.model == what_if.calm.model;
  return hash.substr(0, 16) + (same ? ", the same to the bit" : ", another one");
}

std::string HeadText(const WhatIf& what_if) {
  const SimulationResult& result = what_if.result;
  std::string text = result.run.name() + ", what if: " + what_if.plan + ", seed " +
                     std::to_string(what_if.seed) + "\n\n";
  if (!result.run.reason().empty()) text += "reason: " + result.run.reason() + "\n";
  if (!result.run.hint().empty()) text += "hint: " + result.run.hint() + "\n";
  Table table({"", "with these faults", "without them"});
  table.Add({"the run is", EndOf(result), EndOf(what_if.calm)});
  table.Add({"rounds", RoundLabel(result.run), RoundLabel(what_if.calm.run)});
  for (const std::string& metric : HeldOutMetrics(result)) {
    const std::vector<Measured> with = MetricOverTime(result, metric);
    const std::vector<Measured> without = MetricOverTime(what_if.calm, metric);
    const auto last = [](const std::vector<Measured>& all) {
      return all.empty() ? std::string("-") : FormatFixed(all.back().value, 4);
    };
    table.Add({metric, last(with), last(without)});
  }
  table.Add({"model", ModelText(what_if), crypto::Sha256(what_if.calm.model).Hex().substr(0, 16)});
  return text + table.ToString();
}

std::string TimeText(const Timeline& timeline) {
  Table table({"how the time went", "time", "share"});
  for (std::size_t i = 0; i < simulation::kNumRunActivities; ++i) {
    const auto activity = static_cast<RunActivity>(i);
    const Duration time = timeline.run_total[i];
    if (time <= Duration{0} || activity == RunActivity::kPaused ||
        activity == RunActivity::kEnded) {
      continue;
    }
    table.Add({std::string(Name(activity)), ShortTime(time), Share(time, timeline.end)});
  }
  for (const auto& [reason, time] : timeline.pauses) {
    table.Add({"paused: " + reason, ShortTime(time), Share(time, timeline.end)});
  }
  return "\n" + table.ToString();
}

std::string SitesText(const Timeline& timeline) {
  const auto committed =
      std::count_if(timeline.rounds.begin(), timeline.rounds.end(),
                    [](const simulation::RoundMark& mark) { return mark.committed; });
  Table table({"site", "counted", "training", "sending", "waiting", "down", "link down", "lost",
               "run lacked only its result", "while it was"});
  for (const SiteLane& lane : timeline.sites) {
    table.Add({lane.site, std::to_string(lane.counted) + "/" + std::to_string(committed),
               TimeOrDash(Total(lane, Activity::kTraining)),
               TimeOrDash(Total(lane, Activity::kSending)),
               TimeOrDash(Total(lane, Activity::kWaiting)),
               TimeOrDash(Total(lane, Activity::kDown) + Total(lane, Activity::kAsleep)),
               TimeOrDash(lane.cut_off), TimeOrDash(lane.lost_for), TimeOrDash(lane.Awaited()),
               MostlyWhile(lane)});
  }
  return "\n" + table.ToString();
}

std::string RoundsText(const Timeline& timeline, bool every_round) {
  std::vector<RoundRow> rows = RoundRows(timeline);
  const std::size_t all = rows.size();
  if (!every_round && rows.size() > kLongestRounds) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const RoundRow& a, const RoundRow& b) { return a.took > b.took; });
    rows.resize(kLongestRounds);
    std::sort(rows.begin(), rows.end(),
              [](const RoundRow& a, const RoundRow& b) { return a.round < b.round; });
  }
  Table table({rows.size() < all ? "longest rounds" : "round", "kind", "began at", "took",
               "attempts", "counted", "last result from", "given up before, because"});
  for (const RoundRow& row : rows) {
    const bool done = row.committed != nullptr;
    table.Add({std::to_string(row.round), row.kind, ShortTime(row.from), ShortTime(row.took),
               std::to_string(row.attempts),
               done ? std::to_string(row.committed->counted.size()) : "-",
               done ? row.committed->last : "-", row.given_up});
  }
  std::string text = "\n" + table.ToString();
  if (rows.size() < all) {
    text += "(" + std::to_string(all) + " rounds, all of them in report.txt)\n";
  }
  return text;
}

// The newest measured version at a moment; null: there was none yet.
const Measured* At(const std::vector<Measured>& all, Duration moment) {
  const Measured* newest = nullptr;
  for (const Measured& measured : all) {
    if (measured.at <= moment) newest = &measured;
  }
  return newest;
}

std::string QualityText(const WhatIf& what_if) {
  const std::vector<std::string> metrics = HeldOutMetrics(what_if.result);
  if (metrics.empty()) return "";
  const std::vector<Measured> with = MetricOverTime(what_if.result, metrics[0]);
  const std::vector<Measured> without = MetricOverTime(what_if.calm, metrics[0]);
  Table table({"after", "version", metrics[0], "version without", metrics[0] + " without"});
  std::vector<Duration> moments = TimeTicks(what_if.result.virtual_time, kMoments);
  // The end comes last, and no moment that is nearly the end.
  std::erase_if(moments, [&](Duration t) { return t > what_if.result.virtual_time * 19 / 20; });
  moments.push_back(what_if.result.virtual_time);
  for (const Duration moment : moments) {
    if (moment == Duration{0}) continue;
    const auto cells = [&](const Measured* measured) {
      if (measured == nullptr) return std::pair(std::string("-"), std::string("-"));
      return std::pair(std::to_string(measured->version), FormatFixed(measured->value, 4));
    };
    const auto [version, value] = cells(At(with, moment));
    const auto [calm_version, calm_value] = cells(At(without, moment));
    table.Add({ShortTime(moment), version, value, calm_version, calm_value});
  }
  return "\n" + table.ToString();
}

Series SeriesOf(const std::vector<Measured>& measured, const std::string& name, bool dashed) {
  Series series;
  series.name = name;
  series.dashed = dashed;
  for (const Measured& m : measured) series.points.emplace_back(ToSeconds(m.at), m.value);
  return series;
}

}  // namespace

std::string WhatIfText(const WhatIf& what_if, bool every_round) {
  const Timeline& timeline = what_if.result.timeline;
  return HeadText(what_if) + TimeText(timeline) + SitesText(timeline) +
         RoundsText(timeline, every_round) + QualityText(what_if);
}

std::string WhatIfSvg(const WhatIf& what_if) {
  const SimulationResult& result = what_if.result;
  TimelinePicture picture;
  picture.title = result.run.name() + ", what if: " + what_if.plan;
  picture.notes.push_back(EndOf(result) + "; without these faults " + EndOf(what_if.calm));
  if (!result.run.reason().empty()) picture.notes.push_back(result.run.reason());
  const std::vector<std::string> metrics = HeldOutMetrics(result);
  if (!metrics.empty()) {
    picture.curves_title = metrics[0] + " of the newest model";
    picture.curves.push_back(
        SeriesOf(MetricOverTime(result, metrics[0]), "with these faults", false));
    picture.curves.push_back(
        SeriesOf(MetricOverTime(what_if.calm, metrics[0]), "without them", true));
  }
  return RenderTimeline(picture, result.timeline);
}

}  // namespace skerry::cli

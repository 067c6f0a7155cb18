#include "cli/render/timeline_svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.h"
#include "cli/render/svg.h"

namespace skerry::cli {
namespace {

using simulation::Activity;
using simulation::RoundMark;
using simulation::RunActivity;
using simulation::SiteLane;
using simulation::Span;
using simulation::Timeline;
using svg::Line;
using svg::Rect;
using svg::Text;

constexpr double kWidth = 1280;
constexpr double kLeft = 118;
constexpr double kRight = 178;
constexpr double kLaneHeight = 34;
constexpr double kBarHeight = 17;
constexpr double kStripHeight = 5;
constexpr double kCurveHeight = 150;
constexpr const char* kLinkDown = "#D55E00";
constexpr const char* kLost = "#000000";
constexpr const char* kMuted = " fill=\"#666666\"";

const char* ColourOf(Activity activity) {
  constexpr std::array<const char*, simulation::kNumActivities> kColours = {
      "#e9e9e9", "#56B4E9", "#0072B2", "#E69F00", "#444444", "#CC79A7"};
  return kColours[static_cast<std::size_t>(activity)];
}

const char* ColourOf(RunActivity activity) {
  constexpr std::array<const char*, simulation::kNumRunActivities> kColours = {
      "#d8e8e2", "#8fcdb8", "#009E73", "#F0E442", "#CC79A7", "#444444", "#ffffff"};
  return kColours[static_cast<std::size_t>(activity)];
}

struct Key {
  std::string colour;
  std::string text;
  bool strip = false;
};

class Picture {
 public:
  Picture(const TimelinePicture& what, const Timeline& timeline)
      : what_(what), timeline_(timeline) {}

  std::string Render() {
    DrawHead();
    lanes_top_ = y_ + 22;
    lanes_bottom_ = lanes_top_ + kLaneHeight * static_cast<double>(timeline_.sites.size() + 1);
    DrawDownTimes();
    DrawRounds();  // behind the bars: what a site did at the end of a round is to be seen
    DrawCoordinator();
    for (std::size_t i = 0; i < timeline_.sites.size(); ++i) {
      DrawSite(timeline_.sites[i], lanes_top_ + kLaneHeight * static_cast<double>(i + 1));
    }
    bottom_ = lanes_bottom_;
    if (!what_.curves.empty()) DrawCurves();
    DrawTimeAxis();
    return svg::Picture(kWidth, bottom_ + 46, svg_);
  }

 private:
  double X(Duration t) const {
    const double end = std::max(ToSeconds(timeline_.end), 1e-9);
    return kLeft + ToSeconds(t) / end * (kWidth - kLeft - kRight);
  }

  void DrawHead() {
    svg_ += Text(16, 28, "start", what_.title, " font-size=\"18\" font-weight=\"bold\"");
    y_ = 30;
    for (const std::string& note : what_.notes) svg_ += Text(16, y_ += 18, "start", note);
    DrawKeys("sites", {{ColourOf(Activity::kTraining), "training"},
                       {ColourOf(Activity::kFetching), "fetching the model"},
                       {ColourOf(Activity::kSending), "sending the result"},
                       {ColourOf(Activity::kWaiting), "waiting for the others"},
                       {ColourOf(Activity::kDown), "down"},
                       {ColourOf(Activity::kAsleep), "asleep"},
                       {kLinkDown, "link down", true},
                       {kLost, "lost to the coordinator", true}});
    DrawKeys("coordinator", {{ColourOf(RunActivity::kSelecting), "waiting for sites"},
                             {ColourOf(RunActivity::kCollecting), "waiting for results"},
                             {ColourOf(RunActivity::kSumming), "summing"},
                             {ColourOf(RunActivity::kPaused), "paused"},
                             {ColourOf(RunActivity::kNoRoom), "disk full"},
                             {ColourOf(RunActivity::kDown), "down"}});
  }

  void DrawKeys(const std::string& of, const std::vector<Key>& keys) {
    y_ += 22;
    svg_ += Text(16, y_, "start", of, kMuted);
    double x = kLeft;
    for (const Key& key : keys) {
      const double height = key.strip ? kStripHeight : 11;
      svg_ += Rect(x, y_ - 9 + (11 - height) / 2, 18, height, key.colour);
      svg_ += Text(x + 23, y_, "start", key.text);
      x += 42 + 6.3 * static_cast<double>(key.text.size());
    }
  }

  // What takes less than a pixel is drawn as one, unless it is only waiting.
  template <class What>
  void DrawSpans(const std::vector<Span<What>>& spans, double y) {
    double busy_until = 0;
    for (const Span<What>& span : spans) {
      const double from = X(span.from);
      const double width = X(span.to) - from;
      const bool waits = span.what == What{};
      if (width < 0.3 && (waits || from < busy_until)) continue;
      const double drawn = waits ? width : std::max(width, 1.2);
      if (!waits) busy_until = from + drawn;
      svg_ += Rect(from, y, drawn, kBarHeight, ColourOf(span.what));
    }
  }

  void DrawStrips(const std::vector<Span<bool>>& spans, double y, const char* colour) {
    for (const Span<bool>& span : spans) {
      const double width = std::max(X(span.to) - X(span.from), 0.8);
      svg_ += Rect(X(span.from), y, width, kStripHeight, colour);
    }
  }

  // Behind all lanes: nobody could do much then.
  void DrawDownTimes() {
    for (const Span<RunActivity>& span : timeline_.run) {
      if (span.what != RunActivity::kDown) continue;
      svg_ += Rect(X(span.from), lanes_top_, std::max(X(span.to) - X(span.from), 0.8),
                   lanes_bottom_ - lanes_top_, "#bbbbbb", " fill-opacity=\"0.5\"");
    }
  }

  void DrawCoordinator() {
    svg_ += Text(kLeft - 8, lanes_top_ + 16, "end", "coordinator");
    DrawSpans(timeline_.run, lanes_top_ + 3);
    svg_ += Text(kWidth - kRight + 10, lanes_top_ + 16, "start", "rounds counted", kMuted);
  }

  void DrawSite(const SiteLane& lane, double y) {
    svg_ += Text(kLeft - 8, y + 16, "end", lane.site);
    DrawSpans(lane.did, y + 3);
    DrawStrips(lane.link_down, y + 3 + kBarHeight + 1, kLinkDown);
    DrawStrips(lane.lost, y + 3 + kBarHeight + 1 + kStripHeight + 1, kLost);
    svg_ +=
        Text(kWidth - kRight + 10, y + 16, "start",
             std::to_string(lane.counted) + " of " + std::to_string(NumCommitted()) + ", trained " +
                 FormatDuration(std::chrono::round<std::chrono::seconds>(
                     lane.total[static_cast<std::size_t>(Activity::kTraining)])));
  }

  int64_t NumCommitted() const {
    return std::count_if(timeline_.rounds.begin(), timeline_.rounds.end(),
                         [](const RoundMark& mark) { return mark.committed; });
  }

  // A line where a round committed, with its number where there is room.
  void DrawRounds() {
    double last_label = -100;
    for (const RoundMark& mark : timeline_.rounds) {
      const double x = X(mark.to);
      if (!mark.committed) {
        if (mark.reason.empty()) continue;
        last_label = x;
        svg_ +=
            Text(x, lanes_top_ - 6, "middle", "\u00d7", " fill=\"#D55E00\" font-weight=\"bold\"");
        continue;
      }
      svg_ += Line(x, lanes_top_ - 3, x, lanes_bottom_, "#999999", " stroke-width=\"0.5\"");
      if (x - last_label < 24) continue;
      last_label = x;
      svg_ += Text(x, lanes_top_ - 6, "middle", std::to_string(mark.round), " font-size=\"10\"");
    }
    svg_ += Text(kLeft - 8, lanes_top_ - 6, "end", "round", " font-size=\"10\"");
  }

  void DrawTimeAxis() {
    svg_ += Line(kLeft, bottom_ + 4, kWidth - kRight, bottom_ + 4, "#444444");
    for (const Duration tick : TimeTicks(timeline_.end, 12)) {
      svg_ += Line(X(tick), bottom_ + 4, X(tick), bottom_ + 9, "#444444");
      svg_ += Text(X(tick), bottom_ + 22, "middle", FormatDuration(tick));
    }
    svg_ += Text((kLeft + kWidth - kRight) / 2, bottom_ + 40, "middle",
                 "time since the run was submitted", kMuted);
  }

  void DrawCurves() {
    const double top = bottom_ + 34;
    const double floor = top + kCurveHeight;
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const Series& series : what_.curves) {
      for (const auto& [x, y] : series.points) {
        if (!std::isfinite(y)) continue;
        low = std::min(low, y);
        high = std::max(high, y);
      }
    }
    bottom_ = floor;
    svg_ += Text(kLeft, top - 8, "start", what_.curves_title, " font-weight=\"bold\"");
    if (low > high) return;
    const double room = std::max((high - low) * 0.08, 0.002);
    low -= room;
    high += room;
    const auto y_of = [&](double v) { return floor - (v - low) / (high - low) * kCurveHeight; };
    const std::vector<double> ticks = Ticks(low, high, 4);
    for (const double tick : ticks) {
      svg_ += Line(kLeft, y_of(tick), kWidth - kRight, y_of(tick), "#dddddd");
      const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 0.1;
      svg_ += Text(kLeft - 8, y_of(tick) + 4, "end", FormatFixed(tick, step < 0.01 ? 3 : 2));
    }
    double last_name = top - 100;
    for (std::size_t i = 0; i < what_.curves.size(); ++i) {
      const Series& series = what_.curves[i];
      if (series.points.empty()) continue;
      const std::string colour = svg::kColours[i % svg::kColours.size()];
      DrawCurve(series, colour, y_of);
      last_name = std::max(y_of(series.points.back().second) + 4, last_name + 14);
      svg_ +=
          Text(kWidth - kRight + 10, last_name, "start", series.name, " fill=\"" + colour + "\"");
    }
  }

  template <class YOf>
  void DrawCurve(const Series& series, const std::string& colour, const YOf& y_of) {
    std::string points;
    for (const auto& [x, y] : series.points) {
      if (!std::isfinite(y)) continue;
      points += FormatFixed(std::min(X(FromSeconds(x)), kWidth - kRight), 1) + "," +
                FormatFixed(y_of(y), 1) + " ";
    }
    svg_ += "<polyline fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"2\"" +
            (series.dashed ? " stroke-dasharray=\"6 4\"" : "") + " points=\"" + points + "\"/>\n";
  }

  const TimelinePicture& what_;
  const Timeline& timeline_;
  std::string svg_;
  double y_ = 0;
  double lanes_top_ = 0;
  double lanes_bottom_ = 0;
  double bottom_ = 0;
};

}  // namespace

std::vector<Duration> TimeTicks(Duration end, int most) {
  constexpr std::array<Duration, 21> kSteps = {10ms, 100ms, 1s,    5s,    10s,   30s,     1min,
                                               2min, 5min,  10min, 15min, 30min, 1h,      2h,
                                               3h,   6h,    12h,   24h,   48h,   24h * 7, 24h * 28};
  Duration step = kSteps.back();
  for (const Duration candidate : kSteps) {
    if (end / candidate > most) continue;
    step = candidate;
    break;
  }
  std::vector<Duration> ticks;
  for (Duration tick{0}; tick <= end; tick += step) ticks.push_back(tick);
  return ticks;
}

std::string RenderTimeline(const TimelinePicture& picture, const Timeline& timeline) {
  return Picture(picture, timeline).Render();
}

}  // namespace skerry::cli

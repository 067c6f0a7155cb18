#include "cli/render/curve_svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace skerry::cli {
namespace {

constexpr double kPanelWidth = 520;
constexpr double kPanelHeight = 360;
constexpr double kLeft = 60;
constexpr double kRight = 110;
constexpr double kTop = 64;
constexpr double kBottom = 48;
// Okabe and Ito's palette, which people with colour blindness can tell apart.
constexpr std::array<const char*, 7> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000"};

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '&')
      escaped += "&amp;";
    else if (c == '"')
      escaped += "&quot;";
    else
      escaped += c;
  }
  return escaped;
}

std::string Text(double x, double y, const std::string& anchor, const std::string& text,
                 const std::string& extra = "") {
  return "<text x=\"" + FormatFixed(x, 1) + "\" y=\"" + FormatFixed(y, 1) + "\" text-anchor=\"" +
         anchor + "\"" + extra + ">" + Escape(text) + "</text>\n";
}

std::string Line(double x1, double y1, double x2, double y2, const char* colour) {
  return "<line x1=\"" + FormatFixed(x1, 1) + "\" y1=\"" + FormatFixed(y1, 1) + "\" x2=\"" +
         FormatFixed(x2, 1) + "\" y2=\"" + FormatFixed(y2, 1) + "\" stroke=\"" + colour + "\"/>\n";
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Add(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  // Room at both ends, and none of no width.
  void Widen(double share) {
    const double room = high > low ? (high - low) * share : std::max(std::abs(low) * 0.05, 0.01);
    low -= room;
    high += room;
  }
};

// Where data lie on the picture.
class Frame {
 public:
  Frame(double offset, Range x, Range y) : offset_(offset), x_(x), y_(y) {}
  double X(double v) const {
    return offset_ + kLeft + (v - x_.low) / (x_.high - x_.low) * (kPanelWidth - kLeft - kRight);
  }
  double Y(double v) const {
    return kPanelHeight - kBottom -
           (v - y_.low) / (y_.high - y_.low) * (kPanelHeight - kTop - kBottom);
  }
  const Range& x() const { return x_; }
  const Range& y() const { return y_; }
  double offset() const { return offset_; }

 private:
  double offset_;
  Range x_;
  Range y_;
};

std::string TickText(double value, double step) {
  const int decimals = step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  return FormatFixed(value, decimals);
}

std::string Axes(const Frame& frame, const std::string& x_label) {
  std::string svg;
  const double left = frame.X(frame.x().low);
  const double right = frame.X(frame.x().high);
  const std::vector<double> y_ticks = Ticks(frame.y().low, frame.y().high, 6);
  for (const double tick : y_ticks) {
    svg += Line(left, frame.Y(tick), right, frame.Y(tick), "#dddddd");
    const double step = y_ticks.size() > 1 ? y_ticks[1] - y_ticks[0] : 1;
    svg += Text(left - 6, frame.Y(tick) + 4, "end", TickText(tick, step));
  }
  const double bottom = kPanelHeight - kBottom;
  svg += Line(left, bottom, right, bottom, "#444444");
  const std::vector<double> x_ticks = Ticks(frame.x().low, frame.x().high, 8);
  for (const double tick : x_ticks) {
    svg += Line(frame.X(tick), bottom, frame.X(tick), bottom + 4, "#444444");
    const double step = x_ticks.size() > 1 ? x_ticks[1] - x_ticks[0] : 1;
    svg += Text(frame.X(tick), bottom + 17, "middle", TickText(tick, step));
  }
  return svg + Text((left + right) / 2, bottom + 36, "middle", x_label);
}

using Points = std::vector<std::pair<double, double>>;

Points FinitePoints(const Series& series) {
  Points points;
  for (const auto& [x, y] : series.points) {
    if (std::isfinite(x) && std::isfinite(y)) points.emplace_back(x, y);
  }
  return points;
}

std::string Curve(const Frame& frame, const Points& points, bool dashed, const char* colour) {
  if (points.size() == 1) {  // a line of one point cannot be seen
    return "<circle cx=\"" + FormatFixed(frame.X(points[0].first), 1) + "\" cy=\"" +
           FormatFixed(frame.Y(points[0].second), 1) + "\" r=\"3\" fill=\"" + colour + "\"/>\n";
  }
  std::string text;
  for (const auto& [x, y] : points) {
    text += FormatFixed(frame.X(x), 1) + "," + FormatFixed(frame.Y(y), 1) + " ";
  }
  return "<polyline fill=\"none\" stroke=\"" + std::string(colour) + "\" stroke-width=\"2\"" +
         (dashed ? " stroke-dasharray=\"6 4\"" : "") + " points=\"" + text + "\"/>\n";
}

// Names at the ends of the lines, moved apart where they would overlap.
std::string Names(const Frame& frame, const std::vector<Series>& all) {
  struct Label {
    double y;
    std::size_t index;
  };
  std::vector<Label> labels;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Points points = FinitePoints(all[i]);
    if (!points.empty()) labels.push_back({frame.Y(points.back().second), i});
  }
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.y < b.y; });
  std::string svg;
  double lowest = 0;
  for (Label& label : labels) {
    label.y = std::max(label.y, lowest + 14);
    lowest = label.y;
    svg += Text(frame.X(frame.x().high) + 6, label.y + 4, "start", all[label.index].name,
                " fill=\"" + std::string(kColours[label.index % kColours.size()]) + "\"");
  }
  return svg;
}

std::string RenderPanel(const Panel& panel, double offset) {
  Range x;
  Range y;
  for (const Series& series : panel.series) {
    for (const auto& [px, py] : FinitePoints(series)) {
      x.Add(px);
      y.Add(py);
    }
  }
  std::string svg = Text(offset + kLeft, kTop - 14, "start", panel.title, " font-weight=\"bold\"");
  if (x.low > x.high) {
    return svg + Text(offset + kPanelWidth / 2, kPanelHeight / 2, "middle", "nothing was measured");
  }
  if (x.low == x.high) x = {x.low - 1, x.high + 1};
  y.Widen(0.08);
  const Frame frame(offset, x, y);
  svg += Axes(frame, panel.x_label);
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    svg += Curve(frame, FinitePoints(panel.series[i]), panel.series[i].dashed,
                 kColours[i % kColours.size()]);
  }
  return svg + Names(frame, panel.series);
}

}  // namespace

std::vector<double> Ticks(double low, double high, int count) {
  const double raw = (high - low) / std::max(1, count);
  if (!(raw > 0) || !std::isfinite(raw)) return {low};
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * 0.999) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k) {
    ticks.push_back(k * step);
  }
  return ticks;
}

std::string RenderCurves(const std::string& title, const std::vector<Panel>& panels) {
  const double width = kPanelWidth * static_cast<double>(std::max<std::size_t>(1, panels.size()));
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
                    FormatFixed(width, 0) + " " + FormatFixed(kPanelHeight, 0) + "\" width=\"" +
                    FormatFixed(width, 0) + "\" height=\"" + FormatFixed(kPanelHeight, 0) +
                    "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n" +
                    "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" +
                    Text(kLeft, 26, "start", title, " font-size=\"16\"");
  for (std::size_t i = 0; i < panels.size(); ++i) {
    svg += RenderPanel(panels[i], kPanelWidth * static_cast<double>(i));
  }
  return svg + "</svg>\n";
}

}  // namespace skerry::cli

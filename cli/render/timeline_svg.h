#pragma once

#include <string>
#include <vector>

#include "cli/render/curve_svg.h"
#include "simulation/timeline.h"

namespace skerry::cli {

struct TimelinePicture {
  std::string title;
  std::vector<std::string> notes;  // lines below the title
  // Curves over seconds of virtual time, drawn below the lanes on the same axis; may be empty.
  std::string curves_title;
  std::vector<Series> curves;
};

// A lane for the coordinator and one for each site: what they did when, where the rounds ended,
// when links were down and sites lost. An SVG picture of its own, readable on paper and in colour
// blindness.
std::string RenderTimeline(const TimelinePicture& picture, const simulation::Timeline& timeline);

// Round durations that cover [0, end] in at most `most` steps: 0s, 30m, 1h, ...
std::vector<Duration> TimeTicks(Duration end, int most);

}  // namespace skerry::cli

#pragma once

#include <cstdio>
#include <string>

#include "base/clock.h"

namespace skerry::cli {

// Where progress is shown.
struct Screen {
  std::FILE* out = stderr;
  bool is_terminal = false;  // it can take a line back
};
// Standard error, so that standard output holds results only.
Screen StandardError();

// Shows how far something has come: a bar that redraws itself on a terminal, plain lines elsewhere
// (for a new `stage`, at most one a second).
class Progress {
 public:
  explicit Progress(const Clock& clock, Screen screen = StandardError());
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `stage` names what is going on ("round 12 of 50"), `note` adds what is new ("test.auc 0.771").
  void Update(const std::string& stage, int64_t done, int64_t total, const std::string& note);
  // A line that stays, above the bar.
  void Line(const std::string& text);
  // Takes the bar away.
  void Finish();

 private:
  void Erase();

  const Clock& clock_;
  const Screen screen_;
  const Timestamp begin_;
  std::string last_stage_;
  Timestamp last_line_;
  bool drawn_ = false;
};

// "[#####-----] 50%  round 12 of 50 ...", at most `width` characters wide.
std::string RenderBar(const std::string& stage, int64_t done, int64_t total,
                      const std::string& note, Duration elapsed, int width);

}  // namespace skerry::cli

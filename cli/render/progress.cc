#include "cli/render/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"

namespace skerry::cli {
namespace {

constexpr int kBarCells = 24;

int WidthOf(std::FILE* terminal) {
  winsize size{};
  if (::ioctl(::fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

// The time left, if the rest goes as the part that is done.
std::string Estimate(int64_t done, int64_t total, Duration elapsed) {
  if (done <= 0 || done >= total || elapsed < 2s) return "";
  const double rest =
      ToSeconds(elapsed) * static_cast<double>(total - done) / static_cast<double>(done);
  return ", " + FormatDuration(std::chrono::seconds(static_cast<int64_t>(rest + 1))) + " left";
}

}  // namespace

std::string RenderBar(const std::string& stage, int64_t done, int64_t total,
                      const std::string& note, Duration elapsed, int width) {
  const int64_t parts = std::max<int64_t>(1, total);
  const int64_t whole = std::clamp<int64_t>(done, 0, parts);
  const auto filled = static_cast<std::size_t>(whole * kBarCells / parts);
  std::string text = "[" + std::string(filled, '#') + std::string(kBarCells - filled, '-') + "] " +
                     std::to_string(whole * 100 / parts) + "%  " + stage +
                     Estimate(whole, parts, elapsed);
  if (!note.empty()) text += "  " + note;
  return std::string(
      FirstCharacters(Printable(text), static_cast<std::size_t>(std::max(20, width - 1))));
}

Screen StandardError() {
  const char* term = std::getenv("TERM");
  const bool is_terminal =
      ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string(term) != "dumb";
  return {stderr, is_terminal};
}

Progress::Progress(const Clock& clock, Screen screen)
    : clock_(clock), screen_(screen), begin_(clock.Now()) {}

Progress::~Progress() { Finish(); }

void Progress::Update(const std::string& stage, int64_t done, int64_t total,
                      const std::string& note) {
  const Timestamp now = clock_.Now();
  if (screen_.is_terminal) {
    const std::string bar = RenderBar(stage, done, total, note, now - begin_, WidthOf(screen_.out));
    std::fprintf(screen_.out, "\r\033[2K%s", bar.c_str());
    std::fflush(screen_.out);
    drawn_ = true;
    return;
  }
  const bool is_last = done == total;
  if (stage == last_stage_ || (now - last_line_ < 1s && !is_last && !last_stage_.empty())) return;
  last_stage_ = stage;
  last_line_ = now;
  std::fprintf(screen_.out, "%s%s%s\n", Printable(stage).c_str(), note.empty() ? "" : "  ",
               Printable(note).c_str());
  std::fflush(screen_.out);
}

void Progress::Line(const std::string& text) {
  Erase();
  std::fprintf(screen_.out, "%s\n", Printable(text).c_str());
}

void Progress::Finish() { Erase(); }

void Progress::Erase() {
  if (!drawn_) return;
  std::fprintf(screen_.out, "\r\033[2K");
  std::fflush(screen_.out);
  drawn_ = false;
}

}  // namespace skerry::cli

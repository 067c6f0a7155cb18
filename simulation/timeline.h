#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

// What everybody did when, in a simulated federation. All times count from its beginning.
namespace skerry::simulation {

// A site, as its own machine knows it.
enum class Activity : uint8_t { kWaiting, kFetching, kTraining, kSending, kDown, kAsleep };
constexpr std::size_t kNumActivities = 6;
std::string_view Name(Activity activity);  // "training"

// The coordinator, and what the run does there.
enum class RunActivity : uint8_t {
  kSelecting,
  kCollecting,
  kSumming,
  kPaused,
  kNoRoom,
  kDown,
  kEnded
};
constexpr std::size_t kNumRunActivities = 7;
std::string_view Name(RunActivity activity);  // "waiting for results"

template <class What>
struct Span {
  Duration from{0};
  Duration to{0};
  What what{};
};

struct SiteLane {
  std::string site;
  std::vector<Span<Activity>> did;
  std::vector<Span<bool>> link_down;  // the spans in which it was
  std::vector<Span<bool>> lost;       // in the coordinator's eyes
  std::array<Duration, kNumActivities> total{};
  Duration cut_off{0};
  Duration lost_for{0};
  int64_t counted = 0;  // rounds with its result
  // How long the run had everything but this site's result, by what the site did meanwhile.
  std::array<Duration, kNumActivities> awaited{};
  Duration awaited_cut_off{0};  // of that: its link was down

  Duration Awaited() const;
};

// A round, each attempt by itself.
struct RoundMark {
  int64_t round = 0;
  int64_t attempt = 1;
  std::string kind;  // "train"
  Duration from{0};
  Duration to{0};
  bool committed = false;
  std::string reason;                // why it was given up
  std::vector<std::string> counted;  // sites
  std::string last;                  // the site whose result came last; empty: none came
};

struct Timeline {
  Duration end{0};
  std::vector<SiteLane> sites;  // in bytewise order of names
  std::vector<Span<RunActivity>> run;
  std::array<Duration, kNumRunActivities> run_total{};
  std::map<std::string, Duration> pauses;  // why -> how long
  std::vector<RoundMark> rounds;
};

// How things stand; they stay so until the next snapshot.
struct Snapshot {
  struct Site {
    Activity activity = Activity::kWaiting;
    bool link_down = false;
    bool lost = false;
    bool awaited = false;  // has a task of the round, and has not reported
  };
  RunActivity run = RunActivity::kDown;
  std::string pause;  // kPaused: why
  // The round under way; not while the coordinator is down.
  struct Round {
    int64_t round = 0;
    int64_t attempt = 1;
    std::string kind;
  };
  std::optional<Round> round;
  std::vector<Site> sites;  // as in the timeline
};

// Makes a timeline of snapshots.
class TimelineRecorder {
 public:
  explicit TimelineRecorder(const std::vector<std::string>& sites);
  void Observe(Duration now, Snapshot snapshot);
  // Nothing comes after `now`. What came of the rounds is filled in by the caller.
  Timeline Finish(Duration now) &&;

 private:
  void Account(Duration length);
  void AccountSite(SiteLane& lane, const Snapshot::Site& site, bool alone, Duration length);
  void NoteRound(Duration now, const Snapshot& next);
  void CloseRound(Duration now);

  Timeline timeline_;
  Snapshot current_;
  Duration since_{0};
};

}  // namespace skerry::simulation

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "crypto/digest.h"
#include "storage/names.h"

// What the coordinator's journal remembers. Each record is a row; a Put replaces the row with the
// same key. Times of day are for people; durations are what deadlines run on.
namespace skerry::storage {

// Text values are stored as the names that the command line shows.
enum class RunState {
  kPending,
  kRunning,
  kPaused,
  kCompleted,
  kCompletedDegraded,
  kFailed,
  kStopped
};
enum class TaskState { kOffered, kTaken, kReported, kFailed, kLost, kLate };
enum class Outcome { kNone, kCounted, kDiscarded };

std::string_view Name(RunState state);  // "completed_degraded"
std::string_view Name(TaskState state);
std::string_view Name(Outcome outcome);
bool IsFinal(RunState state);  // completed, completed_degraded, failed, stopped

struct RunRecord {  // key: run_id
  std::string run_id;
  int64_t number = 0;  // 1, 2, ... in the order of submission
  std::string name;
  RunState state = RunState::kPending;
  std::string reason;
  std::string hint;
  std::string run_file;  // the text as submitted
  Names sites;           // the roster, in bytewise order; frozen
  WallTime created;
  WallTime ended;
  int64_t rounds_committed = 0;
  int64_t model_version = -1;  // -1: none yet
  bool degraded = false;       // some committed round lacked a site that it should have had
  std::map<std::string, int64_t> rounds_lacked;  // site -> how many committed rounds lacked it

  friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

struct RoundRecord {  // key: run_id, round, attempt
  std::string run_id;
  int64_t round = 0;
  int64_t attempt = 1;
  std::string kind;    // "train", "evaluate", "statistics"
  std::string phase;   // "selecting", "training", "finalizing", "committed", "abandoned"
  std::string reason;  // abandoned: why
  std::vector<std::string> invited;
  int64_t base_version = -1;
  int64_t model_version = -1;  // made by this round
  crypto::Digest model_hash;
  uint64_t model_size_bytes = 0;
  crypto::Digest state_hash;
  uint64_t state_size_bytes = 0;  // 0: the strategy keeps no state
  std::string chain_hash;  // 32 bytes: over the previous round's and all of this one that counts
  WallTime started;
  WallTime ended;
  Duration elapsed{0};        // in all phases
  Duration phase_elapsed{0};  // in this phase, not counting time in which the coordinator was down
  std::string metrics;        // a serialized v1::RoundSummary with only `metrics`

  friend bool operator==(const RoundRecord&, const RoundRecord&) = default;
};

struct TaskRecord {  // key: task_id
  int64_t task_id = 0;
  std::string run_id;
  int64_t round = 0;
  int64_t attempt = 1;
  std::string site;
  TaskState state = TaskState::kOffered;
  std::string reason;           // failed, lost, late: why
  crypto::Digest content_hash;  // of the result, from kReported on
  uint64_t size_bytes = 0;
  int64_t num_examples = 0;
  std::string header;   // a serialized v1::ResultHeader, from kReported on
  std::string metrics;  // a serialized v1::RoundSummary with only `metrics`: this site's own
  Outcome outcome = Outcome::kNone;
  std::string outcome_reason;
  bool outcome_confirmed = false;  // the site knows
  WallTime taken;
  WallTime reported;
  // In asynchronous rounds, where a task may outlive the round that gave it: `round` is then the
  // one that its result is for. The version that it works from; -1: its round's.
  int64_t base_version = -1;
  // Larger than that of every result that waited for its round when this one came; 0: not reported.
  int64_t arrival = 0;

  friend bool operator==(const TaskRecord&, const TaskRecord&) = default;
};

struct SiteRecord {  // key: site
  std::string site;
  uint64_t epoch = 0;
  std::string version;
  WallTime first_seen;
  WallTime last_seen;
  int64_t certificate_expires_unix = 0;
  std::vector<std::string> data_sources;

  friend bool operator==(const SiteRecord&, const SiteRecord&) = default;
};

inline constexpr const char* kRoundCommitted = "round_committed";  // the code of an event

struct EventRecord {  // appended; the store numbers them
  WallTime time;
  std::string run_id;
  int64_t round = -1;
  std::string site;
  std::string code;  // "site_lost", "round_committed", ...: stable words
  std::string message;

  friend bool operator==(const EventRecord&, const EventRecord&) = default;
};

// The files of a version, if they are so small that the journal has them: they are not synced.
struct SmallVersion {  // key: run_id, version
  std::string run_id;
  int64_t version = 0;
  std::string model;
  std::string state;  // empty: the strategy keeps none

  friend bool operator==(const SmallVersion&, const SmallVersion&) = default;
};
struct RemoveSmallVersions {  // whether or not they are there
  std::string run_id;
  std::vector<int64_t> versions;

  friend bool operator==(const RemoveSmallVersions&, const RemoveSmallVersions&) = default;
};

// The details of a run go: its events, its tasks, and every round but these. Its own row stays, and
// so does a task whose site has yet to confirm the outcome, and the newest task of all, since no
// number is given twice.
struct RemoveHistory {
  std::string run_id;
  std::set<int64_t> kept_rounds;
  // Of a run that goes on: only rounds before this one, their tasks, and the events that say that
  // they committed. Whatever else happened stays told.
  std::optional<int64_t> before = std::nullopt;

  friend bool operator==(const RemoveHistory&, const RemoveHistory&) = default;
};

// A row that is still at work when it joins a batch: written is what stands in it at the commit. No
// task has two of them in a batch.
using LiveTask = std::shared_ptr<const TaskRecord>;

// The rows that a transition changes; all of them are written, or none.
using Record = std::variant<RunRecord, RoundRecord, TaskRecord, SiteRecord, EventRecord,
                            SmallVersion, RemoveSmallVersions, RemoveHistory, LiveTask>;
using WriteBatch = std::vector<Record>;

// The same without the rows that a later one with the same key takes the place of: to commit it
// leaves the same behind. A batch that removes a history stays as it is.
WriteBatch WithoutReplacedRows(WriteBatch batch);

}  // namespace skerry::storage

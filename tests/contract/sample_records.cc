#include "contract/sample_records.h"

#include <algorithm>
#include <string_view>

namespace skerry::storage {
namespace {

constexpr std::string_view kAwkward("it's \"odd\"\n\0 \xc3\xa9\t\\", 17);

crypto::Digest DigestOf(char byte) {
  crypto::Digest digest;
  std::fill(digest.bytes.begin(), digest.bytes.end(), byte);
  digest.bytes[0] = '\0';
  return digest;
}

}  // namespace

RunRecord SampleRun(const std::string& run_id, int64_t number) {
  RunRecord run;
  run.run_id = run_id;
  run.number = number;
  run.name = "icu-mortality";
  run.state = RunState::kCompletedDegraded;
  run.reason = std::string(kAwkward);
  run.hint = "skerry run resume " + run_id;
  run.run_file = "[run]\nname = \"icu-mortality\"\n";
  run.sites = {"east", "north", std::string(kAwkward)};
  run.created.unix_millis = 1'790'000'000'123;
  run.ended.unix_millis = 1'790'000'001'456;
  run.rounds_committed = 7;
  run.model_version = 8;
  run.degraded = true;
  run.rounds_lacked = {{"north", 2}, {"west", 1}};
  return run;
}

RoundRecord SampleRound(const std::string& run_id, int64_t round, int64_t attempt) {
  RoundRecord record;
  record.run_id = run_id;
  record.round = round;
  record.attempt = attempt;
  record.kind = "train";
  record.phase = "abandoned";
  record.reason = std::string(kAwkward);
  record.invited = {"east", "north"};
  record.base_version = 3;
  record.model_version = 4;
  record.model_hash = DigestOf('\xff');
  record.model_size_bytes = uint64_t{5} << 32;
  record.state_hash = DigestOf('\x80');
  record.state_size_bytes = 77;
  record.chain_hash = std::string(32, '\0');
  record.started.unix_millis = -1;
  record.ended.unix_millis = 1'790'000'001'456;
  record.elapsed = Duration(9'000'000'000'000'000);
  record.phase_elapsed = Duration(1);
  record.metrics = std::string(kAwkward);
  return record;
}

TaskRecord SampleTask(int64_t task_id, const std::string& run_id, int64_t round,
                      const std::string& site) {
  TaskRecord task;
  task.task_id = task_id;
  task.run_id = run_id;
  task.round = round;
  task.attempt = 2;
  task.site = site;
  task.state = TaskState::kReported;
  task.reason = std::string(kAwkward);
  task.content_hash = DigestOf('a');
  task.size_bytes = uint64_t{3} << 31;
  task.num_examples = 1234;
  task.header = std::string("\0\1\2", 3);
  task.metrics = std::string(kAwkward);
  task.outcome = Outcome::kDiscarded;
  task.outcome_reason = "late";
  task.outcome_confirmed = true;
  task.taken.unix_millis = 1'790'000'000'123;
  task.reported.unix_millis = 1'790'000'000'124;
  task.base_version = 7;
  task.arrival = 3;
  return task;
}

SiteRecord SampleSite(const std::string& site) {
  SiteRecord record;
  record.site = site;
  record.epoch = ~uint64_t{0} - 1;  // does not fit a signed column
  record.version = "0.1.0";
  record.first_seen.unix_millis = 1'790'000'000'123;
  record.last_seen.unix_millis = 1'790'000'000'999;
  record.certificate_expires_unix = 4'000'000'000;
  record.data_sources = {"icu", std::string(kAwkward), ""};
  return record;
}

EventRecord SampleEvent(const std::string& run_id, const std::string& message) {
  EventRecord event;
  event.time.unix_millis = 1'790'000'000'123;
  event.run_id = run_id;
  event.round = 5;
  event.site = "north";
  event.code = "site_lost";
  event.message = message;
  return event;
}

}  // namespace skerry::storage

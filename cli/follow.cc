#include "cli/follow.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "base/report.h"
#include "base/text.h"
#include "cli/render/progress.h"

namespace skerry::cli {
namespace {

constexpr Duration kFirstAnswer = 10s;
constexpr Duration kNoLimit = 24h;  // of one call: the coordinator answers sooner

bool HasEnded(const v1::RunSummary& run) { return run.ended_unix_ms() != 0; }

std::string StateAndReason(const v1::RunSummary& run) {
  return run.state() + (run.reason().empty() ? "" : ": " + run.reason());
}

class Follower {
 public:
  Follower(AdminClient& client, const FollowOptions& options, std::optional<Duration> timeout)
      : client_(client), options_(options), timeout_(timeout), progress_(clock_) {}

  int Follow(const std::string& run_id) {
    v1::WatchRunRequest request;
    request.set_run_id(run_id);
    for (;;) {
      const Result<v1::WatchRunReply> reply = client_.WatchRun(request, TimeLeft());
      if (!reply.ok()) {
        if (TimeIsUp()) return TimedOut();
        if (const Status why = WhyGiveUp(reply.status()); !why.ok()) return ReportError(why);
        continue;
      }
      if (std::exchange(away_, false)) Note("the coordinator answers again");
      last_ = reply->run();
      // "latest" must not move on to another run.
      request.set_run_id(reply->run().run_id());
      request.set_after_change(reply->run().change());
      if (options_.round > reply->run().num_rounds()) return NoSuchRound(reply->run());
      Show(*reply);
      if (IsOver(reply->run())) return End(*reply);
      if (TimeIsUp()) return TimedOut();
    }
  }

 private:
  Duration TimeLeft() const { return timeout_ ? *timeout_ - (clock_.Now() - begin_) : kNoLimit; }

  bool TimeIsUp() const { return TimeLeft() < 10ms; }

  // OK: after a moment, try again. A coordinator that has just been started gets a few seconds; one
  // that has answered before, for ever.
  Status WhyGiveUp(const Status& status) {
    const bool silent =
        status.code() == Code::kUnavailable || status.code() == Code::kDeadlineExceeded;
    if (!silent) return status;
    if (!last_) {
      Status why = client_.Explain(status);
      if (why.code() != Code::kUnavailable || clock_.Now() - begin_ >= kFirstAnswer) return why;
    }
    if (!std::exchange(away_, true)) {
      Note("the coordinator does not answer; waiting" +
           (last_ ? std::string() : " up to " + FormatDuration(kFirstAnswer)));
    }
    ::usleep(200'000);
    return OkStatus();
  }

  bool IsOver(const v1::RunSummary& run) const {
    if (HasEnded(run)) return true;
    if (options_.pause_is_end && run.state() == "paused" && !run.hint().starts_with("it goes on")) {
      return true;
    }
    // `round` is 0 too as long as none has committed; then round 0 is the one under way.
    const bool committed = run.round() > 0 || run.current_round() > 0;
    return options_.round >= 0 && committed && run.round() >= options_.round;
  }

  void Note(const std::string& text) {
    if (options_.format == Format::kText) progress_.Line(text);
  }

  void Show(const v1::WatchRunReply& reply) {
    if (options_.quiet) return;
    if (options_.format == Format::kJson) return ShowJson(reply);
    const v1::RunSummary& run = reply.run();
    const bool running = run.state() == "running";
    std::string note = running ? ProgressLine(reply.last_round()) : run.state();
    if (running && run.reason().starts_with("waiting for lost")) note = run.reason();
    if (running && run.buffer() > 0) note = run.reason();
    progress_.Update(RoundLabel(run), run.round(), run.num_rounds(), note);
    // Why it does not run, once for each reason. At the end it is said there.
    const std::string why = running || IsOver(run) ? "" : StateAndReason(run);
    if (std::exchange(last_note_, why) != why && !why.empty()) progress_.Line(why);
  }

  // A line for each step of the run, not for each step of each task.
  void ShowJson(const v1::WatchRunReply& reply) {
    const v1::RunSummary& run = reply.run();
    const std::string step = run.state() + "/" + std::to_string(run.round()) + "/" +
                             std::to_string(run.current_round()) + "/" +
                             std::to_string(run.attempt()) + "/" + run.phase();
    if (std::exchange(last_note_, step) == step) return;
    Print(reply);
  }

  static void Print(const v1::WatchRunReply& reply) {
    std::fputs(WatchJson(reply).c_str(), stdout);
    std::fflush(stdout);
  }

  int End(const v1::WatchRunReply& reply) {
    progress_.Finish();
    const v1::RunSummary& run = reply.run();
    const bool only_the_round = !HasEnded(run) && run.state() != "paused";
    if (options_.format == Format::kJson) {
      if (options_.quiet) Print(reply);
      return only_the_round ? 0 : ExitCodeOf(run);
    }
    if (only_the_round) return 0;
    std::fprintf(stderr, "%s: %s\n", run.run_id().c_str(), Printable(StateAndReason(run)).c_str());
    if (!run.hint().empty()) std::fprintf(stderr, "hint: %s\n", Printable(run.hint()).c_str());
    return ExitCodeOf(run);
  }

  int NoSuchRound(const v1::RunSummary& run) const {
    return ReportError(InvalidArgument(run.run_id() + " has " + std::to_string(run.num_rounds()) +
                                       " rounds: there is no round " +
                                       std::to_string(options_.round))
                           .WithHint("without --round it is waited for until its end"));
  }

  int TimedOut() {
    progress_.Finish();
    std::string text = "not within " + options_.timeout;
    if (last_) text += "; " + last_->run_id() + " is " + StateAndReason(*last_);
    return ReportError(DeadlineExceeded(text));
  }

  AdminClient& client_;
  const FollowOptions& options_;
  const std::optional<Duration> timeout_;
  SystemClock clock_;
  const Timestamp begin_ = clock_.Now();
  Progress progress_;
  std::optional<v1::RunSummary> last_;
  bool away_ = false;
  std::string last_note_;
};

}  // namespace

int ExitCodeOf(const v1::RunSummary& run) {
  if (run.state() == "completed_degraded") return kExitRunDegraded;
  if (run.state() == "paused") return kExitRunPaused;
  if (run.state() == "failed") return kExitRunFailed;
  if (run.state() == "stopped") return kExitRunStopped;
  return 0;
}

int FollowRun(const AdminAddress& address, const std::string& run_id,
              const FollowOptions& options) {
  std::optional<Duration> timeout;
  if (!options.timeout.empty()) {
    const Result<Duration> parsed = ParseDuration(options.timeout);
    if (!parsed.ok()) return ReportError(parsed.status());
    timeout = *parsed;
  }
  const auto client = AdminClient::Connect(address);
  if (!client.ok()) return ReportError(client.status());
  return Follower(**client, options, timeout).Follow(run_id);
}

}  // namespace skerry::cli

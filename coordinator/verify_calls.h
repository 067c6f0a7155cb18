#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/verify.h"
#include "coordinator/verify_rows.h"
#include "rpc/call_log.h"

namespace skerry::coordinator {

// Compares what sites and the coordinator wrote of their calls with the journal: each acknowledged
// result is in exactly one aggregate, or its site is told that it is in none.
class CallChecker {
 public:
  // `confirmed`: as of VerifyInput.
  CallChecker(const RunRows& rows, const std::set<int64_t>& confirmed, VerifyReport& report);
  void Check(const std::vector<rpc::CallHistory>& histories);

 private:
  // Somebody has it in writing that a result was received.
  struct Receipt {
    int64_t task_id = 0;
    std::string site;
    std::string hash;  // in hex
    friend auto operator<=>(const Receipt&, const Receipt&) = default;
  };

  void Read(const rpc::CallHistory& history);
  void ReadEnd(const rpc::CallEvent& event);
  void CheckVerdict(const rpc::CallEvent& event, int64_t task_id, const std::string& outcome);
  void CheckReceipt(const Receipt& receipt, const storage::TaskRecord& task);
  void CheckUndecided(const Receipt& receipt, const storage::TaskRecord& task);
  void CheckUnknown(const Receipt& receipt);
  void CheckHeard(const storage::TaskRecord& task);
  void Summarize();
  void Lose(std::string text);

  const RunRows& rows_;
  const std::set<int64_t>& confirmed_;
  VerifyReport& report_;
  std::map<int64_t, const storage::TaskRecord*> tasks_;
  std::set<Receipt> receipts_;
  std::set<int64_t> receipts_at_site_;     // tasks of which the site's own log has the receipt
  std::set<int64_t> heard_;                // tasks of which the site's own log has the verdict
  std::set<int64_t> failed_at_site_;       // tasks that a site gave up
  std::set<std::string> sites_with_gaps_;  // whose logs lack lines
  std::map<int64_t, std::string> run_of_;  // of tasks, by those who gave and got them

  int64_t open_ = 0;           // receipts of rounds that have not ended
  int64_t not_told_ = 0;       // discarded, and the site has not confirmed that it knows
  int64_t maybe_heard_ = 0;    // discarded; the verdict would be in a log that lacks lines
  int64_t maybe_removed_ = 0;  // receipts of tasks that may have been removed with a history
  std::map<std::string, int64_t> of_strangers_;  // run -> receipts; the journal has no such run
};

}  // namespace skerry::coordinator

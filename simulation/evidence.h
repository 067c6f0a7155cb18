#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/records.h"

namespace skerry::simulation {

// A site has it in writing that its result was received.
struct Receipt {
  std::string site;
  int64_t task_id = 0;
  std::string content_hash;
};

// A site heard what became of its result.
struct HeardVerdict {
  std::string site;
  int64_t task_id = 0;
  bool counted = false;
  std::string reason;
};

// A site gave a task up, and began to say so.
struct GivenUp {
  std::string site;
  int64_t task_id = 0;
};

// What both sides of a federation can be held to, whatever went wrong meanwhile.
struct Evidence {
  std::vector<Receipt> receipts;             // in the order of their arrival, repeats included
  std::vector<HeardVerdict> verdicts;        // likewise
  std::vector<GivenUp> given_up;             // whether or not the coordinator heard of it
  std::vector<storage::RoundRecord> rounds;  // the coordinator's journal of the run at the end
  std::vector<storage::TaskRecord> tasks;
  std::vector<storage::EventRecord> events;
  std::vector<std::string> complaints;  // what must not happen whatever the faults
  int64_t tasks_left_at_sites = 0;      // in the hands of clients at the end
  int64_t deaths = 0;                   // of all processes
  uint64_t bytes_up = 0;                // of results that left sites, resent ones included
  uint64_t bytes_down = 0;              // of models that left the coordinator
};

}  // namespace skerry::simulation

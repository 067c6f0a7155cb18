#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <tuple>

#include "base/status.h"
#include "testing/faulty_files.h"
#include "testing/status_matchers.h"

namespace skerry::testing {

// How a disk fails, and whether until it is mended.
using Failing = std::tuple<DiskFailure, bool>;

inline std::string NameOf(const ::testing::TestParamInfo<Failing>& info) {
  const DiskFailure kind = std::get<0>(info.param);
  const std::string name = kind == DiskFailure::kFull     ? "Full"
                           : kind == DiskFailure::kBroken ? "Broken"
                                                          : "Sync";
  return name + (std::get<1>(info.param) ? "UntilHealed" : "Once");
}

inline auto EveryFailing() {
  return ::testing::Combine(
      ::testing::Values(DiskFailure::kFull, DiskFailure::kBroken, DiskFailure::kSync),
      ::testing::Bool());
}

// The file of which an error has to tell; of a database's log, the database.
inline std::string NameToTell(const DiskFaults& faults) {
  std::string name = faults.first_path();
  name.erase(0, name.rfind('/') + 1);
  for (const char* beside : {".tmp", "-wal", "-journal"}) {
    if (name.ends_with(beside)) name.resize(name.size() - std::strlen(beside));
  }
  return name;
}

// What a person is told of a failed call: which file, and whether the disk is full. `or_name`: of
// what may be told instead.
inline void ExpectTold(const Status& status, const Failing& failing, const DiskFaults& faults,
                       const std::string& or_name) {
  const bool full = std::get<0>(failing) == DiskFailure::kFull;
  EXPECT_THAT(status, Fails(full ? Code::kResourceExhausted : Code::kInternal,
                            ::testing::AnyOf(::testing::HasSubstr(NameToTell(faults)),
                                             ::testing::HasSubstr(or_name))));
}

inline void ExpectTold(const Status& status, const Failing& failing, const DiskFaults& faults) {
  ExpectTold(status, failing, faults, NameToTell(faults));
}

// Calls trial(k) with k = 1, 2, ... until the k-th call to the disk is none of the trial's. The
// trial arms the faults. How many calls failed.
template <class Trial>
int64_t FailEachCall(DiskFaults& faults, const Trial& trial) {
  for (int64_t k = 1;; ++k) {
    trial(k);
    faults.Heal();
    if (!faults.hit()) return k - 1;
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "call " << k << ": " << faults.first_failure();
      return k;
    }
  }
}

}  // namespace skerry::testing

#pragma once

#include <gtest/gtest.h>

#include <string>

#include "harness.h"
#include "testing/status_matchers.h"

namespace skerry::coordinator {

// A coordinator and two sites.
class CoordinatorTest : public ::testing::Test {
 protected:
  const coordinator::Run& run(const std::string& run_id = "t-1") {
    return *h.coordinator->FindRun(run_id);
  }
  std::string State(const std::string& run_id = "t-1") {
    return std::string(Name(run(run_id).record().state));
  }
  // Both sites join and take their tasks of the first round.
  void BeginRun(const RunFile& file = {}) {
    h.Submit(file);
    ASSERT_OK(a.Join());
    ASSERT_OK(b.Join());
    task_a = a.Take();
    task_b = b.Take();
  }

  Harness h;
  FakeSite a{h, "a"};
  FakeSite b{h, "b"};
  v1::Task task_a;
  v1::Task task_b;
};

}  // namespace skerry::coordinator

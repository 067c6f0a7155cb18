#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "storage/memory_client_store.h"
#include "storage/sqlite_client_store.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

// What every ClientStore promises. Each test runs over both.
namespace skerry::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientStoreContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "memory") {
      store_ = std::make_unique<MemoryClientStore>();
    } else {
      ASSERT_OK_AND_ASSIGN(store_, SqliteClientStore::Open(directory_.File("client.db")));
    }
  }

  void Commit(const std::vector<ClientRecord>& records) { ASSERT_OK(store_->Commit(records)); }
  ClientSnapshot Load() {
    Result<ClientSnapshot> snapshot = store_->Load();
    EXPECT_OK(snapshot);
    return snapshot.ok() ? *std::move(snapshot) : ClientSnapshot();
  }

  static ClientTask Task(int64_t task_id, ClientTask::State state) {
    return {task_id, state, std::string("\0task\xff", 6), "header of " + std::to_string(task_id)};
  }

 private:
  testing::TempDir directory_;
  std::unique_ptr<ClientStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Twins, ClientStoreContract, ::testing::Values("memory", "sqlite"),
                         [](const auto& twin) { return std::string(twin.param); });

TEST_P(ClientStoreContract, ANewStoreKnowsNothing) {
  EXPECT_EQ(Load().coordinator_id, "");
  EXPECT_THAT(Load().tasks, IsEmpty());
}

TEST_P(ClientStoreContract, TasksComeBackByTheirIds) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const ClientTask taken = Task(12, ClientTask::State::kTaken);
  const ClientTask finished = Task(3, ClientTask::State::kFinished);
  const ClientTask submitted = Task(kMax, ClientTask::State::kSubmitted);
  Commit({taken, submitted, finished});
  EXPECT_THAT(Load().tasks, ElementsAre(finished, taken, submitted));
}

TEST_P(ClientStoreContract, ATaskIsReplacedAsAWhole) {
  Commit({Task(1, ClientTask::State::kTaken)});
  const ClientTask later = {1, ClientTask::State::kFinished, "", "other header"};
  Commit({later});
  EXPECT_THAT(Load().tasks, ElementsAre(later));
}

TEST_P(ClientStoreContract, ARemovedTaskIsGoneAndAnUnknownOneIsNoError) {
  Commit({Task(1, ClientTask::State::kTaken), Task(2, ClientTask::State::kTaken)});
  Commit({RemoveClientTask{1}, RemoveClientTask{77}});
  EXPECT_THAT(Load().tasks, ElementsAre(Task(2, ClientTask::State::kTaken)));
}

TEST_P(ClientStoreContract, RecordsTakeEffectInTheirOrder) {
  Commit({Task(1, ClientTask::State::kTaken), RemoveClientTask{1}, RemoveClientTask{2},
          Task(2, ClientTask::State::kTaken)});
  EXPECT_THAT(Load().tasks, ElementsAre(Task(2, ClientTask::State::kTaken)));
}

TEST_P(ClientStoreContract, TheCoordinatorIdIsTheLastOne) {
  Commit({CoordinatorId{"first"}});
  Commit({CoordinatorId{"second"}, Task(1, ClientTask::State::kTaken)});
  EXPECT_EQ(Load().coordinator_id, "second");
  Commit({RemoveClientTask{1}});
  EXPECT_EQ(Load().coordinator_id, "second");
}

TEST_P(ClientStoreContract, ATaskKeepsWhatItsStateIsAndWillBe) {
  ClientTask task = Task(5, ClientTask::State::kFinished);
  task.base_state = 4;
  task.next_state = true;
  Commit({task, Task(6, ClientTask::State::kTaken)});
  EXPECT_THAT(Load().tasks, ElementsAre(task, Task(6, ClientTask::State::kTaken)));
}

TEST_P(ClientStoreContract, ARunHasOneStateTheLast) {
  EXPECT_THAT(Load().states, IsEmpty());
  const SiteState other = {"a-1", 9, 70};
  Commit({SiteState{"icu-1", 3, 12}, other, Task(12, ClientTask::State::kSubmitted)});
  Commit({SiteState{"icu-1", 4, 13}, RemoveClientTask{12}});
  EXPECT_THAT(Load().states, ElementsAre(other, SiteState{"icu-1", 4, 13}));
  Commit({RemoveSiteState{"icu-1"}, RemoveSiteState{"unknown"}});
  EXPECT_THAT(Load().states, ElementsAre(other));
}

TEST_P(ClientStoreContract, NoRecordsAreNoChange) {
  Commit({CoordinatorId{"first"}});
  Commit({});
  EXPECT_EQ(Load().coordinator_id, "first");
}

}  // namespace
}  // namespace skerry::storage

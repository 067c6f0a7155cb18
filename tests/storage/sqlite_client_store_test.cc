#include "storage/sqlite_client_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/raw_sql.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Fails;
using ::testing::HasSubstr;

TEST(SqliteClientStoreTest, TasksAndCoordinatorSurviveTheProcess) {
  const testing::TempDir directory;
  const ClientTask task = {7, ClientTask::State::kFinished, std::string("\0t", 2), "header",
                           std::string("\0b", 2)};
  {
    ASSERT_OK_AND_ASSIGN(const auto store, SqliteClientStore::Open(directory.File("client.db")));
    ASSERT_OK(store->Commit({task, CoordinatorId{"abc"}}));
  }
  ASSERT_OK_AND_ASSIGN(const auto store, SqliteClientStore::Open(directory.File("client.db")));
  ASSERT_OK_AND_ASSIGN(const ClientSnapshot snapshot, store->Load());
  EXPECT_EQ(snapshot.coordinator_id, "abc");
  EXPECT_THAT(snapshot.tasks, ElementsAre(task));
}

TEST(SqliteClientStoreTest, AnUnknownStateIsDamageThatNamesTheTask) {
  const testing::TempDir directory;
  const std::string path = directory.File("client.db");
  ASSERT_OK_AND_ASSIGN(const auto store, SqliteClientStore::Open(path));
  ASSERT_OK(store->Commit({ClientTask{7, ClientTask::State::kTaken, "", "", ""}}));
  QueryFile(path, "UPDATE task SET state = 'mislaid'");
  EXPECT_THAT(store->Load(), Fails(Code::kDataLoss, AllOf(HasSubstr(path), HasSubstr("task 7"),
                                                          HasSubstr("\"mislaid\""))));
}

}  // namespace
}  // namespace skerry::storage

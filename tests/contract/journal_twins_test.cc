#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/random.h"
#include "contract/sample_records.h"
#include "storage/memory_journal.h"
#include "storage/sqlite_journal.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::storage {
namespace {

constexpr int64_t kRounds = 6;

std::string Pick(RandomStream& random, const char* prefix, uint64_t bound) {
  return prefix + std::to_string(random.Below(bound));
}

int64_t PickInteger(RandomStream& random, int64_t bound) {
  return static_cast<int64_t>(random.Below(static_cast<uint64_t>(bound)));
}

TaskRecord RandomTask(RandomStream& random) {
  TaskRecord task = SampleTask(PickInteger(random, 40), Pick(random, "run-", 3),
                               PickInteger(random, kRounds), Pick(random, "site-", 4));
  task.attempt = PickInteger(random, 2);
  task.state = static_cast<TaskState>(random.Below(6));
  task.outcome = static_cast<Outcome>(random.Below(3));
  task.outcome_confirmed = random.Below(2) == 0;
  return task;
}

EventRecord RandomEvent(RandomStream& random) {
  EventRecord event = SampleEvent(Pick(random, "run-", 3), Pick(random, "message ", 1000));
  event.round = PickInteger(random, kRounds) - 1;
  if (random.Below(4) != 0) event.code = kRoundCommitted;
  return event;
}

Record RandomRecord(RandomStream& random) {
  switch (random.Below(6)) {
    case 0: {
      RunRecord run = SampleRun(Pick(random, "run-", 3), PickInteger(random, 3));
      run.state = static_cast<RunState>(random.Below(7));
      return run;
    }
    case 1: {
      RoundRecord round = SampleRound(Pick(random, "run-", 3), PickInteger(random, kRounds),
                                      PickInteger(random, 3));
      round.model_version = PickInteger(random, 1000);
      return round;
    }
    case 2: {
      SiteRecord site = SampleSite(Pick(random, "site-", 4));
      site.epoch = random.Next64();
      return site;
    }
    case 3:
      if (random.Below(4) == 0) {
        RemoveHistory removal{Pick(random, "run-", 4),
                              {PickInteger(random, kRounds), PickInteger(random, kRounds)}};
        if (random.Below(2) == 0) removal.before = PickInteger(random, kRounds);
        return removal;
      }
      return RandomEvent(random);
    default:
      return RandomTask(random);
  }
}

void ExpectEqualAnswers(JournalReader& a, JournalReader& b, RandomStream& random) {
  EXPECT_EQ(a.Runs().value(), b.Runs().value());
  EXPECT_EQ(a.Sites().value(), b.Sites().value());
  EXPECT_EQ(a.UnconfirmedOutcomes().value(), b.UnconfirmedOutcomes().value());
  EXPECT_EQ(a.LargestTaskId().value(), b.LargestTaskId().value());
  const std::string run = Pick(random, "run-", 4);
  const int64_t first = PickInteger(random, kRounds);
  const int64_t last = PickInteger(random, kRounds);
  EXPECT_EQ(a.Rounds(run, first, last).value(), b.Rounds(run, first, last).value());
  EXPECT_EQ(a.Tasks(run, first, last).value(), b.Tasks(run, first, last).value());
  const int64_t limit = PickInteger(random, 30);
  EXPECT_EQ(a.Events(run, limit).value(), b.Events(run, limit).value());
  EXPECT_EQ(a.Events("", limit).value(), b.Events("", limit).value());
}

TEST(JournalTwinsTest, EqualHistoriesGiveEqualAnswers) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, Purpose::kFault, 0, "twins", 0);
    const testing::TempDir directory;
    const std::string path = directory.File("journal.db");
    MemoryJournal memory("coordinator");
    ASSERT_OK_AND_ASSIGN(const auto sqlite, SqliteJournal::Open(path));
    ASSERT_OK_AND_ASSIGN(const auto reader, SqliteJournalReader::Open(path));
    for (int commit = 0; commit < 25; ++commit) {
      WriteBatch batch;
      const uint64_t num_records = random.Below(12);
      for (uint64_t i = 0; i < num_records; ++i) batch.push_back(RandomRecord(random));
      ASSERT_OK(memory.Commit(batch));
      ASSERT_OK(sqlite->Commit(batch));
      ExpectEqualAnswers(memory, *reader, random);
    }
  }
}

}  // namespace
}  // namespace skerry::storage

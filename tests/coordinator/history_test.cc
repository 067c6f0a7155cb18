#include "coordinator/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "testing/status_matchers.h"

namespace skerry::coordinator {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

storage::RoundRecord RoundOf(int64_t round, const char* phase, int64_t attempt = 1) {
  storage::RoundRecord record;
  record.run_id = "icu-1";
  record.round = round;
  record.attempt = attempt;
  record.kind = "train";
  record.phase = phase;
  record.model_version = round;
  return record;
}

storage::TaskRecord TaskOf(int64_t round, const char* site, storage::Outcome outcome) {
  storage::TaskRecord task;
  task.run_id = "icu-1";
  task.round = round;
  task.site = site;
  task.num_examples = 12;
  task.outcome = outcome;
  return task;
}

storage::RunRecord RunOf() {
  storage::RunRecord run;
  run.run_id = "icu-1";
  run.sites = {"north", "south"};
  run.state = storage::RunState::kCompleted;
  return run;
}

TEST(HistoryTest, ItsTextIsWhatTheJsonLibraryWouldWrite) {
  using storage::Outcome;
  storage::TaskRecord odd = TaskOf(2, "od\"d \"counted\": []", Outcome::kCounted);
  odd.base_version = 1;
  const std::string json = HistoryToJson(
      RunOf(), {RoundOf(1, "committed"), RoundOf(2, "committed"), RoundOf(3, "committed")},
      {TaskOf(1, "north", Outcome::kCounted), TaskOf(1, "south", Outcome::kCounted), odd,
       TaskOf(3, "south", Outcome::kDiscarded)});
  EXPECT_EQ(json, nlohmann::ordered_json::parse(json).dump(1) + "\n");
  EXPECT_EQ(nlohmann::json::parse(json)["rounds"][1]["counted"][0]["site"], odd.site);
}

TEST(HistoryTest, WhatIsExportedIsReadBackAsWhoWasCountedInWhichRound) {
  using storage::Outcome;
  const std::string json =
      HistoryToJson(RunOf(),
                    {RoundOf(1, "abandoned"), RoundOf(1, "committed", 2), RoundOf(2, "committed"),
                     RoundOf(4, "training")},
                    {TaskOf(1, "north", Outcome::kCounted), TaskOf(1, "south", Outcome::kDiscarded),
                     TaskOf(2, "north", Outcome::kCounted), TaskOf(2, "south", Outcome::kCounted),
                     TaskOf(4, "north", Outcome::kNone)});
  EXPECT_THAT(json, AllOf(HasSubstr("\"run\": \"icu-1\""), HasSubstr("\"num_examples\": 12"),
                          HasSubstr("\"content_hash\""), HasSubstr("\"model_hash\"")));
  EXPECT_EQ(OtherRunFile(json, ""), "") << "the run's own, which is empty here";
  EXPECT_THAT(OtherRunFile(json, "[run]"),
              HasSubstr("that of run icu-1, which had another run file"));
  ASSERT_OK_AND_ASSIGN(const Participants participants, ParseHistory(json, "h.json"));
  EXPECT_THAT(participants,
              ElementsAre(Pair(1, ElementsAre(Participant{"north"})),
                          Pair(2, ElementsAre(Participant{"north"}, Participant{"south"}))));
}

TEST(HistoryTest, TheVersionThatARunBeginsWithIsNoRoundOfIt) {
  storage::RoundRecord initial = RoundOf(0, "committed");
  initial.kind = "initialize";
  ASSERT_OK_AND_ASSIGN(const Participants participants,
                       ParseHistory(HistoryToJson(RunOf(), {initial}, {}), "h.json"));
  EXPECT_THAT(participants, IsEmpty());
}

TEST(HistoryTest, ParticipantsAreInTheOrderOfTheirNamesWhateverTheFileSays) {
  ASSERT_OK_AND_ASSIGN(const Participants participants,
                       ParseHistory(R"({"format": "skerry history 1", "rounds": [
                   {"round": 5, "counted": [{"site": "b"}, {"site": "a"}]}]})",
                                    "h.json"));
  EXPECT_THAT(participants, ElementsAre(Pair(5, ElementsAre(Participant{"a"}, Participant{"b"}))));
}

TEST(HistoryTest, AMalformedHistoryIsRefusedWithItsFileAndWhatIsWrong) {
  const auto refused = [](const std::string& json, const char* what) {
    EXPECT_THAT(ParseHistory(json, "h.json"),
                Fails(Code::kInvalidArgument,
                      AllOf(HasSubstr("h.json: "), HasSubstr(what), HasSubstr("export-history"))))
        << json;
  };
  refused("", "this is no JSON");
  refused("round,site\n1,north\n", "this is no JSON");
  refused("{\"format\": \"skerry history 1\", \"rounds\": [", "this is no JSON");
  for (const char* json : {"[]", "7", "null", "{}", R"({"format": "skerry history 2"})",
                           R"({"format": 1})", R"({"format": null})", R"({"format": {}})"}) {
    refused(json, "\"format\" is not \"skerry history 1\"");
  }
  const auto with_rounds = [](const std::string& rounds) {
    return R"({"format": "skerry history 1", "rounds": )" + rounds + "}";
  };
  refused(R"({"format": "skerry history 1"})", "it has no rounds");
  refused(with_rounds("{}"), "it has no rounds");
  for (const char* rounds :
       {"[1]", "[{}]", R"([{"round": 1}])", R"([{"round": "1", "counted": []}])",
        R"([{"round": 1.5, "counted": []}])", R"([{"round": 1, "counted": {}}])",
        R"([{"round": -1, "counted": []}])",
        R"([{"round": 18446744073709551615, "counted": []}])"}) {
    refused(with_rounds(rounds), "a round lacks its number or its participants");
  }
  for (const char* counted : {"[1]", "[{}]", R"([{"site": 3}])", R"(["north"])"}) {
    refused(with_rounds(R"([{"round": 1, "counted": )" + std::string(counted) + "}]"),
            "a participant has no site");
  }
  refused(with_rounds(R"([{"round": 1, "counted": [{"site": "a"}]}, {"round": 1, "counted": []}])"),
          "round 1 is there twice");
  refused(with_rounds(R"([{"round": 3, "counted": []}])"), "round 3 counts nobody");
  refused(with_rounds(R"([{"round": 4, "counted": [{"site": "a"}, {"site": "a"}]}])"),
          "round 4 counts site \"a\" twice");
}

}  // namespace
}  // namespace skerry::coordinator

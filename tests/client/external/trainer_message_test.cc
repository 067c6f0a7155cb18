#include "client/external/trainer_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TrainerMessageTest, ReadsEveryKindOfMessage) {
  const auto progress = ParseTrainerMessage(R"({"type":"progress","done":3,"total":10})");
  ASSERT_OK(progress);
  EXPECT_EQ(std::get<TrainerProgress>(*progress).done, 3);
  const auto failure = ParseTrainerMessage(R"({"type":"error","message":"no"})");
  ASSERT_OK(failure);
  EXPECT_EQ(std::get<TrainerFailure>(*failure).message, "no");
  const auto done = ParseTrainerMessage(
      R"( {"type":"done","num_examples":7,"train_loss":0.5,
           "evaluation":{"test":{"num_examples":2,"loss":1,"accuracy":1.5}}} )");
  ASSERT_OK(done);
  const auto& values = std::get<TrainerDone>(*done);
  EXPECT_EQ(values.num_examples, 7);
  EXPECT_EQ(values.train_loss, 0.5);
  EXPECT_EQ(values.scores.at("test").num_examples, 2);
  EXPECT_EQ(values.scores.at("test").sums.at("accuracy"), 1.5);
}

struct Bad {
  const char* line;
  const char* why;
};

class BadTrainerMessage : public ::testing::TestWithParam<Bad> {};

TEST_P(BadTrainerMessage, IsRefusedWithoutRepeatingIt) {
  const auto message = ParseTrainerMessage(GetParam().line);
  EXPECT_THAT(message, testing::Fails(Code::kInvalidArgument, HasSubstr(GetParam().why)));
  EXPECT_THAT(message.status().ToString(), Not(HasSubstr("secret")));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadTrainerMessage,
    ::testing::Values(
        Bad{"", "no JSON"}, Bad{"secret", "no JSON"}, Bad{"[1]", "no JSON object"},
        Bad{R"({"secret":1})", "no \"type\""}, Bad{R"({"type":3})", "no \"type\""},
        Bad{R"({"type":"secret"})", "none of"},
        Bad{R"({"type":"done","secret":1})", "does not know"},
        Bad{R"({"type":"done","num_examples":-1})", "\"num_examples\" that is not"},
        Bad{R"({"type":"done","num_examples":1.5})", "\"num_examples\" that is not"},
        Bad{R"({"type":"done","num_examples":18446744073709551615})", "\"num_examples\" that"},
        Bad{R"({"type":"done","train_loss":"secret"})", "\"train_loss\" that is not"},
        Bad{R"({"type":"done","train_loss":1e999})", ""},
        Bad{R"({"type":"done","train_loss":NaN})", "no JSON"},
        Bad{R"({"type":"done","evaluation":{"test":{"loss":1}}})", "no num_examples"},
        Bad{R"({"type":"done","evaluation":{"secret":3}})", "no object"},
        Bad{R"({"type":"done","evaluation":{"t":{"num_examples":1,"x":"secret"}}})", "no finite"},
        Bad{R"({"type":"progress","done":2})", "no \"total\""},
        Bad{R"({"type":"progress","done":2,"total":1})", "more is done"},
        Bad{R"({"type":"error"})", "no \"message\""}));

TEST(TrainerMessageTest, ATaskSaysWhereImagesAndLabelsAre) {
  const v1::RunSpec spec;
  const v1::Task task;
  const auto layout = learning::Layout::Create({{"w", learning::DType::kF32, {1}}}).value();
  DataSource source;
  source.idx.images = "/srv/images";
  source.idx.labels = "/srv/labels";
  source.idx.divisor = 255;
  TrainerTask order;
  order.spec = &spec;
  order.task = &task;
  order.tensors = &layout;
  order.source = &source;
  auto said = nlohmann::json::parse(ToLine(order)).at("source");
  EXPECT_EQ(said.at("idx_images"), "/srv/images");
  EXPECT_EQ(said.at("idx_labels"), "/srv/labels");
  EXPECT_EQ(said.at("divisor"), 255);
  EXPECT_FALSE(said.contains("parts") || said.contains("csv"));
  source.idx.parts = "/srv/parts";
  source.idx.part = 3;
  said = nlohmann::json::parse(ToLine(order)).at("source");
  EXPECT_EQ(said.at("parts"), "/srv/parts");
  EXPECT_EQ(said.at("part"), 3);
}

TEST(TrainerMessageTest, ATaskIsOneLineThatNamesAllThatThereIs) {
  v1::RunSpec spec;
  spec.set_seed(7);
  spec.mutable_data()->add_features("age\n");
  (*spec.mutable_model()->mutable_external()->mutable_settings())["depth"] = "3";
  v1::Task task;
  task.set_round(4);
  task.set_learning_rate(0.25);
  const auto layout = learning::Layout::Create({{"w", learning::DType::kF32, {2, 3}}}).value();
  DataSource source;
  source.name = "icu";
  source.csv = "/srv/icu.csv";
  source.rename["age"] = "Alter";
  TrainerTask order;
  order.what = "train";
  order.site = "north";
  order.spec = &spec;
  order.task = &task;
  order.tensors = &layout;
  order.model = "/m";
  order.source = &source;
  const std::string line = ToLine(order);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("protocol"), 1);
  EXPECT_EQ(json.at("task"), "train");
  EXPECT_EQ(json.at("model"), "/m");
  EXPECT_EQ(json.at("round"), 4);
  EXPECT_EQ(json.at("training").at("learning_rate"), 0.25);
  EXPECT_EQ(json.at("tensors").dump(), R"([{"dtype":"F32","name":"w","shape":[2,3]}])");
  EXPECT_EQ(json.at("source").at("csv"), "/srv/icu.csv");
  EXPECT_EQ(json.at("source").at("rename").at("age"), "Alter");
  EXPECT_EQ(json.at("settings").at("depth"), "3");
  EXPECT_EQ(json.at("data").at("inputs").dump(), R"(["age\n"])");
  EXPECT_FALSE(json.contains("output"));
}

}  // namespace
}  // namespace skerry::client

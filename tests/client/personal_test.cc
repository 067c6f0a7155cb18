#include "client/personal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes_file.h"
#include "learning/heart.h"
#include "learning/heart_cases.h"
#include "learning/small_federation.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using learning::HeartData;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The run of another program, to nine digits: each site's own model steps towards the model that
// the round began with.
TEST(PersonalTest, DittoGivesTheSitesOwnModelsOfTheOtherProgram) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  const HeartData data;
  const nlohmann::json golden =
      learning::GoldenFile("golden_algos/heart_fullbatch.json").at("results").at("Ditto");
  v1::PersonalSpec spec;
  spec.set_kind("ditto");
  spec.set_lambda(0.5);
  const v1::TrainingSpec training = learning::HeartCases().front().spec;
  learning::SmallFederation federation(
      training, {&data.train(0), &data.train(1), &data.train(2), &data.train(3)});
  const auto options = learning::ReadLocalTraining(training).value();
  std::vector<KeptVectors<double>> kept(HeartData::kCenters);
  for (int64_t round = 1; round <= 20; ++round) {
    const std::vector<double> received = federation.parameters;
    for (std::size_t k = 0; k < kept.size(); ++k) {
      ASSERT_OK(TrainDitto<double>(spec, {federation.model(), data.train(k), options}, received,
                                   kept[k], {}, nullptr));
    }
    federation.RunRound(round);
  }
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const std::vector<double>& own = kept[k].vectors().at(kPersonalModel);
    const auto expected = golden.at("personal").at(k).get<std::vector<double>>();
    for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(own[i], expected.at(i), 1e-9);
    EXPECT_EQ(learning::HeartAccuracy(own, data.test(k)),
              golden.at("own_test_acc").at(k).get<double>());
  }
}

TEST(KeptVectorsTest, AreReadAsTheyWereWritten) {
  WorkOrder order;
  order.next_state = std::make_shared<BytesFile>();
  WorkDone done;
  KeptVectors<double> kept;
  kept.Put({{"a", {1, 2}}, {"b", {3, 4}}});
  ASSERT_OK(kept.Write(order, done));
  EXPECT_TRUE(done.has_next_state);
  order.site_state = order.next_state;
  ASSERT_OK_AND_ASSIGN(const auto read, KeptVectors<double>::Read(order, {"b", "a"}, 2, done));
  EXPECT_THAT(read.vectors().at("a"), ElementsAre(1, 2));
  EXPECT_THAT(read.vectors().at("b"), ElementsAre(3, 4));
  EXPECT_TRUE(done.remarks.empty());
}

TEST(KeptVectorsTest, WhatCannotBeReadIsNoneAndTheSiteIsTold) {
  WorkOrder order;
  order.next_state = std::make_shared<BytesFile>();
  WorkDone done;
  KeptVectors<float> kept;
  kept.Put({{"a", {1, 2}}});
  ASSERT_OK(kept.Write(order, done));
  order.site_state = order.next_state;
  ASSERT_OK_AND_ASSIGN(const auto read, KeptVectors<float>::Read(order, {"b"}, 2, done));
  EXPECT_TRUE(read.vectors().empty());
  EXPECT_THAT(done.remarks, ElementsAre(HasSubstr("beginning without its \"b\"")));
  ASSERT_OK_AND_ASSIGN(const auto longer, KeptVectors<float>::Read(order, {"a"}, 3, done));
  EXPECT_TRUE(longer.vectors().empty());
}

}  // namespace
}  // namespace skerry::client

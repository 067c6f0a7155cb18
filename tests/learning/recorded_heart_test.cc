// FLamby's own runs of the heart disease data: with the initial parameters and the order of rows
// that were recorded there, every accuracy is the same, and the parameters to five digits.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "learning/heart.h"
#include "learning/small_federation.h"

namespace skerry::learning {
namespace {

class RecordedOrder final : public RowOrder {
 public:
  explicit RecordedOrder(std::vector<uint32_t> rows) : rows_(std::move(rows)) {}

  // The record ends within an epoch: the rows after it have no turn.
  void Fill(int64_t epoch, std::span<uint32_t> rows) const override {
    const std::size_t first = static_cast<std::size_t>(epoch) * rows.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = first + i < rows_.size() ? rows_[first + i] : 0;
    }
  }

 private:
  const std::vector<uint32_t> rows_;
};

v1::TrainingSpec Spec(const std::string& strategy, const nlohmann::json& hp) {
  v1::TrainingSpec spec;
  spec.set_strategy(strategy);
  spec.set_batch_size(4);
  spec.set_local_steps(100);
  spec.set_learning_rate(hp.at("learning_rate"));
  if (hp.contains("mu")) spec.set_proximal_mu(hp.at("mu"));
  v1::ServerSpec& server = *spec.mutable_server();
  if (hp.contains("server_learning_rate")) server.set_learning_rate(hp.at("server_learning_rate"));
  if (!hp.contains("tau")) return spec;
  server.set_beta1(hp.at("beta1"));
  server.set_beta2(hp.at("beta2"));
  server.set_tau(hp.at("tau"));
  return spec;
}

void Replay(const nlohmann::json& record, const std::string& name, const std::string& strategy) {
  static const HeartData data;
  SCOPED_TRACE(name);
  const nlohmann::json& expected = record.at("runs").at(name);
  SmallFederation federation(Spec(strategy, expected.at("hp")),
                             {&data.train(0), &data.train(1), &data.train(2), &data.train(3)});
  std::vector<std::unique_ptr<RecordedOrder>> orders;
  for (std::size_t k = 0; k < HeartData::kCenters; ++k) {
    orders.push_back(std::make_unique<RecordedOrder>(record.at("schedule")
                                                         .at("federated")
                                                         .at("client" + std::to_string(k))
                                                         .get<std::vector<uint32_t>>()));
  }
  federation.SetOrder({orders[0].get(), orders[1].get(), orders[2].get(), orders[3].get()});
  federation.parameters = record.at("init").at("w").get<std::vector<double>>();
  federation.parameters.push_back(record.at("init").at("b"));
  federation.Run(record.at("nrounds"));

  auto parameters = expected.at("w").get<std::vector<double>>();
  parameters.push_back(expected.at("b"));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_NEAR(federation.parameters[i], parameters[i], 1e-5) << "element " << i;
  }
  for (std::size_t k = 0; k < HeartData::kCenters; ++k) {
    EXPECT_EQ(HeartAccuracy(federation.parameters, data.test(k)),
              expected.at("acc").at(k).get<double>())
        << "centre " << k;
  }
  EXPECT_EQ(HeartAccuracy(federation.parameters, data.pooled_test()),
            expected.at("acc_pooled_test").get<double>());
}

// Whatever seeds have been recorded.
TEST(RecordedHeartTest, EveryAccuracyIsFlambys) {
  if (HeartData::Folder().empty()) GTEST_SKIP() << "SKERRY_DATA is not set";
  int records = 0;
  const std::string folder = "flamby_fed_heart_disease/";
  for (const auto& file : std::filesystem::directory_iterator(HeartData::Folder() + "/" + folder)) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with("golden_seed")) continue;
    SCOPED_TRACE(name);
    ++records;
    const nlohmann::json record = GoldenFile(folder + name);
    Replay(record, "FedAvg", "fedavg");
    Replay(record, "FedProx", "fedprox");
    Replay(record, "Scaffold", "scaffold");
    Replay(record, "FedAdagrad", "fedadagrad");
    Replay(record, "FedAdam", "fedadam");
    Replay(record, "FedYogi", "fedyogi");
  }
  EXPECT_GT(records, 0);
}

}  // namespace
}  // namespace skerry::learning

#include "learning/heart_cases.h"

#include <algorithm>
#include <functional>

#include "learning/heart.h"

namespace skerry::learning {
namespace {

using Spec = v1::TrainingSpec;

HeartCase Case(const std::string& golden, const std::string& strategy,
               const std::function<void(Spec&)>& set = nullptr, std::vector<int64_t> steps = {}) {
  HeartCase made = {golden, {}, std::move(steps)};
  made.spec.set_strategy(strategy);
  made.spec.set_local_steps(5);
  made.spec.set_learning_rate(0.1);
  if (set) set(made.spec);
  return made;
}

void SetAdaptive(Spec& spec) {
  v1::ServerSpec& server = *spec.mutable_server();
  server.set_learning_rate(0.1);
  server.set_beta1(0.9);
  server.set_beta2(0.99);
  server.set_tau(1e-3);
}

void SetFlowers(Spec& spec) {
  SetAdaptive(spec);
  spec.mutable_server()->set_bias_correction("flower");
}

void SetMomentum(Spec& spec) { spec.mutable_server()->set_momentum(0.9); }

void SetNesterov(Spec& spec) {
  SetMomentum(spec);
  spec.mutable_server()->set_nesterov(true);
}

void SetSitesMomentum(Spec& spec) {
  spec.set_momentum(0.9);
  spec.set_learning_rate(0.02);
}

}  // namespace

std::vector<HeartCase> HeartCases() {
  const std::vector<int64_t> unequal = {2, 4, 8, 16};
  return {
      Case("FedAvg", "fedavg"),
      Case("FedAvg_heterogeneous_steps", "fedavg", nullptr, unequal),
      Case("FedProx", "fedprox", [](Spec& spec) { spec.set_proximal_mu(1.0); }),
      Case("FedAvgM", "fedavgm", SetMomentum),
      Case("FedAvgM_nesterov", "fedavgm", SetNesterov),
      Case("FedAdagrad", "fedadagrad", SetAdaptive),
      Case("FedAdam", "fedadam", SetAdaptive),
      Case("FedAdam_flower_biascorrected", "fedadam", SetFlowers),
      Case("FedYogi", "fedyogi", SetAdaptive),
      Case("SCAFFOLD_optionII_uniform", "scaffold",
           [](Spec& spec) { spec.set_weighting("uniform"); }),
      Case("SCAFFOLD_optionII_weighted", "scaffold"),
      Case("FedNova_mom0", "fednova", nullptr, unequal),
      Case("FedNova_mom0.9", "fednova", SetSitesMomentum, unequal),
      Case("FedDyn_uniform", "feddyn", [](Spec& spec) { spec.set_alpha(0.1); }),
      Case("qFedAvg_q0", "qfedavg", [](Spec& spec) { spec.set_q(0.0); }),
      Case("qFedAvg_q1", "qfedavg", [](Spec& spec) { spec.set_q(1.0); }),
  };
}

std::vector<SmallFederation::Arrival> HeartAsyncCase::ArrivalsOf(int64_t version) const {
  std::vector<SmallFederation::Arrival> arrivals;
  for (int64_t t = version * buffer; t < (version + 1) * buffer; ++t) {
    arrivals.push_back({static_cast<std::size_t>(t % 4), std::max<int64_t>(0, version - t % 4)});
  }
  return arrivals;
}

std::vector<HeartAsyncCase> HeartAsyncCases() {
  const auto set_async = [](Spec& spec) {
    spec.mutable_server()->set_learning_rate(1.0);
    spec.mutable_async()->set_staleness("polynomial");
    spec.mutable_async()->set_a(0.5);
  };
  HeartCase buff = Case("FedBuff_K3", "fedbuff", set_async);
  HeartCase mixed = Case("FedAsync_poly", "fedasync", set_async);
  buff.spec.mutable_async()->set_buffer(3);
  mixed.spec.set_proximal_mu(0.005);
  mixed.spec.mutable_async()->set_mixing(0.6);
  return {{buff.golden, buff.spec, 20, 3}, {mixed.golden, mixed.spec, 40, 1}};
}

std::vector<std::pair<std::string, std::string>> RecordedStrategies() {
  return {{"FedAvg", "fedavg"},         {"FedProx", "fedprox"}, {"Scaffold", "scaffold"},
          {"FedAdagrad", "fedadagrad"}, {"FedAdam", "fedadam"}, {"FedYogi", "fedyogi"}};
}

v1::TrainingSpec RecordedSpec(const std::string& strategy, const nlohmann::json& hp) {
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

void RecordedOrder::Fill(int64_t epoch, std::span<uint32_t> rows) const {
  const std::size_t first = static_cast<std::size_t>(epoch) * rows.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = first + i < rows_.size() ? rows_[first + i] : 0;
  }
}

std::vector<RecordedOrder> RecordedOrders(const nlohmann::json& record) {
  std::vector<RecordedOrder> orders;
  const nlohmann::json& schedule = record.at("schedule").at("federated");
  for (std::size_t k = 0; k < HeartData::kCenters; ++k) {
    orders.emplace_back(schedule.at("client" + std::to_string(k)).get<std::vector<uint32_t>>());
  }
  return orders;
}

}  // namespace skerry::learning

#include "coordinator/plan_strategy.h"

#include <array>
#include <optional>
#include <string>

#include "coordinator/plan_keys.h"

namespace skerry::coordinator {
namespace {

// A strategy that only somebody else's program knows has no settings here.
bool IsOneOf(const std::string& strategy, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (strategy == name) return true;
  }
  return false;
}

// The values of FedOpt's paper, section 5 and appendix D.
void ReadAdaptive(TomlReader& toml, const std::string& strategy, v1::ServerSpec& server) {
  const bool adagrad = strategy == "fedadagrad";
  server.set_learning_rate(ReadPositive(toml, "training.server.learning_rate", std::nullopt));
  server.set_beta1(ReadShare(toml, "training.server.beta1", adagrad ? 0.0 : 0.9));
  if (!adagrad) server.set_beta2(ReadShare(toml, "training.server.beta2", 0.99));
  server.set_tau(ReadPositive(toml, "training.server.tau", 1e-3));
  constexpr const char* kInitialV = "training.server.initial_v";
  server.set_initial_v(toml.Number(kInitialV, server.tau() * server.tau()));
  CheckAtLeast(toml, kInitialV, server.initial_v(), 0);
  if (adagrad) return;
  constexpr std::array kCorrections = {"none", "standard", "flower"};
  constexpr const char* kCorrection = "training.server.bias_correction";
  const std::string correction = toml.String(kCorrection, "none");
  if (Choose(toml, kCorrection, correction, kCorrections) > 0) {
    server.set_bias_correction(correction);
  }
}

void ReadServer(TomlReader& toml, v1::TrainingSpec& training) {
  const std::string& strategy = training.strategy();
  v1::ServerSpec server;
  if (strategy == "fedavgm") {
    server.set_learning_rate(ReadPositive(toml, "training.server.learning_rate", 1.0));
    server.set_momentum(ReadShare(toml, "training.server.momentum", 0.9));
    server.set_nesterov(toml.Boolean("training.server.nesterov", false));
  } else if (IsOneOf(strategy, {"fedadagrad", "fedadam", "fedyogi"})) {
    ReadAdaptive(toml, strategy, server);
  } else if (IsOneOf(strategy, {"scaffold", "fednova", "fedbuff"})) {
    server.set_learning_rate(ReadPositive(toml, "training.server.learning_rate", 1.0));
  } else {
    return;
  }
  *training.mutable_server() = server;
}

void ReadPersonal(TomlReader& toml, v1::TrainingSpec& training) {
  constexpr const char* kKind = "training.personal.kind";
  if (!toml.Has("training.personal")) return;
  constexpr std::array kKinds = {"ditto", "fine_tuning"};
  v1::PersonalSpec& personal = *training.mutable_personal();
  personal.set_kind(toml.String(kKind));
  Choose(toml, kKind, personal.kind(), kKinds);
  if (personal.kind() == "ditto") {
    personal.set_lambda(ReadPositive(toml, "training.personal.lambda", std::nullopt));
  }
  if (personal.kind() == "fine_tuning") {
    personal.set_steps(toml.Integer("training.personal.steps"));
    CheckAtLeast(toml, "training.personal.steps", static_cast<double>(personal.steps()), 1);
  }
  personal.set_learning_rate(ReadPositive(toml, "training.personal.learning_rate", 0.0));
}

}  // namespace

void ReadStrategy(TomlReader& toml, v1::TrainingSpec& training) {
  const std::string& strategy = training.strategy();
  if (strategy == "fedprox") {
    training.set_proximal_mu(ReadPositive(toml, "training.proximal_mu", std::nullopt));
  }
  if (IsOneOf(strategy, {"fednova", "fedasync"})) {
    training.set_proximal_mu(ReadPositive(toml, "training.proximal_mu", 0.0));
  }
  if (strategy == "feddyn") {
    training.set_alpha(ReadPositive(toml, "training.alpha", std::nullopt));
  }
  if (strategy == "qfedavg") {
    training.set_q(toml.Number("training.q"));
    CheckAtLeast(toml, "training.q", training.q(), 0);
  }
  if (IsOneOf(strategy, {"fedavg", "fedprox", "fedavgm", "fedadagrad", "fedadam", "fedyogi",
                         "scaffold", "fednova"})) {
    constexpr std::array kWeightings = {"examples", "uniform"};
    const std::string weighting = toml.String("training.weighting", "examples");
    if (Choose(toml, "training.weighting", weighting, kWeightings) == 1) {
      training.set_weighting(weighting);
    }
  }
  ReadServer(toml, training);
  ReadPersonal(toml, training);
}

}  // namespace skerry::coordinator

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// Vectors as long as the parameters, by name.
template <class T>
using Vectors = std::map<std::string, std::vector<T>>;

// What a site's training begins with.
template <class T>
struct LocalBeginning {
  std::span<const T> parameters;  // as received; outlives Begin()
  Vectors<T> sent;  // the strategy's state vectors that come with the model: those of Sent()
  Vectors<T> kept;  // what the site kept of the run: those of Kept(), or nothing when there is none
  double initial_loss =
      0;  // of the parameters over the site's training rows, if NeedsInitialLoss()
};

// What a site's training ends with, besides the parameters.
template <class T>
struct LocalEnd {
  Vectors<T> sections;                    // of the update, beside "update"
  Vectors<T> kept;                        // for the next task that the site gets
  std::map<std::string, double> scalars;  // that go with the update
};

// The site's side of a training algorithm: what it adds to the gradient, what it keeps, what it
// tells the coordinator. One object is of one task; T: float or double. Not thread-safe.
template <class T>
class LocalAlgorithm {
 public:
  virtual ~LocalAlgorithm() = default;
  virtual std::vector<std::string> Sent() const { return {}; }
  virtual std::vector<std::string> Kept() const { return {}; }
  virtual bool NeedsInitialLoss() const { return false; }
  virtual void Begin(LocalBeginning<T> /*beginning*/) {}
  // Before each step: adds to the gradient of the loss at `parameters`.
  virtual void AddToGradient(std::span<const T> /*parameters*/, std::span<T> /*gradient*/) const {}
  // After the last step. `delta`: the parameters minus those received.
  virtual void End(std::span<const T> /*delta*/, int64_t /*num_steps*/, double /*learning_rate*/,
                   LocalEnd<T>& /*end*/) {}
};

// The site's side of the strategy that `spec` names; one that adds nothing for strategies that have
// none, also for those that only a coordinator knows.
template <class T>
std::unique_ptr<LocalAlgorithm<T>> MakeLocalAlgorithm(const v1::TrainingSpec& spec);

}  // namespace skerry::learning

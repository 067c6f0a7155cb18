#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "client/result_writer.h"
#include "client/task_runner.h"
#include "learning/local_training.h"

namespace skerry::client {

// What a site keeps of a run, from task to task: vectors as long as the parameters, by name. T:
// float or double.
template <class T>
class KeptVectors {
 public:
  // What the site has of those names. One that cannot be read is none, and a remark says so.
  // INVALID_ARGUMENT: some are asked for, and the task keeps no state of its site.
  static Result<KeptVectors> Read(const WorkOrder& order, const std::vector<std::string>& names,
                                  std::size_t size, WorkDone& done);

  const learning::Vectors<T>& vectors() const { return vectors_; }
  void Put(learning::Vectors<T> vectors) {
    for (auto& [name, values] : vectors) vectors_[name] = std::move(values);
  }
  // Proposes them as the state that the next task begins with. Nothing to do when there are none.
  Status Write(const WorkOrder& order, WorkDone& done) const;

 private:
  learning::Vectors<T> vectors_;
};

// The site's side of a run's strategy, around one training.
template <class T>
class SiteAlgorithm {
 public:
  explicit SiteAlgorithm(const v1::TrainingSpec& spec)
      : algorithm_(learning::MakeLocalAlgorithm<T>(spec)) {}

  std::vector<std::string> Kept() const { return algorithm_->Kept(); }
  // `parameters` as received.
  Status Begin(const WorkOrder& order, const learning::BasicModel<T>& model,
               const learning::BasicDataset<T>& rows, std::span<const T> parameters,
               const KeptVectors<T>& kept);
  const learning::LocalAlgorithm<T>& algorithm() const { return *algorithm_; }
  // `delta`: trained parameters minus those received. Writes what goes with the update.
  Status End(std::span<const T> delta, const learning::LocalTrainingResult& trained,
             double learning_rate, KeptVectors<T>& kept, ResultWriter& writer, WorkDone& done);

 private:
  std::unique_ptr<learning::LocalAlgorithm<T>> algorithm_;
};

}  // namespace skerry::client

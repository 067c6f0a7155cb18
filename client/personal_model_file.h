#pragma once

#include <span>
#include <string>

#include "base/status.h"
#include "client/task_runner.h"
#include "learning/layout.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// Whether a site has a model of its own at the end of such a run: training.personal or
// model.local_tensors.
bool HasPersonalModel(const v1::RunSpec& spec);

// Writes the site's own model into the order's empty personal_model, as a file that describes
// itself (described_model.h) and is whole whatever model.local_tensors says. Inputs are prepared as
// by the order's model. `parameters`: of the whole model, [num_elements] values of T, float or
// double. RESOURCE_EXHAUSTED: the disk is full.
template <class T>
Status WritePersonalModel(const WorkOrder& order, const std::string& site,
                          const learning::Layout& parameters, std::size_t num_inputs,
                          std::span<const T> values);

}  // namespace skerry::client

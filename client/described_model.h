#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "client/model_file.h"
#include "learning/model.h"
#include "skerry/v1/task.pb.h"
#include "storage/safetensors.h"

namespace skerry::client {

// The run that a model file says it comes from.
struct ModelDescription {
  storage::SafetensorsInfo info;
  v1::RunSpec spec;
  int64_t version = 0;
};

// Reads it. DATA_LOSS: not a safetensors file. FAILED_PRECONDITION: one that does not say which run
// made it, or in words of another version of Skerry.
Result<ModelDescription> DescribeModel(const File& file);

// A model as its own file describes it, in floats: parameters that are doubles are rounded.
struct DescribedModel {
  v1::RunSpec spec;
  int64_t version = 0;
  std::unique_ptr<learning::Model> model;
  LoadedModel loaded;
};

// Reads the whole of it. Also FAILED_PRECONDITION: its tensors are not those of the model that it
// says it is (names the first that differs), or it is of a kind that this cannot compute.
Result<DescribedModel> ReadDescribedModel(const File& file);

// FAILED_PRECONDITION names the inputs and classes in which two runs differ: a model of one is no
// model of the other, even if its tensors are of the same shapes. `whose` has the second ones: "the
// run file".
Status CheckSameInputs(const v1::DataSpec& model, const v1::DataSpec& other,
                       const std::string& whose);

}  // namespace skerry::client

#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// Whether the run file is of a model that only the sites' trainers know. Before [model] is read.
bool IsForTrainers(TomlReader& toml);

// [model.external]. Mistakes are noted with TomlReader::Fail.
void ReadExternalModel(TomlReader& toml, v1::RunSpec& spec);

// Of a run without inputs: its trainers read the data, and what Skerry would do with rows means
// nothing.
void CheckTrainersData(TomlReader& toml, v1::DataSpec& data);

}  // namespace skerry::coordinator

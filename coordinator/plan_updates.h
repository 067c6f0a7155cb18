#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// The sections of the run file that say what becomes of updates. What is wrong in them is noted
// with TomlReader::Fail.

// [aggregation]; needs the strategy in `training`.
void ReadAggregation(TomlReader& toml, v1::TrainingSpec& training);
// [compression]; needs what ReadAggregation read.
void ReadCompression(TomlReader& toml, v1::RunSpec& spec);

}  // namespace skerry::coordinator

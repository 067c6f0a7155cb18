#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// What the run file of a model that sums alone fit (learning::IsFittedBySums) has in place of
// [training], [aggregation] and [compression]: run.num_rounds and the model's own table. Mistakes
// are noted with TomlReader::Fail.
void ReadSumModel(TomlReader& toml, v1::RunSpec& spec);

// Refuses such a table when the model is of another kind.
void RefuseSumTables(TomlReader& toml, const v1::ModelSpec& model);

}  // namespace skerry::coordinator

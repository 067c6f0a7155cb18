#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// [training] of a run file and run.num_rounds. Mistakes are noted with TomlReader::Fail.
void ReadTraining(TomlReader& toml, v1::RunSpec& spec);

}  // namespace skerry::coordinator

#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// [model] of a run file, after [data]: some kinds of models say what the label is. Mistakes are
// noted with TomlReader::Fail.
void ReadModel(TomlReader& toml, v1::RunSpec& spec);

}  // namespace skerry::coordinator

#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// [evaluation] of a run file, after [data] and [model]. Mistakes are noted with TomlReader::Fail.
void ReadEvaluation(TomlReader& toml, v1::RunSpec& spec);

}  // namespace skerry::coordinator

#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// [data] of a run file. Mistakes are noted with TomlReader::Fail.
void ReadData(TomlReader& toml, v1::DataSpec& data);

}  // namespace skerry::coordinator

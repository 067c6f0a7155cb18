#pragma once

#include "base/toml_reader.h"
#include "skerry/v1/task.pb.h"

namespace skerry::coordinator {

// The settings of the strategy that `training` names, [training.server] and [training.personal].
// What the strategy does not have stays unread, and so is refused.
void ReadStrategy(TomlReader& toml, v1::TrainingSpec& training);

}  // namespace skerry::coordinator

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/records.h"

namespace skerry::coordinator {

// Links a round to the one before it: base, new model, and who counted with what.
// Whoever changes a committed round in the journal breaks the chain of all later ones. `before`:
// the chain hash of the round committed before, "" for the first; `counted`: in order of site
// names.
std::string ChainHash(std::string_view before, const storage::RoundRecord& round,
                      const std::vector<const storage::TaskRecord*>& counted);

}  // namespace skerry::coordinator

#pragma once

#include <cstdint>

#include "client/native_trainer.h"

namespace skerry::bench {

// Rows that exist only while somebody reads them: `num_features` normal inputs named "x0", "x1",
// ... and a label "y" of two classes that depends on them. A function of the site's number.
client::RowReader VirtualRows(uint64_t site, int64_t num_rows, int64_t num_features);

}  // namespace skerry::bench

#pragma once

#include "storage/records.h"

namespace skerry::coordinator {

// A task's row while something may still become of the task. It is shared by the run, the site that
// shall hear of its outcome, and the batch that writes it down.
struct TaskRow {
  storage::TaskRecord record;
  bool staged = false;  // in the batch that is yet to be committed
};

}  // namespace skerry::coordinator

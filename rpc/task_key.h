#pragma once

#include <string>

#include "skerry/v1/task.pb.h"

namespace skerry::rpc {

// What a task asks for, in 32 bytes: run, round, attempt, kind, description of the run, model.
// Numbers of tasks may be given out again by a coordinator whose journal went back in time (a
// backup copied into place, a disk that lied about a sync); equal keys mean equal work, whatever
// happened.
std::string TaskKey(const v1::Task& task);

}  // namespace skerry::rpc

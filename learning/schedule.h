#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// The share of the learning rate that sites train with in `round`, 1 to num_rounds:
//   constant     1
//   step         factor^floor((round - 1) / every)
//   exponential  factor^(round - 1)
//   cosine       minimum + (1 - minimum) (1 + cos(pi t)) / 2, where t goes from 0 in the first
//   round
//                after the warm-up to 1 in the last (Loshchilov, Hutter: "SGDR", ICLR 2017, eq. 5,
//                without restarts)
// In the first warm_up rounds it is round / warm_up times that.
double ScheduledShare(const v1::ScheduleSpec& schedule, int64_t round, int64_t num_rounds);

// INVALID_ARGUMENT names the key of [training.schedule] that is wrong.
Status CheckSchedule(const v1::ScheduleSpec& schedule);
std::vector<std::string> ScheduleNames();  // "constant", "step", "cosine", "exponential"

}  // namespace skerry::learning

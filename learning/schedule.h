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
//   cosine       minimum + (1 - minimum) (1 + cos(pi t)) / 2, where t is 0 in the first round after
//                the warm-up and would be 1 in the one after the last, so that this still trains
//                (Loshchilov, Hutter: "SGDR", ICLR 2017, eq. 5, without restarts; PyTorch's
//                CosineAnnealingLR with T_max = num_rounds)
// In the first warm_up rounds it is round / warm_up times that.
double ScheduledShare(const v1::ScheduleSpec& schedule, int64_t round, int64_t num_rounds);

// INVALID_ARGUMENT names the key of [training.schedule] that is wrong, also when the rate falls so
// far that a double cannot hold it: no site trains at 0.
Status CheckSchedule(const v1::TrainingSpec& training);
std::vector<std::string> ScheduleNames();  // "constant", "step", "cosine", "exponential"

}  // namespace skerry::learning

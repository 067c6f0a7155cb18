#include "learning/setup.h"

#include <Eigen/Core>

namespace skerry::learning {

void FixKernels() { Eigen::setCpuCacheSizes(32 * 1024, 256 * 1024, 2 * 1024 * 1024); }

}  // namespace skerry::learning

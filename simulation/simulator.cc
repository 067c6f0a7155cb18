#include "simulation/simulator.h"

#include <utility>

#include "simulation/federation.h"

namespace skerry::simulation {

Result<SimulationResult> Simulate(SimulationOptions options) {
  Federation federation(std::move(options));
  SKERRY_RETURN_IF_ERROR(federation.Start());
  SKERRY_RETURN_IF_ERROR(federation.Run());
  return federation.Collect();
}

}  // namespace skerry::simulation

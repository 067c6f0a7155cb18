#pragma once

namespace skerry::learning {

// Makes Eigen cut matrices into the same blocks on every machine, whatever caches it finds: block
// sizes decide the order of additions, and so the bits. Before any other call, in every main.
void FixKernels();

}  // namespace skerry::learning

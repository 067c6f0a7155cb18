#pragma once

namespace skerry {

// Ends the process with a clear message when this CPU lacks the instructions that the program was
// built for. First in every main.
void RequireCpu();

}  // namespace skerry

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "learning/compression/encoding.h"
#include "skerry/v1/task.pb.h"

namespace skerry::learning {

// What [compression] update may be, in the order of v1::Encoding::Kind.
std::vector<std::string> EncodingNames();

// The encoding of an update of so many elements.
Encoding UpdateEncoding(const v1::CompressionSpec& spec, int64_t num_elements);

// Whether a site has to remember what it did not send.
bool HasErrorFeedback(const v1::CompressionSpec& spec);

}  // namespace skerry::learning

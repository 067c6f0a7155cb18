#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/status.h"

namespace skerry::client {

// One F32 vector as a site keeps it between rounds: a safetensors file of the tensor `name`, whose
// metadata hold the SHA-256 of the values.

// Reads it back. DATA_LOSS: the file is not what was written, or not of this name and size.
Result<std::vector<float>> ReadSiteState(const File& file, const std::string& name,
                                         std::size_t size);

// Into an empty file. RESOURCE_EXHAUSTED: the disk is full.
Status WriteSiteState(File& file, const std::string& name, std::span<const float> values);

}  // namespace skerry::client

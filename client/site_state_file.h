#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/status.h"

namespace skerry::client {

// Vectors as a site keeps them between rounds, by name: a safetensors file of float (F32) or double
// (F64) tensors, whose metadata hold the SHA-256 of each one's values.

// Reads one back. DATA_LOSS: the file is not what was written, or has none of this name and size.
template <class T>
Result<std::vector<T>> ReadSiteVector(const File& file, const std::string& name, std::size_t size);

// Into an empty file. RESOURCE_EXHAUSTED: the disk is full.
template <class T>
Status WriteSiteVectors(File& file, const std::map<std::string, std::span<const T>>& vectors);

// Those of float.
inline Result<std::vector<float>> ReadSiteState(const File& file, const std::string& name,
                                                std::size_t size) {
  return ReadSiteVector<float>(file, name, size);
}
inline Status WriteSiteState(File& file, const std::string& name, std::span<const float> values) {
  return WriteSiteVectors<float>(file, {{name, values}});
}

}  // namespace skerry::client

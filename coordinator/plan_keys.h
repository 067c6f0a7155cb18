#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/toml_reader.h"

namespace skerry::coordinator {

// What several sections of the run file ask of their keys. What does not hold is noted with
// TomlReader::Fail, and reading goes on.

void CheckAtLeast(TomlReader& toml, const char* key, double value, double least);

// A number over 0; without `otherwise` the key must be there.
double ReadPositive(TomlReader& toml, const char* key, std::optional<double> otherwise);
// A number from 0 to less than 1.
double ReadShare(TomlReader& toml, const char* key, double otherwise);

// Seeds are numbers that a person can write down anywhere: whole, from 0 on.
uint64_t ReadSeed(TomlReader& toml, const char* key, int64_t otherwise);

// The place of a value among those that the key may have; 0 where it is none of them.
std::size_t ChooseName(TomlReader& toml, const char* key, const std::string& value,
                       const std::vector<std::string>& names);

template <class Choices>
std::size_t Choose(TomlReader& toml, const char* key, const std::string& value,
                   const Choices& choices) {
  return ChooseName(toml, key, value, {std::begin(choices), std::end(choices)});
}

}  // namespace skerry::coordinator

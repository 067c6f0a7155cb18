#pragma once

#include <string>
#include <vector>

#include "simulation/simulator.h"

namespace skerry::testing {

// A CSV of made-up patients: id, age, score, sex, died. Sites differ in size and case mix; the same
// (site, rows, seed) gives the same text.
std::string PatientsCsv(const std::string& site, int rows, uint64_t seed);

// A federation of such sites, in bytewise order of names, that read their rows from memory.
std::vector<simulation::SimulatedSite> PatientSites(int num_sites, int rows, uint64_t seed);

// A run file over these columns; `extra` is appended.
std::string PatientsRunFile(int num_rounds, const std::string& extra = "");

}  // namespace skerry::testing

#include "testing/patients.h"

#include <map>

#include "base/exact_math.h"
#include "base/random.h"
#include "base/text.h"
#include "client/data/table.h"

namespace skerry::testing {

std::string PatientsCsv(const std::string& site, int rows, uint64_t seed) {
  RandomStream random(seed, Purpose::kSimulation, 0, site, 0);
  const double shift = random.Uniform();
  std::string csv = "id,age,score,sex,died\n";
  for (int i = 0; i < rows; ++i) {
    const double age = 60 + 12 * random.Normal() + 5 * shift;
    const double score = 18 + 6 * random.Normal();
    const bool female = random.Below(2) == 0;
    const double risk = exact::Sigmoid(0.05 * (age - 60) + 0.15 * (score - 18) - 0.8 - shift);
    csv += site + "-" + std::to_string(i) + "," + FormatFixed(age, 1) + "," +
           FormatFixed(score, 0) + "," + (female ? "f" : "m") + "," +
           (random.Uniform() < risk ? "1" : "0") + "\n";
  }
  return csv;
}

std::vector<simulation::SimulatedSite> PatientSites(int num_sites, int rows, uint64_t seed) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < num_sites; ++i) {
    const std::string name = "site-" + std::to_string(100 + i);
    files[name] = PatientsCsv(name, rows + 7 * i, seed);
  }
  std::vector<simulation::SimulatedSite> sites;
  for (const auto& [name, csv] : files) {
    sites.push_back({name, [name = name, csv = csv](std::span<const std::string> columns) {
                       return client::ReadCsv(csv, name + ".csv", client::DataSource{}, columns);
                     }});
  }
  return sites;
}

std::string PatientsRunFile(int num_rounds, const std::string& extra) {
  return "[run]\nname = \"patients\"\nnum_rounds = " + std::to_string(num_rounds) +
         "\nseed = 3\n"
         "[data]\nsource = \"patients\"\nfeatures = [\"age\", \"score\"]\n"
         "categories.sex = [\"f\", \"m\"]\nlabel = \"died\"\n"
         "split = { train = 0.7, test = 0.3, key = \"id\" }\n"
         "[model]\nkind = \"logistic\"\n"
         "[training]\nlearning_rate = 0.1\nbatch_size = 16\n" +
         extra;
}

}  // namespace skerry::testing

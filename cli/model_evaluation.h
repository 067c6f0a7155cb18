#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "coordinator/run_plan.h"
#include "learning/metrics.h"
#include "simulation/simulator.h"

namespace skerry::cli {

// A model to be compared. In `path`, {site} stands for the name of a site: then every site has its
// own.
struct NamedModel {
  std::string name;
  std::string path;
  bool per_site() const { return path.find("{site}") != std::string::npos; }
};

// How one model does on some held-out rows.
struct Score {
  std::string model;  // the name, and the site whose model it is: "local of north"
  std::string site;   // whose rows; "" : those of all sites together
  bool is_total = false;
  std::vector<learning::Metric> metrics;  // "auc", "log_loss", ... exact, not from histograms
};

struct Comparison {
  std::vector<std::string> metrics;  // those of this kind of model, in order
  std::vector<Score> own;            // by site, then by model; last the total of each model
  std::vector<Score> all;            // every model on the rows of all sites together
};

// Applies models to the test rows of each site, split as the run file says. Errors name the file.
Result<Comparison> CompareModels(const coordinator::RunPlan& plan,
                                 const std::vector<simulation::SimulatedSite>& sites,
                                 const std::vector<NamedModel>& models);

std::string ComparisonText(const Comparison& comparison);
std::string ComparisonJson(const Comparison& comparison);

}  // namespace skerry::cli

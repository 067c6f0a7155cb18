// A simulated federation of virtual sites, as fast as it goes: the coordinator, sessions, journal
// and hashes of a deployment. Prints one "name value" a line.
//
//   skerry_simulation_bench [sites=1000] [per_round=0] [rounds=30] [rows=100] [features=30]
//                           [batch=10] [threads=2] [idle=4096]

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "base/freed_memory.h"
#include "base/text.h"
#include "bench/peak_memory.h"
#include "bench/settings.h"
#include "bench/virtual_rows.h"
#include "coordinator/history.h"
#include "coordinator/run_plan.h"
#include "crypto/sha256.h"
#include "simulation/simulator.h"

namespace skerry::bench {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

double SecondsSince(SteadyTime begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double CpuSeconds() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string RunFile(const Settings& settings) {
  std::vector<std::string> features;
  for (int64_t j = 0; j < settings.at("features"); ++j) {
    features.push_back("\"x" + std::to_string(j) + "\"");
  }
  std::string file =
      "[run]\nname = \"bench\"\nseed = 1\nnum_rounds = " + std::to_string(settings.at("rounds")) +
      "\n[data]\nsource = \"rows\"\n" + "features = [" + Join(features, ", ") +
      "]\nlabel = \"y\"\n" + "standardize = false\nsplit = { train = 1.0 }\n" +
      "[model]\nkind = \"logistic\"\n[training]\nlearning_rate = 0.1\n" +
      "batch_size = " + std::to_string(settings.at("batch")) + "\n";
  if (const int64_t per_round = settings.at("per_round"); per_round > 0) {
    const std::string n = std::to_string(per_round);
    file +=
        "[participation]\nsites_per_round = " + n + "\nquorum = " + n + "\nmin_sites = " + n + "\n";
  }
  return file;
}

std::vector<simulation::SimulatedSite> Sites(const Settings& settings) {
  std::vector<simulation::SimulatedSite> sites;
  const int64_t count = settings.at("sites");
  sites.reserve(static_cast<std::size_t>(count));
  const std::size_t digits = std::to_string(count - 1).size();
  for (int64_t i = 0; i < count; ++i) {
    std::string number = std::to_string(i);
    number.insert(0, digits - number.size(), '0');
    sites.push_back({"s-" + number, VirtualRows(static_cast<uint64_t>(i), settings.at("rows"),
                                                settings.at("features"))});
  }
  return sites;
}

// How often sites took part, as the exported history has it.
struct Selections {
  int64_t total = 0;
  int64_t in_round_1 = 0;
  int64_t distinct = 0;
};

Selections Count(const std::string& history_json) {
  Selections all;
  const auto history = coordinator::ParseHistory(history_json, "history.json");
  if (!history.ok()) return all;
  std::set<std::string> names;
  for (const auto& [round, sites] : *history) {
    all.total += static_cast<int64_t>(sites.size());
    if (round == 1) all.in_round_1 = static_cast<int64_t>(sites.size());
    for (const coordinator::Participant& participant : sites) names.insert(participant.site);
  }
  all.distinct = static_cast<int64_t>(names.size());
  return all;
}

void Print(const char* name, double value) { std::printf("%-28s %.6g\n", name, value); }

int Run(const Settings& settings) {
  simulation::SimulationOptions options;
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(RunFile(settings), "run.toml");
  if (!plan.ok()) {
    std::fprintf(stderr, "%s\n", plan.status().ToString().c_str());
    return 1;
  }
  options.plan = *std::move(plan);
  options.sites = Sites(settings);
  options.num_threads = static_cast<int>(settings.at("threads"));
  options.max_idle_clients = settings.at("idle");
  SteadyTime first_round_over;
  SteadyTime last_round_over;
  options.on_round = [&](const v1::RunSummary&, const v1::RoundSummary& round) {
    last_round_over = std::chrono::steady_clock::now();
    if (round.round() == 1) first_round_over = last_round_over;
    return true;
  };
  const SteadyTime begin = std::chrono::steady_clock::now();
  const double cpu_before = CpuSeconds();
  const Result<simulation::SimulationResult> result = simulation::Simulate(std::move(options));
  const double wall = SecondsSince(begin);
  const double in_rounds =
      std::chrono::duration<double>(last_round_over - first_round_over).count();
  if (!result.ok() || result->run.state() != "completed") {
    std::fprintf(stderr, "%s\n",
                 (result.ok() ? result->run.reason() : result.status().ToString()).c_str());
    return 1;
  }
  const double cpu = CpuSeconds() - cpu_before;
  const Selections all = Count(result->history_json);
  Print("sites", static_cast<double>(settings.at("sites")));
  Print("rounds", static_cast<double>(settings.at("rounds")));
  Print("selections", static_cast<double>(all.total));
  Print("selected_sites", static_cast<double>(all.distinct));
  Print("wall_s", wall);
  Print("cpu_s", cpu);
  Print("clients_per_s", static_cast<double>(all.total) / wall);
  if (settings.at("rounds") > 1) {
    Print("clients_per_s_in_rounds", static_cast<double>(all.total - all.in_round_1) / in_rounds);
  }
  Print("peak_rss_mb", PeakMebibytes());
  std::printf("%-28s %s\n", "model_sha256", crypto::Sha256(result->model).Hex().c_str());
  return 0;
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  skerry::KeepFreedMemory();
  skerry::bench::Settings settings = {{"sites", 1000}, {"per_round", 0}, {"rounds", 30},
                                      {"rows", 100},   {"features", 30}, {"batch", 10},
                                      {"threads", 2},  {"idle", 4096}};
  if (!skerry::bench::ParseSettings(argc, argv, settings)) return 2;
  return skerry::bench::Run(settings);
}

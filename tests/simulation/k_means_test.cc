#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes_file.h"
#include "base/random.h"
#include "base/text.h"
#include "client/model_file.h"
#include "crypto/sha256.h"
#include "learning/k_means/clusters.h"
#include "simulation/simulator.h"
#include "testing/status_matchers.h"

namespace skerry::simulation {
namespace {

using Point = std::vector<double>;
using Sites = std::map<std::string, std::vector<Point>>;

// Four heaps, of which each site has other shares.
Sites FourHeaps(int num_sites) {
  const Point middles[] = {{0, 0}, {10, 0}, {0, 12}, {9, 11}};
  RandomStream random(5, Purpose::kSimulation, 0, "", 0);
  Sites sites;
  for (int s = 0; s < num_sites; ++s) {
    std::vector<Point>& points = sites["site-" + std::to_string(100 + s)];
    for (int i = 0; i < 60; ++i) {
      const Point& middle =
          middles[random.Below(3) == 0 ? random.Below(4) : static_cast<uint64_t>(s % 4)];
      points.push_back({middle[0] + random.Normal(), middle[1] + random.Normal()});
    }
  }
  return sites;
}

std::string RunFile(int clusters, bool standardize,
                    const std::string& split = "{ train = 0.8, test = 0.2 }") {
  return "[run]\nname = \"heaps\"\nnum_rounds = 40\n[data]\nsource = \"data\"\n"
         "features = [\"x\", \"y\"]\nstandardize = " +
         std::string(standardize ? "true" : "false") + "\nsplit = " + split +
         "\n[model]\nkind = \"k_means\"\n"
         "[model.k_means]\nclusters = " +
         std::to_string(clusters) + "\n";
}

SimulationOptions Federation(const std::string& run_file, const Sites& sites) {
  SimulationOptions options;
  Result<coordinator::RunPlan> plan = coordinator::ParseRunFile(run_file, "run.toml");
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  options.plan = *std::move(plan);
  for (const auto& [name, points] : sites) {
    std::string csv = "x,y\n";
    for (const Point& p : points) csv += FormatExact(p[0]) + "," + FormatExact(p[1]) + "\n";
    options.sites.push_back({name, [name = name, csv](std::span<const std::string> columns) {
                               return client::ReadCsv(csv, name + ".csv", client::DataSource{},
                                                      columns);
                             }});
  }
  options.num_threads = 2;
  return options;
}

SimulationResult Completed(SimulationOptions options) {
  Result<SimulationResult> result = Simulate(std::move(options));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  if (!result.ok()) return {};
  EXPECT_EQ(result->run.state(), "completed") << result->run.reason();
  return *std::move(result);
}

std::vector<double> Metric(const SimulationResult& result, const std::string& name) {
  std::vector<double> values;
  for (const v1::RoundSummary& round : result.rounds) {
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.name() == name && metric.site().empty()) values.push_back(metric.value());
    }
  }
  return values;
}

std::vector<Point> Centers(const SimulationResult& result, int clusters) {
  const learning::ClusterShape shape = {2, clusters};
  const auto loaded = client::LoadModel(BytesFile(result.model), learning::ClusterLayout(shape), 2);
  EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
  std::vector<Point> centers;
  for (std::size_t c = 0; c < static_cast<std::size_t>(clusters); ++c) {
    centers.push_back({static_cast<double>(loaded->parameters[2 * c]),
                       static_cast<double>(loaded->parameters[2 * c + 1])});
  }
  std::sort(centers.begin(), centers.end());
  return centers;
}

TEST(KMeansTest, AFederationFindsTheHeapsOfAllSites) {
  const SimulationResult result = Completed(Federation(RunFile(4, false), FourHeaps(5)));
  const std::vector<Point> expected = {{0, 0}, {0, 12}, {9, 11}, {10, 0}};
  const std::vector<Point> centers = Centers(result, 4);
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_NEAR(centers[c][0], expected[c][0], 0.5);
    EXPECT_NEAR(centers[c][1], expected[c][1], 0.5);
  }
  const std::vector<double> inertia = Metric(result, "train.inertia");
  EXPECT_TRUE(std::is_sorted(inertia.rbegin(), inertia.rend())) << "it only falls";
  EXPECT_LT(result.rounds.size(), 20U) << "it ends when the centers stand still";
  EXPECT_EQ(result.rounds.back().kind(), "evaluate");
  EXPECT_NE(result.run.reason().find("the centers stand still after round "), std::string::npos)
      << result.run.reason();
  EXPECT_FALSE(Metric(result, "test.inertia").empty());
}

TEST(KMeansTest, AFederationFindsTheVeryCentersOfAllRowsInOnePlace) {
  const Sites sites = FourHeaps(5);
  Sites joined;
  for (const auto& [name, points] : sites) {
    joined["all"].insert(joined["all"].begin(), points.begin(), points.end());
  }
  for (const int clusters : {3, 4, 7}) {
    const SimulationResult federated = Completed(Federation(RunFile(clusters, false), sites));
    const SimulationResult pooled = Completed(Federation(RunFile(clusters, false), joined));
    EXPECT_EQ(Centers(federated, clusters), Centers(pooled, clusters));
    EXPECT_NEAR(Metric(federated, "train.inertia").back(), Metric(pooled, "train.inertia").back(),
                1e-9);
  }
}

// Lloyd's rounds in doubles, from centers that are given.
double LloydInertia(const std::vector<Point>& points, std::vector<Point>& centers) {
  double inertia = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<Point> sums(centers.size(), Point(3, 0));
    inertia = 0;
    for (const Point& p : points) {
      std::size_t nearest = 0;
      double least = INFINITY;
      for (std::size_t c = 0; c < centers.size(); ++c) {
        const double d = std::pow(p[0] - centers[c][0], 2) + std::pow(p[1] - centers[c][1], 2);
        if (d < least) {
          least = d;
          nearest = c;
        }
      }
      inertia += least;
      sums[nearest][0] += p[0];
      sums[nearest][1] += p[1];
      sums[nearest][2] += 1;
    }
    for (std::size_t c = 0; c < centers.size(); ++c) {
      if (sums[c][2] > 0) centers[c] = {sums[c][0] / sums[c][2], sums[c][1] / sums[c][2]};
    }
  }
  return inertia;
}

TEST(KMeansTest, WhereItEndsLloydsRoundsChangeNothing) {
  const Sites sites = FourHeaps(5);
  const SimulationResult result =
      Completed(Federation(RunFile(6, false, "{ train = 1.0 }"), sites));
  std::vector<Point> points;
  for (const auto& [name, of_site] : sites) {
    points.insert(points.end(), of_site.begin(), of_site.end());
  }
  const std::vector<Point> found = Centers(result, 6);
  std::vector<Point> centers = found;
  EXPECT_NEAR(LloydInertia(points, centers), Metric(result, "train.inertia").back(), 1e-3);
  for (std::size_t c = 0; c < 6; ++c) {
    EXPECT_NEAR(centers[c][0], found[c][0], 1e-5);
    EXPECT_NEAR(centers[c][1], found[c][1], 1e-5);
  }
}

TEST(KMeansTest, InputsMayBeStandardized) {
  const SimulationResult result = Completed(Federation(RunFile(4, true), FourHeaps(5)));
  EXPECT_EQ(Centers(result, 4).size(), 4U);
  EXPECT_LT(Metric(result, "train.inertia").back(), 30);
}

TEST(KMeansTest, FewerDifferentRowsThanClustersLeaveSlotsEmpty) {
  Sites sites;
  for (const char* name : {"a", "b"}) {
    for (int i = 0; i < 20; ++i) sites[name].push_back({i % 2 == 0 ? 1.0 : 3.0, 2.0});
  }
  const SimulationResult result = Completed(Federation(RunFile(5, false), sites));
  EXPECT_EQ(Metric(result, "train.inertia").back(), 0);
}

}  // namespace
}  // namespace skerry::simulation

#include "simulation/sites.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/random.h"
#include "base/text.h"
#include "client/data/table.h"

namespace skerry::simulation {
namespace {

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::vector<std::string> Glob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

// "data/north.csv" -> "north".
std::string SiteNameOf(const std::string& path) {
  const std::string file = path.substr(path.rfind('/') + 1);
  return file.substr(0, file.rfind('.'));
}

client::DataSource SourceOf(const std::string& path) {
  client::DataSource source;
  source.name = SiteNameOf(path);
  source.csv = path;
  return source;
}

client::RowReader ReaderOf(const std::string& path) {
  return [source = SourceOf(path)](std::span<const std::string> columns) {
    PosixFiles files;
    return client::ReadTable(files, source, columns);
  };
}

// Some rows of several tables that have the same columns.
class DealtTable final : public client::Table {
 public:
  DealtTable(std::vector<std::unique_ptr<client::Table>> tables, int64_t count, int64_t site,
             uint64_t seed)
      : tables_(std::move(tables)) {
    uint64_t row_number = 0;
    RandomStream random(seed, Purpose::kSimulation, 0, "deal", 0);
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      for (std::size_t row = 0; row < tables_[t]->num_rows(); ++row, ++row_number) {
        const bool mine = static_cast<int64_t>(random.Below(static_cast<uint64_t>(count))) == site;
        if (mine) rows_.emplace_back(t, row);
      }
    }
  }

  std::size_t num_rows() const override { return rows_.size(); }
  std::size_t num_columns() const override {
    return tables_.empty() ? 0 : tables_.front()->num_columns();
  }
  std::optional<std::string_view> Cell(std::size_t row, std::size_t column) const override {
    return tables_[rows_[row].first]->Cell(rows_[row].second, column);
  }
  std::string Place(std::size_t row, std::size_t column) const override {
    return tables_[rows_[row].first]->Place(rows_[row].second, column);
  }

 private:
  const std::vector<std::unique_ptr<client::Table>> tables_;
  std::vector<std::pair<std::size_t, std::size_t>> rows_;  // table, row
};

}  // namespace

Result<std::vector<SimulatedSite>> SitesFromFiles(const std::string& what,
                                                  const std::string& base) {
  std::string pattern = base == "." ? what : ResolvePath(base, what);
  if (IsDirectory(pattern)) pattern += "/*.csv";
  std::vector<SimulatedSite> sites;
  std::map<std::string, std::string> path_of;
  for (const std::string& path : Glob(pattern)) {
    const std::string name = SiteNameOf(path);
    if (!IsName(name)) {
      return InvalidArgument(path + ": \"" + name + "\" cannot be a site's name")
          .WithHint("name the file with a-z, 0-9 and '-' only, for instance north.csv");
    }
    const auto [other, is_new] = path_of.emplace(name, path);
    if (!is_new) {
      return InvalidArgument(other->second + " and " + path + " are both site \"" + name + "\"")
          .WithHint("give each file a name of its own");
    }
    sites.push_back({name, ReaderOf(path), SourceOf(path)});
  }
  if (sites.empty()) {
    return NotFound("no file matches " + pattern)
        .WithHint(
            "name a folder of CSV files, one for each site, or a glob such as \"data/*.csv\"");
  }
  std::sort(sites.begin(), sites.end(),
            [](const SimulatedSite& a, const SimulatedSite& b) { return a.name < b.name; });
  return sites;
}

Result<std::vector<SimulatedSite>> SitesFromIdx(const coordinator::SimulationSettings::Idx& idx,
                                                const std::string& base) {
  client::DataSource source;
  source.name = "simulation";
  source.idx.images = ResolvePath(base, idx.images);
  source.idx.labels = ResolvePath(base, idx.labels);
  source.idx.divisor = idx.divisor;
  std::set<unsigned char> parts = {0};
  if (!idx.parts.empty()) {
    PosixFiles files;
    source.idx.parts = ResolvePath(base, idx.parts);
    SKERRY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(files, source.idx.parts));
    if (bytes.empty()) return FailedPrecondition(source.idx.parts + " is empty");
    parts = {bytes.begin(), bytes.end()};
  }
  const std::size_t digits = std::to_string(*parts.rbegin()).size();
  std::vector<SimulatedSite> sites;
  for (const unsigned char part : parts) {
    source.idx.part = part;
    std::string number = std::to_string(part);
    number.insert(0, digits - number.size(), '0');
    sites.push_back({"site-" + number, [source](std::span<const std::string> columns) {
                       PosixFiles files;
                       return client::ReadTable(files, source, columns);
                     }});
  }
  return sites;
}

Result<std::vector<SimulatedSite>> SitesOfRunFile(const coordinator::RunPlan& plan,
                                                  const std::string& run_file) {
  const std::string folder = ParentDirectory(run_file);
  if (!plan.simulation.idx.images.empty()) return SitesFromIdx(plan.simulation.idx, folder);
  if (!plan.simulation.sites.empty()) return SitesFromFiles(plan.simulation.sites, folder);
  return InvalidArgument(run_file + " does not say which data the sites have")
      .WithHint("give --sites DIR, or add to the run file: [simulation] sites = \"data/*.csv\"");
}

std::vector<SimulatedSite> DealToSites(const std::vector<SimulatedSite>& sites, int64_t count,
                                       uint64_t seed) {
  std::vector<client::RowReader> readers;
  for (const SimulatedSite& site : sites) readers.push_back(site.rows);
  const std::size_t digits = std::to_string(count).size();
  std::vector<SimulatedSite> dealt;
  for (int64_t i = 0; i < count; ++i) {
    std::string number = std::to_string(i + 1);
    number.insert(0, digits - number.size(), '0');
    dealt.push_back({"site-" + number,
                     [readers, count, i, seed](std::span<const std::string> columns)
                         -> Result<std::unique_ptr<client::Table>> {
                       std::vector<std::unique_ptr<client::Table>> tables;
                       for (const client::RowReader& reader : readers) {
                         SKERRY_ASSIGN_OR_RETURN(auto table, reader(columns));
                         tables.push_back(std::move(table));
                       }
                       return std::unique_ptr<client::Table>(
                           std::make_unique<DealtTable>(std::move(tables), count, i, seed));
                     }});
  }
  return dealt;
}

}  // namespace skerry::simulation

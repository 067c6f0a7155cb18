#include "simulation/fault_plan_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/toml_reader.h"
#include "simulation/fault_statements.h"

namespace skerry::simulation {
namespace {

constexpr const char* kTable = "simulation.faults";

// Reads the keys of one table, such as "sites.utrecht". What the plan says already stays where the
// table says nothing.
class TableReader {
 public:
  TableReader(TomlReader& toml, std::string prefix) : toml_(toml), prefix_(std::move(prefix)) {}

  void Read(SiteFaults& site) {
    Amount("seconds_per_example", site.seconds_per_example);
    Time("task_overhead", site.task_overhead);
    Amount("slower", site.slower);
    if (toml_.Has(Key("slower")) && !(site.slower > 0))
      toml_.Fail(Key("slower"), "must be over 0: 9 means nine times slower");
    List("stuck", site.stuck, ParseWindow);
    Read(site.machine);
    Read(site.link);
  }

  void Read(MachineFaults& machine) {
    List("crash", machine.crashes, ParseCrash);
    Time("crash_every", machine.crash_every);
    Time("crash_for", machine.crash_for);
    Chance("crash_per_write", machine.crash_per_write);
    Chance("power_loss", machine.power_loss);
    Chance("failed_sync", machine.failed_sync);
    Chance("flipped_bit", machine.flipped_bit);
    List("disk_full", machine.disk_full, ParseWindow);
    Merge(machine.disk_full);
    List("asleep", machine.asleep, ParseWindow);
    Merge(machine.asleep);
    List("clock", machine.clock_jumps, ParseClockJump);
  }

  void Read(LinkFaults& link) {
    Time("latency", link.latency);
    Time("jitter", link.jitter);
    Chance("drop", link.drop);
    Chance("duplicate", link.duplicate);
    Chance("reorder", link.reorder);
    Time("reorder_by", link.reorder_by);
    List("link_down", link.down, ParseWindow);
    Time("link_down_every", link.down_every);
    Time("link_down_for", link.down_for);
    const std::string key = Key("bandwidth");
    const std::string bandwidth = toml_.String(key, "");
    if (bandwidth.empty()) return;
    const Result<double> parsed = ParseBandwidth(bandwidth);
    if (parsed.ok()) {
      link.bytes_per_second = *parsed;
    } else {
      Fail(key, parsed.status());
    }
  }

  // Statements such as "from 1h for 20m".
  template <class Statement>
  void List(const char* name, std::vector<Statement>& statements,
            Result<Statement> (*parse)(std::string_view)) {
    const std::string key = Key(name);
    const bool given = toml_.Has(key);
    const std::vector<std::string> texts = toml_.Strings(key, std::vector<std::string>{});
    if (given) statements.clear();
    for (const std::string& text : texts) {
      const Result<Statement> statement = parse(text);
      if (statement.ok()) {
        statements.push_back(*statement);
      } else {
        Fail(key, statement.status());
      }
    }
  }

  void Time(const char* name, Duration& value) { value = toml_.Time(Key(name), value); }

  void Amount(const char* name, double& value) {
    value = toml_.Number(Key(name), value);
    if (toml_.Has(Key(name)) && value < 0) toml_.Fail(Key(name), "must not be below 0");
  }

  // A site takes over what [every_site] says: only what this very table says can be wrong here.
  void Chance(const char* name, double& value) {
    value = toml_.Number(Key(name), value);
    if (toml_.Has(Key(name)) && !(value >= 0 && value <= 1))
      toml_.Fail(Key(name), "must be a chance, between 0 and 1");
  }

 private:
  std::string Key(const char* name) const { return prefix_.empty() ? name : prefix_ + "." + name; }
  void Fail(const std::string& key, const Status& status) {
    toml_.Fail(key, status.message(), status.hint());
  }

  // Windows that touch are one.
  static void Merge(std::vector<Window>& windows) {
    std::sort(windows.begin(), windows.end(),
              [](const Window& a, const Window& b) { return a.from < b.from; });
    std::vector<Window> merged;
    for (const Window& window : windows) {
      if (!merged.empty() && window.from <= merged.back().from + merged.back().length) {
        const Duration end =
            std::max(merged.back().from + merged.back().length, window.from + window.length);
        merged.back().length = end - merged.back().from;
      } else {
        merged.push_back(window);
      }
    }
    windows = std::move(merged);
  }

  TomlReader& toml_;
  const std::string prefix_;
};

// [partitions.NAME]: several links are down together.
void ReadPartitions(TomlReader& toml, FaultPlan& plan) {
  for (const std::string& name : toml.Keys("partitions")) {
    const std::string prefix = "partitions." + name;
    std::vector<Window> windows;
    TableReader(toml, prefix).List("when", windows, ParseWindow);
    for (const std::string& site : toml.Strings(prefix + ".sites")) {
      std::vector<Window>& down =
          plan.sites.try_emplace(site, plan.every_site).first->second.link.down;
      down.insert(down.end(), windows.begin(), windows.end());
    }
  }
}

Result<FaultPlan> ReadPlan(TomlReader toml) {
  FaultPlan plan;
  const int64_t seed = toml.Integer("seed", 1);
  if (seed < 0) toml.Fail("seed", "must not be below 0");
  plan.seed = static_cast<uint64_t>(seed);
  plan.coordinator.crash_for = 1min;
  plan.every_site.machine.crash_for = 1min;
  plan.every_site.link.down_for = 5min;
  plan.every_site.link.reorder_by = 1s;
  TableReader top(toml, "");
  top.Time("calm_after", plan.calm_after);
  top.Time("limit", plan.limit);
  if (plan.limit <= Duration{0}) toml.Fail("limit", "must be longer than nothing");
  TableReader coordinator(toml, "coordinator");
  coordinator.Read(plan.coordinator);
  coordinator.Time("compute_time", plan.compute_time);
  TableReader(toml, "every_site").Read(plan.every_site);
  for (const std::string& site : toml.Keys("sites")) {
    plan.sites[site] = plan.every_site;
    TableReader(toml, "sites." + site).Read(plan.sites[site]);
  }
  ReadPartitions(toml, plan);
  SKERRY_RETURN_IF_ERROR(toml.Finish());
  return plan;
}

}  // namespace

Result<FaultPlan> ParseFaultPlan(std::string_view text, const std::string& file_name) {
  SKERRY_ASSIGN_OR_RETURN(TomlReader toml, TomlReader::Parse(text, file_name));
  return ReadPlan(std::move(toml));
}

Result<std::optional<FaultPlan>> ParseFaultsOfRunFile(std::string_view text,
                                                      const std::string& file_name) {
  SKERRY_ASSIGN_OR_RETURN(TomlReader toml, TomlReader::Parse(text, file_name));
  std::optional<TomlReader> table = std::move(toml).Table(kTable);
  if (!table) return std::optional<FaultPlan>();
  SKERRY_ASSIGN_OR_RETURN(FaultPlan plan, ReadPlan(*std::move(table)));
  return std::optional<FaultPlan>(std::move(plan));
}

}  // namespace skerry::simulation

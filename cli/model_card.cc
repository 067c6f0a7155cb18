#include "cli/model_card.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "cli/model_manifest.h"
#include "coordinator/run_plan.h"
#include "crypto/sha256.h"
#include "learning/features.h"
#include "learning/intervals.h"

namespace skerry::cli {
namespace {

constexpr std::size_t kMostRounds = 25;  // in the table of rounds
constexpr std::size_t kMostSites = 200;  // likewise

// Text of others inside of Markdown.
std::string Plain(const std::string& text) {
  std::string plain;
  for (const char c : Printable(text)) {
    if (std::string_view("\\`*_{}[]<>#|").find(c) != std::string_view::npos) plain += '\\';
    plain += c;
  }
  return plain;
}

std::string List(const std::vector<std::string>& names) {
  std::vector<std::string> plain;
  plain.reserve(names.size());
  for (const std::string& name : names) plain.push_back(Plain(name));
  return plain.empty() ? "-" : Join(plain, ", ");
}

std::string Row(const std::vector<std::string>& cells) {
  return "| " + Join(cells, " | ") + " |\n";
}

std::string Header(const std::vector<std::string>& cells) {
  return Row(cells) + Row(std::vector<std::string>(cells.size(), "---"));
}

std::string CountText(int64_t count) { return count > 0 ? std::to_string(count) : "-"; }

bool IsHeldOut(const v1::Metric& metric) {
  return metric.name().starts_with("validation.") || metric.name().starts_with("test.");
}

std::string BareName(const v1::Metric& metric) {
  return metric.name().substr(metric.name().find('.') + 1);
}

// The interval, and how it was found; nothing for metrics whose spread the sums do not tell.
std::pair<std::string, std::string> IntervalOf(const v1::Metric& metric) {
  const int64_t negative = metric.num_examples() - metric.num_positive();
  learning::Interval interval;
  std::string method;
  if (BareName(metric) == "accuracy" && metric.num_examples() > 0) {
    interval = learning::WilsonInterval(metric.value(), metric.num_examples());
    method = "Wilson";
  } else if (BareName(metric) == "auc" && metric.num_positive() > 0 && negative > 0) {
    interval = learning::HanleyMcNeilInterval(metric.value(), metric.num_positive(), negative);
    method = "Hanley and McNeil";
  } else {
    return {"-", "-"};
  }
  return {FormatFixed(interval.low, 4) + " to " + FormatFixed(interval.high, 4), method};
}

// What the journal has of one site.
struct SiteFacts {
  int64_t training_rows = 0;  // 0: not told
  int64_t rounds_counted = 0;
  int64_t rounds_missed = 0;
  std::map<std::string, const v1::Metric*> metrics;  // of the newest version that it evaluated
};

class Card {
 public:
  Card(const v1::ShowRunReply& run, const coordinator::RunPlan& plan, int64_t version,
       std::string hash)
      : run_(run), plan_(plan), version_(version), hash_(std::move(hash)) {
    for (const std::string& site : run.roster()) sites_[site];
    for (const v1::RoundSummary& round : run.rounds()) Look(round);
  }

  std::string Write() {
    WriteHead();
    WriteInputs();
    WriteSites();
    WriteMetrics();
    WriteRounds();
    WritePrivacy();
    WriteTraining();
    WriteLimits();
    return std::move(text_);
  }

 private:
  void Look(const v1::RoundSummary& round) {
    if (round.phase() != "committed" || round.base_version() > version_) return;
    for (const v1::SiteInRound& site : round.sites()) {
      if (round.model_version() > version_) break;  // it evaluates this one, and trains the next
      SiteFacts& facts = sites_[site.site()];
      ++(site.counted() ? facts.rounds_counted : facts.rounds_missed);
      // Rounds that make no version evaluate one, on other rows.
      if (site.counted() && round.model_version() >= 0 && site.num_examples() > 0) {
        facts.training_rows = site.num_examples();
      }
    }
    const bool evaluates = std::any_of(round.metrics().begin(), round.metrics().end(), IsHeldOut);
    if (evaluates) evaluated_.push_back(&round);
    for (const v1::Metric& metric : round.metrics()) {
      if (!metric.site().empty()) sites_[metric.site()].metrics[metric.name()] = &metric;
    }
  }

  void WriteHead() {
    const v1::RunSummary& run = run_.run();
    const v1::RunSpec& spec = plan_.spec;
    text_ += "# Model card: " + Plain(run.name()) + "\n\nA model of kind `" + spec.model().kind() +
             "`" + Prediction() + ", trained with Skerry";
    if (!spec.training().strategy().empty()) {
      text_ += " by the strategy `" + spec.training().strategy() + "`";
    }
    text_ += " at " + std::to_string(run_.roster_size()) +
             " sites whose data stayed where they are.\n\n";
    text_ += Header({"", ""});
    text_ += Row({"run", Plain(run.run_id()) + ", " + Plain(run.state())});
    if (!run.reason().empty()) text_ += Row({"reason", Plain(run.reason())});
    const int64_t round = std::min(run.round(), version_);
    text_ += Row({"rounds", std::to_string(round) + " of " + std::to_string(run.num_rounds())});
    const bool newest = version_ == run.model_version();
    text_ +=
        Row({"model",
             "version " + std::to_string(version_) +
                 (newest ? "" : "; the run's newest is " + std::to_string(run.model_version()))});
    text_ += Row({"content hash of the model", "`" + HexEncode(hash_) + "`"});
    text_ += Row({"SHA-256 of the run file", "`" + crypto::Sha256(run_.run_file()).Hex() + "`"});
    if (run.created_unix_ms() > 0) {
      text_ += Row({"begun", FormatWallTime({run.created_unix_ms()})});
    }
    if (run.ended_unix_ms() > 0) text_ += Row({"ended", FormatWallTime({run.ended_unix_ms()})});
  }

  // " that predicts ..."; nothing for models of rows without a label.
  std::string Prediction() const {
    const v1::DataSpec& data = plan_.spec.data();
    if (data.label().empty()) return "";
    return " that predicts **" + Plain(data.label()) + "** (" +
           (data.label_classes().empty()
                ? "a number"
                : List({data.label_classes().begin(), data.label_classes().end()})) +
           ")";
  }

  void WriteInputs() {
    const v1::DataSpec& data = plan_.spec.data();
    text_ += "\n## What it reads\n\n* numbers: " +
             List({data.features().begin(), data.features().end()}) + "\n";
    for (const v1::Category& category : data.categories()) {
      text_ += "* " + Plain(category.column()) +
               ", one of: " + List({category.levels().begin(), category.levels().end()}) + "\n";
    }
    text_ += "* a missing cell: ";
    text_ += data.missing() == v1::DROP   ? "there is no prediction for such a row"
             : data.missing() == v1::KEEP ? "stays missing; the model knows what to do"
             : data.missing() == v1::MEAN
                 ? "the mean over the training rows of all sites stands in"
                 : "the mean over the training rows of all sites stands in, and an input says so";
    text_ += "\n* ";
    text_ += data.standardize()
                 ? "numbers are standardised by mean and standard deviation of all sites together"
                 : "numbers are taken as they are";
    text_ += "\n";
  }

  // Rows of a split that a site evaluated on, and those of class 1.
  static std::string RowsOf(const SiteFacts& facts, const std::string& split, bool two_classes) {
    for (const auto& [name, metric] : facts.metrics) {
      if (!name.starts_with(split + ".")) continue;
      std::string text = CountText(metric->num_examples());
      if (two_classes) text += " (" + std::to_string(metric->num_positive()) + ")";
      return text;
    }
    return "-";
  }

  void WriteSites() {
    const bool two_classes = plan_.spec.data().label_classes_size() == 2;
    text_ +=
        "\n## Data and participation\n\nCounts are what each site told the coordinator; -: it "
        "told nothing.";
    if (two_classes) {
      text_ += " In brackets: rows of class " + Plain(plan_.spec.data().label_classes(1)) + ".";
    }
    text_ += "\n\n" + Header({"site", "training rows", "validation rows", "test rows",
                              "rounds counted", "rounds with a task, not counted"});
    std::size_t shown = 0;
    for (const auto& [name, facts] : sites_) {
      if (++shown > kMostSites) break;
      text_ += Row({Plain(name), CountText(facts.training_rows),
                    RowsOf(facts, "validation", two_classes), RowsOf(facts, "test", two_classes),
                    std::to_string(facts.rounds_counted), std::to_string(facts.rounds_missed)});
    }
    if (sites_.size() > kMostSites) {
      text_ += "\nand " + std::to_string(sites_.size() - kMostSites) + " more sites.\n";
    }
    if (!IsWholeHistory({run_.rounds().begin(), run_.rounds().end()}, version_)) {
      text_ +=
          "\nRounds that led to this version are no longer in the journal ([keep] "
          "history_rounds): the numbers of rounds are too small.\n";
    }
  }

  void WriteMetrics() {
    text_ += "\n## How good it is\n\n";
    if (evaluated_.empty()) {
      text_ += "No version of it was evaluated on rows that it was not trained on.\n";
      return;
    }
    const v1::RoundSummary& last = *evaluated_.back();
    text_ += "Version " + std::to_string(last.base_version()) + " on held-out rows of " +
             std::to_string(std::count_if(last.sites().begin(), last.sites().end(),
                                          [](const auto& site) { return site.counted(); })) +
             " sites together";
    text_ += last.base_version() == version_ ? ".\n\n"
                                             : "; the model, version " + std::to_string(version_) +
                                                   ", was not evaluated itself.\n\n";
    text_ += Header({"metric", "value", "95 % interval", "by", "rows"});
    for (const v1::Metric& metric : last.metrics()) {
      if (!metric.site().empty() || !IsHeldOut(metric)) continue;
      const auto [interval, method] = IntervalOf(metric);
      text_ += Row({metric.name(), FormatFixed(metric.value(), 4), interval, method,
                    CountText(metric.num_examples())});
    }
    WriteMetricsOfSites(last);
    text_ +=
        "\nIntervals say how far chance in drawing the rows may have moved a value, from the "
        "summed counts alone. They take rows as independent, and sites as alike. The AUC is "
        "that of 256 bins of scores. Losses and errors have no interval: their spread is not "
        "summed.\n";
  }

  void WriteMetricsOfSites(const v1::RoundSummary& round) {
    std::string rows;
    std::set<std::string> sites;
    for (const v1::Metric& metric : round.metrics()) {
      if (metric.site().empty() || !IsHeldOut(metric)) continue;
      sites.insert(metric.site());
      if (sites.size() > kMostSites) break;
      rows += Row({Plain(metric.site()), metric.name(), FormatFixed(metric.value(), 4),
                   IntervalOf(metric).first, CountText(metric.num_examples())});
    }
    if (rows.empty()) return;
    text_ +=
        "\nAt each site:\n\n" + Header({"site", "metric", "value", "95 % interval", "rows"}) + rows;
  }

  void WriteRounds() {
    if (evaluated_.empty()) return;
    std::set<std::string> names;
    for (const v1::RoundSummary* round : evaluated_) {
      for (const v1::Metric& metric : round->metrics()) {
        if (metric.site().empty() && IsHeldOut(metric)) names.insert(metric.name());
      }
    }
    std::vector<std::string> header = {"version"};
    header.insert(header.end(), names.begin(), names.end());
    text_ += "\n## Round by round\n\n";
    const std::size_t step = (evaluated_.size() + kMostRounds - 1) / kMostRounds;
    if (step > 1) text_ += "Every " + std::to_string(step) + "th evaluation, and the last.\n\n";
    text_ += Header(header);
    for (std::size_t i = 0; i < evaluated_.size(); ++i) {
      if (i % step == 0 || i + 1 == evaluated_.size()) WriteRound(*evaluated_[i], names);
    }
  }

  void WriteRound(const v1::RoundSummary& round, const std::set<std::string>& names) {
    std::vector<std::string> row = {std::to_string(round.base_version())};
    for (const std::string& name : names) {
      const auto found = std::find_if(
          round.metrics().begin(), round.metrics().end(),
          [&](const auto& metric) { return metric.site().empty() && metric.name() == name; });
      row.push_back(found == round.metrics().end() ? "-" : FormatFixed(found->value(), 4));
    }
    text_ += Row(row);
  }

  void WritePrivacy() {
    text_ +=
        "\n## Privacy\n\n* secure aggregation: off\n* differential privacy: off\n\nRows never "
        "left a site. The coordinator saw each site's updates, counts and sums, and updates "
        "can reveal something about the rows that they were trained on; so can the model.\n";
  }

  // The fence is longer than any in the file.
  void WriteTraining() {
    std::string fence = "```";
    while (run_.run_file().find(fence) != std::string::npos) fence += '`';
    text_ +=
        "\n## Training\n\nAll settings, as submitted:\n\n" + fence + "toml\n" + run_.run_file();
    if (!run_.run_file().ends_with('\n')) text_ += "\n";
    text_ += fence + "\n";
  }

  void WriteLimits() {
    text_ +=
        "\n## Limits\n\n"
        "* It was evaluated at the sites that trained it, on other rows of theirs. How good "
        "it is elsewhere is not known.\n"
        "* Metrics of all rows together can hide a site, or a group of patients, for which "
        "it is worse.\n"
        "* Counts and metrics are what the sites' programs told; nobody has looked at their "
        "rows.\n"
        "* It is the result of research, and no medical device.\n";
    if (plan_.spec.model().local_tensors_size() == 0) return;
    text_ += "* Its tensors that begin with " +
             List({plan_.spec.model().local_tensors().begin(),
                   plan_.spec.model().local_tensors().end()}) +
             " stay at the sites, each with its own: without them it is not whole.\n";
  }

  const v1::ShowRunReply& run_;
  const coordinator::RunPlan& plan_;
  const int64_t version_;
  const std::string hash_;  // of its content
  std::map<std::string, SiteFacts> sites_;
  std::vector<const v1::RoundSummary*> evaluated_;  // committed rounds with held-out metrics
  std::string text_;
};

}  // namespace

Result<std::string> ModelCard(const v1::ShowRunReply& run, int64_t version) {
  const int64_t newest = run.run().model_version();
  if (newest < 0) return FailedPrecondition("run " + run.run().run_id() + " has no model yet");
  if (version < 0) version = newest;
  const auto made = std::find_if(
      run.rounds().begin(), run.rounds().end(), [version](const v1::RoundSummary& round) {
        return round.phase() == "committed" && round.model_version() == version;
      });
  if (version != newest && made == run.rounds().end()) {
    return NotFound("the journal has no round of run " + run.run().run_id() +
                    " that made version " + std::to_string(version))
        .WithHint("the newest is " + std::to_string(newest) + "; see: skerry run show " +
                  run.run().run_id());
  }
  SKERRY_ASSIGN_OR_RETURN(const coordinator::RunPlan plan,
                          coordinator::ParseRunFile(run.run_file(), run.run().run_id()));
  return Card(run, plan, version, version == newest ? run.run().model_hash() : made->model_hash())
      .Write();
}

}  // namespace skerry::cli

#include "cli/treatments.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/text.h"
#include "cli/render/table.h"

namespace skerry::cli {
namespace {

// Four digits that count.
std::string FormatShort(double value) {
  std::array<char, 32> text;
  const int size = std::snprintf(text.data(), text.size(), "%.4g", value);
  return {text.data(), static_cast<std::size_t>(size)};
}

using TreatmentCell = std::string (*)(const v1::Treatment&);
struct TreatmentColumn {
  const char* name;
  bool (*has)(const v1::Treatment&);
  TreatmentCell cell;  // for people
};

std::string Percent(double share) { return FormatFixed(100 * share, 1) + " %"; }

const TreatmentColumn kTreatmentColumns[] = {
    {"norm", [](const v1::Treatment& t) { return t.has_norm(); },
     [](const v1::Treatment& t) { return FormatShort(t.norm()); }},
    {"shortened to", [](const v1::Treatment& t) { return t.has_factor(); },
     [](const v1::Treatment& t) { return Percent(t.factor()); }},
    {"selected", [](const v1::Treatment& t) { return t.has_selected(); },
     [](const v1::Treatment& t) { return std::string(t.selected() ? "yes" : "no"); }},
    {"score", [](const v1::Treatment& t) { return t.has_score(); },
     [](const v1::Treatment& t) { return FormatShort(t.score()); }},
    {"left out", [](const v1::Treatment& t) { return t.has_trimmed(); },
     [](const v1::Treatment& t) { return Percent(t.trimmed()); }},
    {"share", [](const v1::Treatment& t) { return t.has_share(); },
     [](const v1::Treatment& t) { return Percent(t.share()); }}};

bool HasTreatments(const v1::RoundSummary& round) {
  return std::any_of(round.sites().begin(), round.sites().end(),
                     [](const v1::SiteInRound& site) { return site.has_treatment(); });
}

}  // namespace

std::string TreatmentTable(const v1::ShowRunReply& run, int width) {
  const auto round = std::find_if(run.rounds().rbegin(), run.rounds().rend(), HasTreatments);
  if (round == run.rounds().rend()) return "";
  std::vector<std::string> header = {"site"};
  std::vector<const TreatmentColumn*> columns;
  for (const TreatmentColumn& column : kTreatmentColumns) {
    const bool any =
        std::any_of(round->sites().begin(), round->sites().end(), [&](const v1::SiteInRound& site) {
          return site.has_treatment() && column.has(site.treatment());
        });
    if (!any) continue;
    columns.push_back(&column);
    header.emplace_back(column.name);
  }
  Table table(header);
  for (const v1::SiteInRound& site : round->sites()) {
    if (!site.has_treatment()) continue;
    std::vector<std::string> row = {site.site()};
    for (const TreatmentColumn* column : columns) {
      row.push_back(column->has(site.treatment()) ? column->cell(site.treatment()) : "-");
    }
    table.Add(std::move(row));
  }
  return "\nWhat the aggregation rule did in round " + std::to_string(round->round()) + "\n\n" +
         table.ToString(width, Overflow::kElide);
}

std::string TreatmentsCsv(const std::vector<v1::RoundSummary>& rounds) {
  std::string csv;
  const auto number = [&csv](bool has, double value) {
    csv += "," + (has ? FormatExact(value) : std::string());
  };
  for (const v1::RoundSummary& round : rounds) {
    for (const v1::SiteInRound& site : round.sites()) {
      if (round.phase() != "committed" || !site.has_treatment()) continue;
      const v1::Treatment& treatment = site.treatment();
      csv += std::to_string(round.round()) + "," + site.site();
      number(treatment.has_norm(), treatment.norm());
      number(treatment.has_factor(), treatment.factor());
      number(treatment.has_selected(), treatment.selected() ? 1 : 0);
      number(treatment.has_score(), treatment.score());
      number(treatment.has_trimmed(), treatment.trimmed());
      number(treatment.has_share(), treatment.share());
      csv += "\n";
    }
  }
  return csv.empty() ? csv : "round,site,norm,factor,selected,score,trimmed,share\n" + csv;
}

}  // namespace skerry::cli

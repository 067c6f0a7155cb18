#pragma once

#include <cstdint>
#include <span>

namespace skerry::learning {

// Times until an event, of which some are cut short ("censored"): the row was observed that long,
// and nothing had happened. A label holds both: the time, with a minus (of 0, too) when it is
// censored.
float SurvivalLabel(double time, bool event);
bool IsEvent(double label);
double TimeOf(double label);

// Cox's partial likelihood (1972) with Breslow's ties: the mean over all rows of
//   event * (log sum over rows of no smaller time of exp(risk) - risk),
// in double by exact_math; nothing overflows. `derivatives` (by each risk; empty: nobody needs
// them) are computed in double and rounded once. Of no rows: 0. Not finite when a risk is not.
double CoxLoss(std::span<const float> risks, std::span<const float> labels,
               std::span<float> derivatives);
double CoxLoss(std::span<const double> risks, std::span<const double> labels,
               std::span<double> derivatives);

// Harrell's C (1982) in whole numbers: pairs of which it is known who had the event first (of equal
// times, an event is before a censoring; two events are no pair), those where that row has the
// higher risk, and those of equal risks. C = (concordant + tied / 2) / comparable. Risks that are
// NaN are in no order: their pairs are not concordant.
struct Concordance {
  int64_t comparable = 0;
  int64_t concordant = 0;
  int64_t tied = 0;
};
Concordance CountPairs(std::span<const float> risks, std::span<const float> labels);
Concordance CountPairs(std::span<const double> risks, std::span<const double> labels);

}  // namespace skerry::learning

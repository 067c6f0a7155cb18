#pragma once

#include <cstdint>

namespace skerry::learning {

// How far a value that was measured on some rows may be off: 95 % of such intervals hold the true
// one, if the rows are independent.
struct Interval {
  double low = 0;
  double high = 0;
};

// Of a share, such as an accuracy, of `num_rows` > 0 rows. Wilson: "Probable inference, the law of
// succession, and statistical inference" (JASA 1927).
Interval WilsonInterval(double share, int64_t num_rows);

// Of the area under an ROC curve, from both counts, each > 0, alone. Hanley, McNeil: "The meaning
// and use of the area under a receiver operating characteristic (ROC) curve" (Radiology 1982).
Interval HanleyMcNeilInterval(double auc, int64_t num_positive, int64_t num_negative);

}  // namespace skerry::learning

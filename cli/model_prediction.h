#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"
#include "base/status.h"
#include "client/described_model.h"

namespace skerry::cli {

struct PredictionRequest {
  std::string data;  // a CSV file
  std::string id;    // a column of it that goes into the output; empty: rows are numbered from 1
};

struct Predictions {
  std::string csv;
  int64_t num_rows = 0;
  int64_t num_without = 0;  // rows of which a cell is missing that the run has no rule for
};

// The model's prediction for each row of a file, in their order, as CSV (RFC 4180): of a number
// "prediction", of classes "class" and "probability of CLASS" for each. A row with a missing cell
// that the model has no rule for has empty fields. Errors name file and column.
Result<Predictions> Predict(const client::DescribedModel& model, const PredictionRequest& request);

}  // namespace skerry::cli

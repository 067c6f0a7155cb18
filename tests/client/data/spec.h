#pragma once

#include <memory>
#include <string>

#include "client/data/site_data.h"
#include "client/data/table.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// A run over "age", "bmi", the category "admission" (medical, surgical) and the label "died" with
// the classes "0" and "1", which drops rows with missing cells and trains on every row.
v1::DataSpec TestSpec();

// The columns of `spec` from CSV text that stands in "icu.csv", and the site's data made of them.
Result<std::unique_ptr<Table>> ReadTestCsv(const std::string& text, const v1::DataSpec& spec);
Result<SiteData> TestData(const std::string& text, const v1::DataSpec& spec);

// So many rows of the columns of TestSpec() and a key "id", without a header; row i has the key
// "p<i / rows_per_key>".
std::vector<std::string> TestRows(int count, int rows_per_key);
// A file of rows with the header of TestRows.
std::string TestFile(const std::vector<std::string>& rows);

// All numbers of a split, for comparisons of bits.
std::string Bytes(const SiteData& data, SplitPart part);

}  // namespace skerry::client

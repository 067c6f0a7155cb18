#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "client/data/site_data.h"
#include "client/data/table.h"

// Any bytes may be given to the CSV reader. What it takes for a table must keep the promises of
// table.h, survive being written out and read again, and be safe to make SiteData of.
namespace skerry::client {
namespace {

v1::DataSpec FuzzSpec() {
  v1::DataSpec spec;
  spec.add_features("a");
  v1::Category& category = *spec.add_categories();
  category.set_column("b");
  category.add_levels("x");
  category.add_levels("y");
  spec.set_label("c");
  spec.set_missing(v1::INDICATOR);
  return spec;
}

Result<std::unique_ptr<Table>> Read(std::string text, const std::vector<std::string>& columns) {
  return ReadCsv(std::move(text), "fuzz.csv", DataSource(), columns);
}

void CheckPromises(const Table& table, std::size_t text_size) {
  SKERRY_CHECK(table.num_rows() > 0 && table.num_rows() <= text_size);
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    for (std::size_t column = 0; column < table.num_columns(); ++column) {
      SKERRY_CHECK(table.Place(row, column).starts_with("fuzz.csv:"));
      const auto cell = table.Cell(row, column);
      if (!cell) continue;
      SKERRY_CHECK(Trim(*cell) == *cell && cell->size() < text_size);
      SKERRY_CHECK(!cell->empty());  // the empty text means missing
    }
  }
}

// The table with every field quoted, a missing cell as an empty field.
std::string Written(const Table& table, const std::vector<std::string>& columns) {
  std::string text = Join(columns, ",") + "\n";
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      text += column == 0 ? "\"" : ",\"";
      for (const char c : table.Cell(row, column).value_or("")) text.append(c == '"' ? 2 : 1, c);
      text += '"';
    }
    text += '\n';
  }
  return text;
}

void CheckRoundTrip(const Table& table, const std::vector<std::string>& columns) {
  const auto again = Read(Written(table, columns), columns);
  SKERRY_CHECK(again.ok() && (*again)->num_rows() == table.num_rows());
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      SKERRY_CHECK((*again)->Cell(row, column) == table.Cell(row, column));
    }
  }
}

void TryText(const std::string& text) {
  const v1::DataSpec spec = FuzzSpec();
  const std::vector<std::string> columns = SiteData::Columns(spec);
  const auto table = Read(text, columns);
  if (!table.ok()) {
    SKERRY_CHECK(table.status().code() == Code::kInvalidArgument);
    return;
  }
  CheckPromises(**table, text.size());
  CheckRoundTrip(**table, columns);
  const auto data = SiteData::Create(**table, spec, "fuzz");
  if (data.ok()) {
    SKERRY_CHECK(data->num_rows(SplitPart::kTrain) == (*table)->num_rows());
    SKERRY_CHECK(data->Sums().num_examples == static_cast<int64_t>((*table)->num_rows()));
  }
}

}  // namespace
}  // namespace skerry::client

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  skerry::client::TryText(text);
  skerry::client::TryText("a,b,c\n" + text);  // the columns are there: the rows are the input
  return 0;
}

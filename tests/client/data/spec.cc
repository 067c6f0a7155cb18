#include "client/data/spec.h"

#include <cstring>

#include "base/random.h"
#include "base/text.h"

namespace skerry::client {

v1::DataSpec TestSpec() {
  v1::DataSpec spec;
  spec.set_source("icu");
  spec.add_features("age");
  spec.add_features("bmi");
  v1::Category& category = *spec.add_categories();
  category.set_column("admission");
  category.add_levels("medical");
  category.add_levels("surgical");
  spec.set_label("died");
  spec.add_label_classes("0");
  spec.add_label_classes("1");
  spec.set_missing(v1::DROP);
  return spec;
}

Result<std::unique_ptr<Table>> ReadTestCsv(const std::string& text, const v1::DataSpec& spec) {
  DataSource source;
  source.name = "icu";
  return ReadCsv(text, "icu.csv", source, SiteData::Columns(spec));
}

Result<SiteData> TestData(const std::string& text, const v1::DataSpec& spec) {
  SKERRY_ASSIGN_OR_RETURN(const auto table, ReadTestCsv(text, spec));
  return SiteData::Create(*table, spec, "icu");
}

std::vector<std::string> TestRows(int count, int rows_per_key) {
  RandomStream random(11, Purpose::kSimulation, 0, "rows", 0);
  std::vector<std::string> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back(
        "p" + std::to_string(i / rows_per_key) + "," + FormatFixed(20 + 60 * random.Uniform(), 3) +
        "," + FormatFixed(27 + 4 * random.Normal(), 6) + "," +
        (random.Below(3) == 0 ? "surgical" : "medical") + "," + std::to_string(random.Below(2)));
  }
  return rows;
}

std::string TestFile(const std::vector<std::string>& rows) {
  return "id,age,bmi,admission,died\n" + Join(rows, "\n") + "\n";
}

std::string Bytes(const SiteData& data, SplitPart part) {
  const learning::Dataset rows =
      data.Prepare(part, learning::InputTransform::Identity(data.num_inputs()));
  std::string bytes((rows.features.size() + rows.labels.size()) * sizeof(float), '\0');
  std::memcpy(bytes.data(), rows.features.data(), rows.features.size() * sizeof(float));
  std::memcpy(bytes.data() + rows.features.size() * sizeof(float), rows.labels.data(),
              rows.labels.size() * sizeof(float));
  return bytes;
}

}  // namespace skerry::client

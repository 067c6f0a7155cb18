#include <cstdlib>

#include "base/files.h"
#include "client/data/site_data.h"
#include "client/data/spec.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using ::testing::ElementsAre;

v1::DataSpec PatientSpec() {
  v1::DataSpec spec;
  spec.set_source("icu");
  for (const char* name : {"age", "apache2", "bmi"}) spec.add_features(name);
  v1::Category& sex = *spec.add_categories();
  sex.set_column("sex");
  for (const char* level : {"Male", "Female"}) sex.add_levels(level);
  v1::Category& admission = *spec.add_categories();
  admission.set_column("admission");
  for (const char* level : {"Medical", "Surgical Elective", "Surgical Emergency"}) {
    admission.add_levels(level);
  }
  spec.set_label("died");
  for (const char* name : {"0", "1"}) spec.add_label_classes(name);
  spec.set_missing(v1::DROP);
  spec.mutable_split()->set_key("patient");
  return spec;
}

// 2000 intensive-care patients (patient.csv of the R package pammtools), in the folder that
// SKERRY_DATA names. Counts and sums are from another program, in exact arithmetic.
TEST(RealDataTest, IntensiveCarePatientsAddUp) {
  const char* folder = std::getenv("SKERRY_DATA");
  if (folder == nullptr) GTEST_SKIP() << "SKERRY_DATA is not set";
  DataSource source;
  source.name = "icu";
  source.csv = std::string(folder) + "/r_multicentre/patient.csv";
  source.rename = {{"age", "Age"},           {"apache2", "ApacheIIScore"}, {"bmi", "BMI"},
                   {"sex", "Gender"},        {"admission", "AdmCatID"},    {"died", "PatientDied"},
                   {"patient", "CombinedID"}};
  PosixFiles files;
  const v1::DataSpec spec = PatientSpec();
  ASSERT_OK_AND_ASSIGN(const auto table, ReadTable(files, source, SiteData::Columns(spec)));
  EXPECT_EQ(table->num_rows(), 2000u);
  ASSERT_OK_AND_ASSIGN(const SiteData data, SiteData::Create(*table, spec, source.name));
  const learning::FeatureSums sums = data.Sums();
  EXPECT_EQ(sums.num_examples, 1985);
  EXPECT_THAT(sums.class_counts, ElementsAre(1569, 416));
  EXPECT_THAT(sums.sum,
              ElementsAre(118650.0, 43507.0, 53825.742129652, 1213.0, 772.0, 1196.0, 300.0, 489.0));
  EXPECT_EQ(sums.sum_squares[2], 1564100.9882793226);
}

}  // namespace
}  // namespace skerry::client

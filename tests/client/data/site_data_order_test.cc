#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/random.h"
#include "base/text.h"
#include "client/data/site_data.h"
#include "client/data/spec.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

constexpr SplitPart kParts[] = {SplitPart::kTrain, SplitPart::kValidation, SplitPart::kTest};

v1::DataSpec KeyedSpec() {
  v1::DataSpec spec = TestSpec();
  spec.mutable_split()->set_train(0.6);
  spec.mutable_split()->set_validation(0.1);
  spec.mutable_split()->set_test(0.3);
  spec.mutable_split()->set_seed(7);
  spec.mutable_split()->set_key("id");
  return spec;
}

v1::DataSpec UnkeyedSpec() {
  v1::DataSpec spec = KeyedSpec();
  spec.mutable_split()->clear_key();
  return spec;
}

std::vector<std::string> Shuffled(const std::vector<std::string>& rows, uint64_t seed) {
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0u);
  RandomStream random(seed, Purpose::kShuffle, 0, "rows", 0);
  Shuffle(random, order);
  std::vector<std::string> shuffled;
  for (const uint32_t i : order) shuffled.push_back(rows[i]);
  return shuffled;
}

void ExpectEqual(const SiteData& a, const SiteData& b) {
  for (const SplitPart part : kParts) {
    EXPECT_EQ(a.num_rows(part), b.num_rows(part));
    EXPECT_EQ(Bytes(a, part), Bytes(b, part));
  }
  const learning::FeatureSums sums_a = a.Sums();
  const learning::FeatureSums sums_b = b.Sums();
  EXPECT_EQ(sums_a.num_examples, sums_b.num_examples);
  EXPECT_EQ(sums_a.class_counts, sums_b.class_counts);
  EXPECT_EQ(sums_a.count, sums_b.count);
  EXPECT_EQ(sums_a.sum, sums_b.sum);
  EXPECT_EQ(sums_a.sum_squares, sums_b.sum_squares);
}

TEST(SiteDataOrderTest, AFileInAnotherOrderGivesTheSameData) {
  const std::vector<std::string> rows = TestRows(1000, 3);
  for (const v1::DataSpec& spec : {KeyedSpec(), UnkeyedSpec()}) {
    ASSERT_OK_AND_ASSIGN(const SiteData data, TestData(TestFile(rows), spec));
    for (const SplitPart part : kParts) EXPECT_GT(data.num_rows(part), 50u);
    for (uint64_t seed = 0; seed < 5; ++seed) {
      SCOPED_TRACE(seed);
      ASSERT_OK_AND_ASSIGN(const SiteData shuffled, TestData(TestFile(Shuffled(rows, seed)), spec));
      ExpectEqual(data, shuffled);
    }
  }
}

TEST(SiteDataOrderTest, RowsThatAreEqualInAllThatIsDeclaredMayChangePlaces) {
  std::vector<std::string> rows = TestRows(50, 1);
  for (int i = 0; i < 20; ++i) rows.push_back(rows[static_cast<std::size_t>(i) % 7]);
  ASSERT_OK_AND_ASSIGN(const SiteData data, TestData(TestFile(rows), UnkeyedSpec()));
  ASSERT_OK_AND_ASSIGN(const SiteData shuffled,
                       TestData(TestFile(Shuffled(rows, 3)), UnkeyedSpec()));
  ExpectEqual(data, shuffled);
}

TEST(SiteDataOrderTest, OtherSpellingsOfTheSameNumbersGiveTheSameData) {
  const std::string header = "id,age,bmi,admission,died\n";
  for (const v1::DataSpec& spec : {KeyedSpec(), UnkeyedSpec()}) {
    std::string plain = header;
    std::string other = header;
    for (int i = 0; i < 60; ++i) {
      const std::string id = "p" + std::to_string(i);
      const std::string label = std::to_string(i % 2);
      plain += id + "," + std::to_string(i) + ",0,medical," + label + "\n";
      other += " \"" + id + "\", " + std::to_string(i) + ".0 ,-0e5,\"medical\"," + label + "\r\n";
    }
    ASSERT_OK_AND_ASSIGN(const SiteData a, TestData(plain, spec));
    ASSERT_OK_AND_ASSIGN(const SiteData b, TestData(other, spec));
    ExpectEqual(a, b);
  }
}

TEST(SiteDataOrderTest, ColumnsThatAreNotDeclaredDoNotTouchTheSplit) {
  const std::vector<std::string> rows = TestRows(300, 1);
  std::string wider = "id,note,age,bmi,admission,died\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t comma = rows[i].find(',');
    wider += "x" + std::to_string(i * i) + ",n" + std::to_string(i) + rows[i].substr(comma) + "\n";
  }
  ASSERT_OK_AND_ASSIGN(const SiteData data, TestData(TestFile(rows), UnkeyedSpec()));
  ASSERT_OK_AND_ASSIGN(const SiteData other, TestData(wider, UnkeyedSpec()));
  ExpectEqual(data, other);
}

TEST(SiteDataOrderTest, RowsOfOneKeyStayInOnePart) {
  // The age names the key, so that the parts can be told apart after preparing.
  std::string text = "id,age,bmi,admission,died\n";
  for (int i = 0; i < 3000; ++i) {
    const std::string key = std::to_string(i % 300);
    text += "p" + key + "," + key + "," + std::to_string(i) + ",medical," + std::to_string(i & 1) +
            "\n";
  }
  ASSERT_OK_AND_ASSIGN(const SiteData data, TestData(text, KeyedSpec()));
  std::map<float, std::set<SplitPart>> parts_of_key;
  std::map<float, int> rows_of_key;
  for (const SplitPart part : kParts) {
    const auto rows = data.Prepare(part, learning::InputTransform::Identity(data.num_inputs()));
    for (std::size_t i = 0; i < rows.features.size(); i += data.num_inputs()) {
      parts_of_key[rows.features[i]].insert(part);
      ++rows_of_key[rows.features[i]];
    }
  }
  ASSERT_EQ(parts_of_key.size(), 300u);
  for (const auto& [key, parts] : parts_of_key) {
    EXPECT_EQ(parts.size(), 1u) << key;
    EXPECT_EQ(rows_of_key[key], 10) << key;
  }
}

TEST(SiteDataOrderTest, AKeyGoesToTheSamePartWhateverElseIsInTheFile) {
  const std::vector<std::string> rows = TestRows(400, 1);
  std::vector<std::string> half(rows.begin(), rows.begin() + 200);
  ASSERT_OK_AND_ASSIGN(const SiteData all, TestData(TestFile(rows), KeyedSpec()));
  ASSERT_OK_AND_ASSIGN(const SiteData some, TestData(TestFile(half), KeyedSpec()));
  const auto identity = learning::InputTransform::Identity(all.num_inputs());
  for (const SplitPart part : kParts) {
    const auto wide = all.Prepare(part, identity);
    const auto narrow = some.Prepare(part, identity);
    std::set<std::vector<float>> known;
    const auto row_of = [&all](const learning::Dataset& data, std::size_t i) {
      const auto begin = data.features.begin() + static_cast<std::ptrdiff_t>(i * all.num_inputs());
      return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(all.num_inputs()));
    };
    for (std::size_t i = 0; i < wide.labels.size(); ++i) known.insert(row_of(wide, i));
    for (std::size_t i = 0; i < narrow.labels.size(); ++i) {
      EXPECT_TRUE(known.contains(row_of(narrow, i)));
    }
  }
}

TEST(SiteDataOrderTest, AnotherSeedGivesAnotherSplit) {
  const std::vector<std::string> rows = TestRows(500, 1);
  v1::DataSpec spec = UnkeyedSpec();
  ASSERT_OK_AND_ASSIGN(const SiteData one, TestData(TestFile(rows), spec));
  spec.mutable_split()->set_seed(8);
  ASSERT_OK_AND_ASSIGN(const SiteData two, TestData(TestFile(rows), spec));
  EXPECT_NE(Bytes(one, SplitPart::kTrain), Bytes(two, SplitPart::kTrain));
}

}  // namespace
}  // namespace skerry::client

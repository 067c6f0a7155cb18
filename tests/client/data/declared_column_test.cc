#include "client/data/declared_column.h"

#include "client/data/spec.h"
#include "testing/status_matchers.h"

namespace skerry::client {
namespace {

using skerry::testing::Fails;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = DeclaredColumn::Kind;

std::string CanonicalOf(const DeclaredColumn& column, double value) {
  std::string contents;
  AppendCanonical(column, value, contents);
  return contents;
}

TEST(DeclaredColumnTest, FeaturesCategoriesAndLabelFollowEachOther) {
  const auto columns = DeclaredColumns(TestSpec());
  ASSERT_EQ(columns.size(), 4u);
  EXPECT_EQ(columns[0].name, "age");
  EXPECT_EQ(columns[0].kind, Kind::kNumber);
  EXPECT_EQ(columns[2].name, "admission");
  EXPECT_EQ(columns[2].kind, Kind::kLevel);
  EXPECT_THAT(columns[2].names, ElementsAre("medical", "surgical"));
  EXPECT_EQ(columns[3].name, "died");
  EXPECT_EQ(columns[3].kind, Kind::kClass);
}

TEST(DeclaredColumnTest, AValueIsANumberOrTheFirstPlaceOfItsName) {
  v1::DataSpec spec = TestSpec();
  spec.mutable_categories(0)->add_levels("medical");
  const auto columns = DeclaredColumns(spec);
  ASSERT_OK_AND_ASSIGN(const double age, ValueOf(columns[0], "68.5"));
  EXPECT_EQ(age, 68.5);
  ASSERT_OK_AND_ASSIGN(const double medical, ValueOf(columns[2], "medical"));
  EXPECT_EQ(medical, 0);
  ASSERT_OK_AND_ASSIGN(const double surgical, ValueOf(columns[2], "surgical"));
  EXPECT_EQ(surgical, 1);
  EXPECT_THAT(ValueOf(columns[2], "Surgical"),
              Fails(Code::kInvalidArgument, HasSubstr("the nearest is \"surgical\"")));
  EXPECT_THAT(ValueOf(columns[0], "surgical"),
              Fails(Code::kInvalidArgument, HasSubstr("not a number")));
}

// The split of every row hangs on these bytes.
TEST(DeclaredColumnTest, TheCanonicalSpellingIsTheDocumentedOne) {
  const auto columns = DeclaredColumns(TestSpec());
  EXPECT_EQ(CanonicalOf(columns[0], 1.0), std::string("n\0\0\0\0\0\0\xF0\x3F", 9));
  EXPECT_EQ(CanonicalOf(columns[0], -2.0), std::string("n\0\0\0\0\0\0\0\xC0", 9));
  EXPECT_EQ(CanonicalOf(columns[2], 1), std::string("t\x08\0\0\0surgical", 13));
  EXPECT_EQ(CanonicalOf(columns[3], 0), std::string("t\x01\0\0\0"
                                                    "0",
                                                    6));
  std::string missing;
  AppendMissing(missing);
  EXPECT_EQ(missing, "m");
}

}  // namespace
}  // namespace skerry::client

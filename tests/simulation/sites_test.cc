#include "simulation/sites.h"

#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::simulation {
namespace {

using skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(SitesTest, TwoFilesOfOneStemAreNotTwoSitesOfOneName) {
  testing::TempDir dir;
  dir.Write("north.csv", "id\n1\n");
  dir.Write("north.txt", "id\n1\n");
  EXPECT_THAT(SitesFromFiles("north.*", dir.path()).status(),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("north.csv and "), HasSubstr("north.txt are both site"))));
  EXPECT_OK(SitesFromFiles("*.csv", dir.path()));
}

std::string Text(std::initializer_list<char> bytes) { return {bytes}; }

TEST(SitesTest, EveryNumberAmongThePartsOfImagesIsASite) {
  testing::TempDir dir;
  dir.Write("images", Text({0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 1, 5, 6, 7}));
  dir.Write("labels", Text({0, 0, 8, 1, 0, 0, 0, 3, 1, 0, 1}));
  dir.Write("parts", Text({12, 3, 12}));
  coordinator::SimulationSettings::Idx idx = {"images", "labels", "parts", 1};
  ASSERT_OK_AND_ASSIGN(const auto sites, SitesFromIdx(idx, dir.path()));
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].name, "site-03");
  EXPECT_EQ(sites[1].name, "site-12");
  const std::string columns[] = {"pixel0"};
  ASSERT_OK_AND_ASSIGN(const auto table, sites[1].rows(columns));
  ASSERT_EQ(table->num_rows(), 2U);
  EXPECT_EQ(table->Cell(1, 0), "7");
  idx.parts.clear();
  ASSERT_OK_AND_ASSIGN(const auto one, SitesFromIdx(idx, dir.path()));
  ASSERT_EQ(one.size(), 1U);
  ASSERT_OK_AND_ASSIGN(const auto all, one[0].rows(columns));
  EXPECT_EQ(all->num_rows(), 3U);
}

}  // namespace
}  // namespace skerry::simulation

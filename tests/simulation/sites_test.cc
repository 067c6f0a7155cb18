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

}  // namespace
}  // namespace skerry::simulation

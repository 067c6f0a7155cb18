#include "crypto/identity.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "testing/status_matchers.h"

namespace skerry::crypto {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(IdentityTest, EachRoleHasItsUri) {
  EXPECT_EQ(IdentityUri({"icu", Role::kSite, "north"}), "skerry://icu/site/north");
  EXPECT_EQ(IdentityUri({"icu", Role::kAdmin, "ada"}), "skerry://icu/admin/ada");
  EXPECT_EQ(IdentityUri({"icu", Role::kCoordinator, ""}), "skerry://icu/coordinator");
}

TEST(IdentityTest, AUriReadsBackAsTheIdentityThatMadeIt) {
  for (const Identity& identity :
       {Identity{"icu", Role::kSite, "north-2"}, Identity{"a", Role::kAdmin, "b"},
        Identity{std::string(63, 'f'), Role::kSite, std::string(63, 's')},
        Identity{"icu", Role::kCoordinator, ""}}) {
    ASSERT_OK_AND_ASSIGN(const Identity again, ParseIdentityUri(IdentityUri(identity)));
    EXPECT_EQ(again, identity);
  }
}

TEST(IdentityTest, MessagesNameRoleNameAndFederation) {
  EXPECT_EQ(Describe({"icu", Role::kSite, "north"}), "site \"north\" of federation \"icu\"");
  EXPECT_EQ(Describe({"icu", Role::kAdmin, "ada"}), "admin \"ada\" of federation \"icu\"");
  EXPECT_EQ(Describe({"icu", Role::kCoordinator, ""}), "coordinator of federation \"icu\"");
}

struct BadUri {
  std::string uri;
  const char* complaint;
};

void PrintTo(const BadUri& bad, std::ostream* out) { *out << bad.complaint; }

class BadUriTest : public ::testing::TestWithParam<BadUri> {};

TEST_P(BadUriTest, IsRefusedWithWhatIsWrong) {
  EXPECT_THAT(ParseIdentityUri(GetParam().uri),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr(GetParam().complaint), HasSubstr("skerry://FEDERATION/"))));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadUriTest,
    ::testing::Values(BadUri{"", "does not begin with skerry://"},
                      BadUri{"https://icu/site/north", "does not begin with skerry://"},
                      BadUri{"SKERRY://icu/site/north", "does not begin with skerry://"},
                      BadUri{"skerry://", "\"\" is no federation's name"},
                      BadUri{"skerry:///site/north", "\"\" is no federation's name"},
                      BadUri{"skerry://ICU/site/north", "\"ICU\" is no federation's name"},
                      BadUri{"skerry://icu", "has no role"},
                      BadUri{"skerry://icu/", "\"\" is no role"},
                      BadUri{"skerry://icu/ca", "\"ca\" is no role"},
                      BadUri{"skerry://icu/Site/north", "\"Site\" is no role"},
                      BadUri{"skerry://icu/coordinator/one", "has no name of its own"},
                      BadUri{"skerry://icu/coordinator/", "has no name of its own"},
                      BadUri{"skerry://icu/site", "name of the site is missing"},
                      BadUri{"skerry://icu/admin", "name of the admin is missing"},
                      BadUri{"skerry://icu/site/", "\"\" is no name"},
                      BadUri{"skerry://icu/site/north/..", "more after the name"},
                      BadUri{"skerry://icu/site/-north", "\"-north\" is no name"},
                      BadUri{"skerry://icu/site/no rth", "\"no rth\" is no name"},
                      BadUri{"skerry://icu/site/" + std::string(64, 'n'), "is no name"},
                      BadUri{std::string("skerry://icu/site/north\0x", 25),
                             "\"north\\x00x\" is no name"}));

}  // namespace
}  // namespace skerry::crypto

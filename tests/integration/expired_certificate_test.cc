// Certificates that have run out, at the start and later: said in words, and healed by a new one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/files.h"
#include "crypto/certificates.h"
#include "deployment.h"
#include "testing/status_matchers.h"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kDaySeconds = 86'400;

int64_t UnixNow() { return SystemClock().WallNow().unix_millis / 1000; }

class ExpiredCertificateTest : public ::testing::Test {
 protected:
  // Puts a certificate into a kit that expires `seconds` from now; its key first, as a careful
  // operator would. Returns when.
  int64_t Renew(const std::string& kit, const std::string& stem, const crypto::Identity& identity,
                int64_t seconds) {
    PosixFiles files;
    const auto authority = crypto::CertificateAuthority::Open(files, federation_.File("ca"));
    EXPECT_OK(authority);
    const int64_t end = UnixNow() + seconds;
    const ManualClock a_day_before({(end - kDaySeconds) * 1000});
    const auto issued = authority->Issue(identity, {}, a_day_before, /*days=*/1);
    EXPECT_OK(issued);
    const std::string path = federation_.Kit(kit) + "/" + stem;
    EXPECT_OK(PublishFile(files, path + ".key", issued->key_pem.Reveal()));
    EXPECT_OK(PublishFile(files, path + ".pem", issued->certificate_pem));
    return end;
  }
  int64_t RenewNorth(int64_t seconds) {
    return Renew("north", "north", {"test", crypto::Role::kSite, "north"}, seconds);
  }
  int64_t RenewCoordinator(int64_t seconds) {
    return Renew("coordinator", "coordinator", {"test", crypto::Role::kCoordinator, ""}, seconds);
  }
  static void WaitUntilAfter(int64_t unix_seconds) {
    ASSERT_TRUE(Eventually([&] { return UnixNow() > unix_seconds; }));
  }
  Finished Start(const std::string& program, const std::string& config) {
    return RunToEnd({Program(program), "--config", config}, federation_.path());
  }

  Deployment federation_{{"north"}};
};

TEST_F(ExpiredCertificateTest, NeitherSideStartsWithOneAndEachNamesFileAndDate) {
  RenewNorth(-1);
  RenewCoordinator(-1);
  const Finished client = Start("skerry-client", federation_.Kit("north") + "/agent.toml");
  EXPECT_EQ(client.exit_code, 6);
  EXPECT_THAT(client.err,
              AllOf(HasSubstr("north.pem: the certificate expired on 20"), HasSubstr("hint:")));
  const Finished coordinator =
      Start("skerry-coordinator", federation_.Kit("coordinator") + "/coordinator.toml");
  EXPECT_EQ(coordinator.exit_code, 6);
  EXPECT_THAT(coordinator.err, HasSubstr("coordinator.pem: the certificate expired on 20"));
}

TEST_F(ExpiredCertificateTest, TheCoordinatorsIsNamedInTheClientsLogAndANewOneHealsIt) {
  const int64_t end = RenewCoordinator(2);
  federation_.StartCoordinator();
  WaitUntilAfter(end);
  federation_.StartClient("north");
  Process& north = federation_.client("north");
  ASSERT_TRUE(north.WaitFor("trying on")) << north.Output();
  EXPECT_THAT(north.Output(), AllOf(HasSubstr("cannot reach the coordinator: the certificate of "),
                                    HasSubstr(" expired at 20")));
  RenewCoordinator(kDaySeconds);
  EXPECT_TRUE(north.WaitFor("joined as site")) << "without a restart of either: " << north.Output();
}

TEST_F(ExpiredCertificateTest, TheClientsOwnIsNamedInItsLogAndANewOneHealsIt) {
  federation_.StartCoordinator();
  const int64_t end = RenewNorth(3);
  federation_.StartClient("north");
  Process& north = federation_.client("north");
  ASSERT_TRUE(north.WaitFor("joined as site")) << north.Output();
  federation_.coordinator().Kill9();
  ASSERT_TRUE(north.WaitFor("trying on")) << north.Output();
  WaitUntilAfter(end);
  federation_.StartCoordinator();
  ASSERT_TRUE(north.WaitFor("it has expired")) << north.Output();
  EXPECT_TRUE(north.IsRunning());
  RenewNorth(kDaySeconds);
  EXPECT_TRUE(north.WaitFor("the coordinator answers again")) << north.Output();
}

}  // namespace
}  // namespace skerry::testing

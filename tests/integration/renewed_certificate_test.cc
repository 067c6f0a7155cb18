// A new certificate under a running coordinator: the one that is really shown to those who connect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "deployment.h"
#include "served_certificate.h"

namespace skerry::testing {
namespace {

class RenewedCertificateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    federation_.StartAll();
    before_ = Shown();
    ASSERT_EQ(before_, ReadAll(InKit("coordinator.pem")));
  }
  std::string InKit(const std::string& file) const {
    return federation_.Kit("coordinator") + "/" + file;
  }
  std::string Shown() const { return ServedCertificate(federation_.port()); }
  // Issues a new pair, beside the kit.
  void Issue() const {
    const Finished issued =
        federation_.Skerry({"ca", "issue", "--dir", federation_.File("ca"), "--out",
                            federation_.File("renewed"), "--coordinator", "localhost"});
    ASSERT_EQ(issued.exit_code, 0) << issued.err;
  }
  void Install(const std::string& file) const {
    std::filesystem::rename(federation_.File("renewed/coordinator/" + file), InKit(file));
  }
  int RunOnce() const { return federation_.WaitForEnd(federation_.Submit(Deployment::RunFile(1))); }

  Deployment federation_{{"north"}};
  std::string before_;
};

TEST_F(RenewedCertificateTest, IsShownWithoutARestartInTheMiddleOfARun) {
  std::string file = Deployment::RunFile(20);
  file.replace(file.find("seed = 3"), 8, "seed = 3\nmin_round = \"200ms\"");
  const std::string run = federation_.Submit(file);
  Issue();
  Install("coordinator.key");
  Install("coordinator.pem");
  const std::string after = ReadAll(InKit("coordinator.pem"));
  ASSERT_NE(after, before_);
  EXPECT_TRUE(Eventually([&] { return Shown() == after; }));
  EXPECT_EQ(federation_.WaitForEnd(run), 0);
  federation_.StartClient("north");
  EXPECT_TRUE(federation_.client("north").WaitFor("joined as site")) << "a new connection";
}

TEST_F(RenewedCertificateTest, ThatDoesNotFitItsKeyIsNamedInTheLogAndTheOldPairStays) {
  Issue();
  Install("coordinator.pem");
  ASSERT_TRUE(federation_.coordinator().WaitFor("coordinator.key, the key of "));
  EXPECT_TRUE(federation_.coordinator().WaitFor("the certificate of before stays in use"));
  EXPECT_EQ(Shown(), before_);
  federation_.StartClient("north");
  EXPECT_TRUE(federation_.client("north").WaitFor("joined as site")) << "a new connection";
  EXPECT_EQ(RunOnce(), 0);
  Install("coordinator.key");  // the other half
  const std::string after = ReadAll(InKit("coordinator.pem"));
  EXPECT_TRUE(Eventually([&] { return Shown() == after; }));
  federation_.StartClient("north");
  EXPECT_TRUE(federation_.client("north").WaitFor("joined as site"));
  EXPECT_EQ(RunOnce(), 0);
}

}  // namespace
}  // namespace skerry::testing

#include "cli/kit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/memory_files.h"
#include "client/app/client_config.h"
#include "coordinator/app/coordinator_config.h"
#include "testing/status_matchers.h"

namespace skerry::cli {
namespace {

using skerry::testing::Fails;
using skerry::testing::HasCode;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class KitTest : public ::testing::Test {
 protected:
  KitTest()
      : ca_(crypto::CertificateAuthority::Init(files_, "ca", "icu", clock_, {}).value()),
        maker_(files_, clock_, ca_, "ca", "kits", 90) {}

  std::vector<std::string> Names(const std::string& kit) {
    return files_.List("kits/" + kit).value();
  }
  crypto::CertificateInfo Certificate(const std::string& path) {
    return crypto::ReadCertificate(ReadFile(files_, path).value()).value();
  }
  client::ClientConfig Agent(const std::string& site) {
    const auto config =
        client::LoadClientConfig(files_, "kits/" + site + "/agent.toml", /*insecure=*/false);
    EXPECT_OK(config);
    return config.ok() ? *config : client::ClientConfig();
  }

  MemoryFiles files_;
  ManualClock clock_{WallTime{1'790'000'000'000}};
  crypto::CertificateAuthority ca_;
  KitMaker maker_;
};

TEST_F(KitTest, TheCoordinatorsKitIsAllThatItNeeds) {
  ASSERT_OK(maker_.MakeCoordinator("fl.example.org", 9443));
  EXPECT_THAT(Names("coordinator"),
              ElementsAre("ca.pem", "coordinator.key", "coordinator.pem", "coordinator.toml"));
  ASSERT_OK_AND_ASSIGN(const auto config, coordinator::LoadCoordinatorConfig(
                                              files_, "kits/coordinator/coordinator.toml", false));
  EXPECT_EQ(config.address, "0.0.0.0:9443");
  EXPECT_EQ(config.state_dir, "kits/coordinator/state");
  EXPECT_EQ(config.tls.key, "kits/coordinator/coordinator.key");
  const crypto::CertificateInfo certificate = Certificate("kits/coordinator/coordinator.pem");
  EXPECT_THAT(certificate.uris, ElementsAre("skerry://icu/coordinator"));
  EXPECT_THAT(certificate.dns_names, AllOf(Contains("fl.example.org"), Contains("localhost")));
  EXPECT_EQ(certificate.not_after_unix, 1'790'000'000 + 90 * 86400);
  EXPECT_THAT(maker_.report(), ElementsAre(HasSubstr("valid 90 days")));
}

TEST_F(KitTest, ASitesKitDialsTheCoordinatorThatWasIssuedBefore) {
  ASSERT_OK(maker_.MakeCoordinator("fl.example.org", 9443));
  ASSERT_OK(maker_.MakeSite("north", "icu=/srv/{site}/data.csv"));
  EXPECT_THAT(Names("north"), ElementsAre("agent.toml", "ca.pem", "north.key", "north.pem"));
  const client::ClientConfig config = Agent("north");
  EXPECT_EQ(config.site, "north");
  EXPECT_EQ(config.coordinator, "fl.example.org:9443");
  ASSERT_THAT(config.sources, SizeIs(1));
  EXPECT_EQ(config.sources.at("icu").csv, "/srv/north/data.csv");
  EXPECT_THAT(Certificate("kits/north/north.pem").uris, ElementsAre("skerry://icu/site/north"));
  EXPECT_EQ(ReadFile(files_, "kits/north/ca.pem").value(), ca_.certificate_pem());
}

TEST_F(KitTest, AnAdminsKitIsInAFolderThatNoSiteCanHave) {
  ASSERT_OK(maker_.SetAddress("fl.example.org:8443"));
  ASSERT_OK(maker_.MakeAdmin("ada"));
  EXPECT_THAT(Names("admin-ada"), ElementsAre("ada.key", "ada.pem", "admin.toml", "ca.pem"));
  EXPECT_THAT(ReadFile(files_, "kits/admin-ada/admin.toml").value(),
              AllOf(HasSubstr("coordinator = \"fl.example.org:8443\""),
                    HasSubstr("certificate = \"ada.pem\"")));
}

TEST_F(KitTest, AnAddressOfNumbersAndColonsStandsInBrackets) {
  ASSERT_OK(maker_.MakeCoordinator("2001:db8::1", 8443));
  ASSERT_OK(maker_.MakeSite("north", ""));
  EXPECT_EQ(Agent("north").coordinator, "[2001:db8::1]:8443");
}

TEST_F(KitTest, WithoutAnAddressTheNextStepIsNamed) {
  EXPECT_THAT(maker_.MakeSite("north", ""),
              Fails(Code::kFailedPrecondition, HasSubstr("--address HOST:PORT")));
  EXPECT_THAT(maker_.SetAddress("fl.example.org"), HasCode(Code::kInvalidArgument));
}

TEST_F(KitTest, AKitThatIsThereIsNotOverwritten) {
  ASSERT_OK(maker_.MakeCoordinator("fl.example.org", 8443));
  ASSERT_OK(maker_.MakeSite("north", ""));
  const std::string key = ReadFile(files_, "kits/north/north.key").value();
  EXPECT_THAT(maker_.MakeSite("north", ""),
              Fails(Code::kAlreadyExists, HasSubstr("its key may be in use")));
  EXPECT_EQ(ReadFile(files_, "kits/north/north.key").value(), key);
}

TEST_F(KitTest, DataMustBeANameAndAFile) {
  ASSERT_OK(maker_.SetAddress("h:1"));
  for (const char* data : {"icu", "=file.csv"}) {
    EXPECT_THAT(maker_.MakeSite("north", data),
                Fails(Code::kInvalidArgument, HasSubstr("NAME=FILE")));
  }
}

TEST_F(KitTest, NamesAndPathsOfAnyKindSurviveTheFile) {
  ASSERT_OK(maker_.SetAddress("h:1"));
  ASSERT_OK(maker_.MakeSite("north", "my data=C:\\new\\\"x\"\ty=z.csv"));
  ASSERT_OK(maker_.MakeSite("south", "a.b=/srv/{SITE}.csv"));
  EXPECT_EQ(Agent("north").sources.at("my data").csv, "kits/north/C:\\new\\\"x\"\ty=z.csv");
  EXPECT_EQ(Agent("south").sources.at("a.b").csv, "/srv/{SITE}.csv");
}

TEST_F(KitTest, ABadNameLeavesNoKit) {
  ASSERT_OK(maker_.SetAddress("h:1"));
  EXPECT_THAT(maker_.MakeSite("../evil", ""), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(maker_.MakeAdmin("Ada L"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(files_.List("kits"), HasCode(Code::kNotFound));
}

}  // namespace
}  // namespace skerry::cli

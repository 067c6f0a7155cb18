#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/memory_files.h"
#include "cli/kit.h"
#include "testing/each_call.h"

// Every call to the disk fails in turn while a certificate authority and kits are made.
namespace skerry::cli {
namespace {

using crypto::CertificateAuthority;

class KitFaultsTest : public ::testing::TestWithParam<testing::Failing> {
 protected:
  void Arm(int64_t k) { faults_.Arm(std::get<0>(GetParam()), k, std::get<1>(GetParam())); }

  // A key is under its name whole, and for its certificate, or not at all.
  void ExpectNoHalfKey(Files& files, const std::string& stem) {
    const Result<std::string> key = ReadFile(files, stem + ".key");
    if (key.status().code() == Code::kNotFound) return;
    ASSERT_OK(key);
    EXPECT_TRUE(key->starts_with("-----BEGIN"));
    EXPECT_TRUE(key->ends_with("PRIVATE KEY-----\n"));
  }

  ManualClock clock_{WallTime{1'790'000'000'000}};
  testing::DiskFaults faults_;
};

TEST_P(KitFaultsTest, AnAuthorityThatCouldNotBeMadeIsMadeAgain) {
  const int64_t num_calls = testing::FailEachCall(faults_, [&](int64_t k) {
    MemoryFiles files;
    testing::FaultyFiles disk(files, faults_);
    Arm(k);
    const Status made = CertificateAuthority::Init(disk, "ca", "icu", clock_, {}).status();
    faults_.Heal();
    ExpectNoHalfKey(files, "ca/ca");
    if (!made.ok()) {
      testing::ExpectTold(made, GetParam(), faults_);
      // There already: its last step, to sync the name, has failed.
      const Status again = CertificateAuthority::Init(disk, "ca", "icu", clock_, {}).status();
      EXPECT_TRUE(again.ok() || again.code() == Code::kAlreadyExists) << again.ToString();
    }
    EXPECT_OK(CertificateAuthority::Open(files, "ca"));
  });
  EXPECT_GT(num_calls, 3);
}

TEST_P(KitFaultsTest, AKitThatCouldNotBeMadeIsMadeAgain) {
  const int64_t num_calls = testing::FailEachCall(faults_, [&](int64_t k) {
    MemoryFiles files;
    testing::FaultyFiles disk(files, faults_);
    const auto ca = CertificateAuthority::Init(files, "ca", "icu", clock_, {}).value();
    KitMaker maker(disk, clock_, ca, "ca", "kits", 90);
    const auto make = [&]() -> Status {
      SKERRY_RETURN_IF_ERROR(maker.MakeCoordinator("fl.example.org", 8443));
      return maker.MakeSite("north", "icu=/srv/icu.csv");
    };
    Arm(k);
    const Status made = make();
    faults_.Heal();
    ExpectNoHalfKey(files, "kits/coordinator/coordinator");
    ExpectNoHalfKey(files, "kits/north/north");
    if (made.ok()) return;
    testing::ExpectTold(made, GetParam(), faults_);
    // What was finished stays; the message of a missing address says what to do.
    const Status coordinator = maker.MakeCoordinator("fl.example.org", 8443);
    EXPECT_TRUE(coordinator.ok() || coordinator.code() == Code::kAlreadyExists);
    if (made.ToString().find("--address fl.example.org:8443") != std::string::npos) {
      ASSERT_OK(maker.SetAddress("fl.example.org:8443"));
    }
    EXPECT_OK(maker.MakeSite("north", "icu=/srv/icu.csv"));
  });
  EXPECT_GT(num_calls, 10);
}

TEST_P(KitFaultsTest, TheKeyOfAKitThatIsThereIsNotReplaced) {
  MemoryFiles files;
  testing::FaultyFiles disk(files, faults_);
  const auto ca = CertificateAuthority::Init(files, "ca", "icu", clock_, {}).value();
  KitMaker maker(disk, clock_, ca, "ca", "kits", 90);
  ASSERT_OK(maker.SetAddress("fl.example.org:8443"));
  ASSERT_OK(maker.MakeSite("north", ""));
  const std::string key = ReadFile(files, "kits/north/north.key").value();
  testing::FailEachCall(faults_, [&](int64_t k) {
    Arm(k);
    EXPECT_FALSE(maker.MakeSite("north", "").ok());
    faults_.Heal();
    EXPECT_EQ(ReadFile(files, "kits/north/north.key").value(), key);
  });
}

INSTANTIATE_TEST_SUITE_P(EveryCall, KitFaultsTest, testing::EveryFailing(), testing::NameOf);

}  // namespace
}  // namespace skerry::cli

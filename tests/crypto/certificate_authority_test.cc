#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>
#include <string>

#include "base/memory_files.h"
#include "crypto/certificates.h"
#include "crypto/federation.h"
#include "crypto/openssl.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace skerry::crypto {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr int64_t kDay = 86400;

class CertificateAuthorityTest : public ::testing::Test {
 protected:
  Result<CertificateAuthority> Init(const std::string& directory = "/ca",
                                    const std::string& federation = "icu", int64_t days = 3650) {
    return CertificateAuthority::Init(files_, directory, federation, clock_, {.ca_days = days});
  }

  MemoryFiles files_;
  ManualClock clock_{At(kTodayUnix)};
};

UniqueCertificate Parsed(const std::string& pem) {
  Result<UniqueCertificate> certificate = ParseCertificate(pem);
  EXPECT_OK(certificate);
  return std::move(certificate).value();
}

// What OpenSSL says of the chain on that day, for that purpose: X509_V_OK or another number.
int Verify(const std::string& leaf_pem, const std::string& ca_pem, int purpose,
           int64_t unix_seconds = kTodayUnix) {
  const UniqueCertificate leaf = Parsed(leaf_pem);
  const UniqueCertificate authority = Parsed(ca_pem);
  const std::unique_ptr<X509_STORE, Freer<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority.get());
  const std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_STORE_CTX_set_time(context.get(), 0, static_cast<time_t>(unix_seconds));
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

bool IsCritical(const X509* certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate, nid, -1);
  return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) == 1;
}

TEST_F(CertificateAuthorityTest, ItsCertificateMaySignLeavesAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(const CertificateAuthority authority, Init());
  const UniqueCertificate certificate = Parsed(authority.certificate_pem());
  EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
  EXPECT_NE(X509_get_extension_flags(certificate.get()) & EXFLAG_CA, 0U);
  EXPECT_EQ(X509_get_pathlen(certificate.get()), 0);
  EXPECT_EQ(X509_get_key_usage(certificate.get()), unsigned{KU_KEY_CERT_SIGN | KU_CRL_SIGN});
  EXPECT_TRUE(IsCritical(certificate.get(), NID_basic_constraints));
  EXPECT_TRUE(IsCritical(certificate.get(), NID_key_usage));
  EXPECT_NE(X509_get0_subject_key_id(certificate.get()), nullptr);
  EXPECT_NE(X509_get0_authority_key_id(certificate.get()), nullptr);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(certificate.get())), 256);
  EXPECT_EQ(X509_get_signature_nid(certificate.get()), NID_ecdsa_with_SHA256);
}

TEST_F(CertificateAuthorityTest, ItIsValidForTheDaysThatWereAskedFor) {
  ASSERT_OK_AND_ASSIGN(const CertificateAuthority authority, Init("/ca", "icu", 100));
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(authority.certificate_pem()));
  EXPECT_EQ(info.not_before_unix, kTodayUnix - 300);
  EXPECT_EQ(info.not_after_unix, kTodayUnix + 100 * kDay);
  EXPECT_THAT(info.uris, ElementsAre("skerry://icu/ca"));
  EXPECT_EQ(info.subject, info.issuer);
}

TEST_F(CertificateAuthorityTest, OpenGivesTheAuthorityThatInitMade) {
  ASSERT_OK_AND_ASSIGN(const CertificateAuthority made, Init());
  ASSERT_OK_AND_ASSIGN(const CertificateAuthority opened,
                       CertificateAuthority::Open(files_, "/ca"));
  EXPECT_EQ(opened.federation(), "icu");
  EXPECT_EQ(opened.certificate_pem(), made.certificate_pem());
  const PemPair leaf = IssueFor(opened, "skerry://icu/site/north");
  EXPECT_EQ(Verify(leaf.certificate, made.certificate_pem(), X509_PURPOSE_SSL_CLIENT), X509_V_OK);
}

TEST_F(CertificateAuthorityTest, ASecondInitKeepsTheFirstAuthority) {
  ASSERT_OK_AND_ASSIGN(const CertificateAuthority first, Init());
  ASSERT_OK_AND_ASSIGN(const std::string key, ReadFile(files_, "/ca/ca.key"));
  EXPECT_THAT(Init(), Fails(Code::kAlreadyExists, HasSubstr("/ca/ca.pem")));
  EXPECT_THAT(ReadFile(files_, "/ca/ca.key").value(), key);
  EXPECT_THAT(ReadFile(files_, "/ca/ca.pem").value(), first.certificate_pem());
}

TEST_F(CertificateAuthorityTest, AnInitThatWasCutShortGoesOnWithTheKeyThatIsThere) {
  ASSERT_OK(Init());
  ASSERT_OK_AND_ASSIGN(const std::string key, ReadFile(files_, "/ca/ca.key"));
  ASSERT_OK(files_.Remove("/ca/ca.pem"));
  EXPECT_OK(Init());
  EXPECT_EQ(ReadFile(files_, "/ca/ca.key").value(), key);
  EXPECT_OK(CertificateAuthority::Open(files_, "/ca"));
}

TEST_F(CertificateAuthorityTest, WhatInitMadeSurvivesAPowerLoss) {
  ASSERT_OK(Init());
  files_.PowerLoss();
  EXPECT_OK(CertificateAuthority::Open(files_, "/ca"));
  EXPECT_THAT(files_.List("/ca").value(), UnorderedElementsAre("ca.key", "ca.pem"));
}

TEST_F(CertificateAuthorityTest, OnDiskTheKeyIsForItsOwnerAlone) {
  const testing::TempDir dir;
  PosixFiles files;
  // Left by somebody else, and readable by all: the key must not end up in such a file.
  dir.Write("ca/ca.key.tmp", "");
  ASSERT_EQ(::chmod(dir.File("ca/ca.key.tmp").c_str(), 0644), 0);
  ASSERT_OK(CertificateAuthority::Init(files, dir.File("ca"), "icu", clock_, {}));
  struct stat info {};
  ASSERT_EQ(::stat(dir.File("ca/ca.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_THAT(files.List(dir.File("ca")).value(), ElementsAre("ca.key", "ca.pem"));
  EXPECT_OK(CertificateAuthority::Open(files, dir.File("ca")));
}

TEST_F(CertificateAuthorityTest, WithoutAnAuthorityOpenSaysHowToMakeOne) {
  EXPECT_THAT(CertificateAuthority::Open(files_, "/nowhere"),
              Fails(Code::kNotFound, AllOf(HasSubstr("/nowhere"), HasSubstr("skerry ca init"))));
}

TEST_F(CertificateAuthorityTest, AMissingKeyIsNamed) {
  ASSERT_OK(Init());
  ASSERT_OK(files_.Remove("/ca/ca.key"));
  EXPECT_THAT(CertificateAuthority::Open(files_, "/ca"),
              Fails(Code::kNotFound, HasSubstr("/ca/ca.key")));
}

TEST_F(CertificateAuthorityTest, AKeyOfAnotherAuthorityIsRefused) {
  ASSERT_OK(Init("/a"));
  ASSERT_OK(Init("/b"));
  ASSERT_OK(files_.Rename("/b/ca.key", "/a/ca.key"));
  EXPECT_THAT(CertificateAuthority::Open(files_, "/a"),
              Fails(Code::kFailedPrecondition, HasSubstr("/a/ca.key is not the key of /a/ca.pem")));
}

TEST_F(CertificateAuthorityTest, BrokenFilesAreNamed) {
  ASSERT_OK(Init());
  ASSERT_OK(PublishFile(files_, "/ca/ca.key", "no key"));
  EXPECT_THAT(CertificateAuthority::Open(files_, "/ca"),
              Fails(Code::kInvalidArgument, HasSubstr("/ca/ca.key: there is no private key")));
  ASSERT_OK(PublishFile(files_, "/ca/ca.pem", "no certificate"));
  EXPECT_THAT(CertificateAuthority::Open(files_, "/ca"),
              Fails(Code::kInvalidArgument, HasSubstr("/ca/ca.pem: there is no certificate")));
}

TEST_F(CertificateAuthorityTest, ALeafIsNoAuthority) {
  ASSERT_OK_AND_ASSIGN(const CertificateAuthority authority, Init());
  const PemPair leaf = IssueFor(authority, "skerry://icu/site/north");
  ASSERT_OK(PublishFile(files_, "/ca/ca.pem", leaf.certificate));
  ASSERT_OK(PublishFile(files_, "/ca/ca.key", leaf.key));
  EXPECT_THAT(CertificateAuthority::Open(files_, "/ca"),
              Fails(Code::kInvalidArgument,
                    HasSubstr("is not that of a federation's certificate authority")));
}

TEST_F(CertificateAuthorityTest, AFederationNeedsAName) {
  EXPECT_THAT(Init("/ca", "ICU ward"),
              Fails(Code::kInvalidArgument, HasSubstr("\"ICU ward\" is no name")));
  EXPECT_THAT(files_.List("/ca"), Fails(Code::kNotFound, HasSubstr("/ca")));  // nothing was made
}

TEST_F(CertificateAuthorityTest, ValidityIsOneDayToACentury) {
  EXPECT_THAT(Init("/ca", "icu", 0), Fails(Code::kInvalidArgument, HasSubstr("0 days")));
  EXPECT_THAT(Init("/ca", "icu", 36501), Fails(Code::kInvalidArgument, HasSubstr("36501 days")));
  ASSERT_OK_AND_ASSIGN(const CertificateAuthority authority, Init("/ca", "icu", 36500));
  EXPECT_THAT(authority.Issue({"icu", Role::kSite, "north"}, {}, clock_, -1),
              Fails(Code::kInvalidArgument, HasSubstr("-1 days")));
}

class IssueTest : public ::testing::Test {
 protected:
  const CertificateAuthority authority_ = MakeFederation("icu");
  const ManualClock clock_{At(kTodayUnix)};
};

TEST_F(IssueTest, ACoordinatorMayServeAndNotDial) {
  const PemPair pem = IssueFor(authority_, "skerry://icu/coordinator");
  EXPECT_EQ(Verify(pem.certificate, authority_.certificate_pem(), X509_PURPOSE_SSL_SERVER),
            X509_V_OK);
  EXPECT_EQ(Verify(pem.certificate, authority_.certificate_pem(), X509_PURPOSE_SSL_CLIENT),
            X509_V_ERR_INVALID_PURPOSE);
}

TEST_F(IssueTest, ASiteAndAnAdminMayDialAndNotServe) {
  for (const char* uri : {"skerry://icu/site/north", "skerry://icu/admin/ada"}) {
    const PemPair pem = IssueFor(authority_, uri);
    EXPECT_EQ(Verify(pem.certificate, authority_.certificate_pem(), X509_PURPOSE_SSL_CLIENT),
              X509_V_OK);
    EXPECT_EQ(Verify(pem.certificate, authority_.certificate_pem(), X509_PURPOSE_SSL_SERVER),
              X509_V_ERR_INVALID_PURPOSE);
  }
}

TEST_F(IssueTest, ALeafMaySignMessagesAndNoCertificates) {
  const UniqueCertificate leaf =
      Parsed(IssueFor(authority_, "skerry://icu/site/north").certificate);
  EXPECT_EQ(X509_get_extension_flags(leaf.get()) & EXFLAG_CA, 0U);
  EXPECT_EQ(X509_get_key_usage(leaf.get()), unsigned{KU_DIGITAL_SIGNATURE});
  EXPECT_TRUE(IsCritical(leaf.get(), NID_basic_constraints));
  EXPECT_TRUE(IsCritical(leaf.get(), NID_key_usage));
  EXPECT_EQ(
      ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf.get()),
                            X509_get0_subject_key_id(Parsed(authority_.certificate_pem()).get())),
      0);
}

TEST_F(IssueTest, TheIdentityComesBackFromTheCertificate) {
  for (const char* uri :
       {"skerry://icu/site/north", "skerry://icu/admin/ada", "skerry://icu/coordinator"}) {
    ASSERT_OK_AND_ASSIGN(const CertificateInfo info,
                         ReadCertificate(IssueFor(authority_, uri).certificate));
    ASSERT_OK_AND_ASSIGN(const Identity identity, IdentityOf(info));
    EXPECT_EQ(IdentityUri(identity), uri);
  }
}

TEST_F(IssueTest, TheLongestNamesFit) {
  const std::string name(63, 'n');
  const CertificateAuthority authority = MakeFederation(name);
  for (const Role role : {Role::kSite, Role::kAdmin, Role::kCoordinator}) {
    const std::string uri = IdentityUri({name, role, role == Role::kCoordinator ? "" : name});
    ASSERT_OK_AND_ASSIGN(const CertificateInfo info,
                         ReadCertificate(IssueFor(authority, uri).certificate));
    EXPECT_THAT(info.uris, ElementsAre(uri));
  }
}

TEST_F(IssueTest, KeyAndCertificateBelongTogether) {
  const PemPair pem = IssueFor(authority_, "skerry://icu/site/north");
  ASSERT_OK_AND_ASSIGN(const UniqueKey key, ParseKey(pem.key));
  EXPECT_EQ(X509_check_private_key(Parsed(pem.certificate).get(), key.get()), 1);
}

TEST_F(IssueTest, EveryCertificateHasItsOwnKeyAndSerial) {
  std::set<std::string> serials;
  std::set<std::string> keys;
  for (int i = 0; i < 50; ++i) {
    const PemPair pem = IssueFor(authority_, "skerry://icu/site/north");
    ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(pem.certificate));
    EXPECT_EQ(info.serial_hex.size(), 32U);
    const UniqueCertificate certificate = Parsed(pem.certificate);
    EXPECT_EQ(ASN1_STRING_type(X509_get0_serialNumber(certificate.get())), V_ASN1_INTEGER)
        << "a serial number must not be negative";
    serials.insert(info.serial_hex);
    keys.insert(pem.key);
  }
  EXPECT_EQ(serials.size(), 50U);
  EXPECT_EQ(keys.size(), 50U);
}

TEST_F(IssueTest, ValidityEndsOnTheDayThatWasAskedFor) {
  const PemPair pem = IssueFor(authority_, "skerry://icu/site/north", kTodayUnix, 10);
  const std::string& ca = authority_.certificate_pem();
  const int64_t end = kTodayUnix + 10 * kDay;
  const int purpose = X509_PURPOSE_SSL_CLIENT;
  EXPECT_EQ(Verify(pem.certificate, ca, purpose, kTodayUnix - 301), X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(Verify(pem.certificate, ca, purpose, kTodayUnix - 299), X509_V_OK);
  EXPECT_EQ(Verify(pem.certificate, ca, purpose, end - 1), X509_V_OK);
  EXPECT_EQ(Verify(pem.certificate, ca, purpose, end + 1), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(IssueTest, NoLeafOutlivesItsAuthority) {
  ASSERT_OK_AND_ASSIGN(const CertificateInfo ca, ReadCertificate(authority_.certificate_pem()));
  const PemPair pem = IssueFor(authority_, "skerry://icu/site/north", kTodayUnix, 36500);
  ASSERT_OK_AND_ASSIGN(const CertificateInfo leaf, ReadCertificate(pem.certificate));
  EXPECT_EQ(leaf.not_after_unix, ca.not_after_unix);
}

TEST_F(IssueTest, AnExpiredAuthorityIssuesNothing) {
  const ManualClock later(At(kFoundedUnix + 3650 * kDay));
  EXPECT_THAT(authority_.Issue({"icu", Role::kSite, "north"}, {}, later, 1),
              Fails(Code::kFailedPrecondition, HasSubstr("expired at 2034-12-30T00:00:00Z")));
}

TEST_F(IssueTest, AnotherFederationIsNotVouchedFor) {
  EXPECT_THAT(authority_.Issue({"trauma", Role::kSite, "north"}, {}, clock_, 1),
              Fails(Code::kInvalidArgument,
                    AllOf(HasSubstr("\"icu\""), HasSubstr("federation \"trauma\""))));
}

TEST_F(IssueTest, NamesThatDoNotReadBackAreRefused) {
  EXPECT_THAT(authority_.Issue({"icu", Role::kSite, "a/b"}, {}, clock_, 1),
              Fails(Code::kInvalidArgument, HasSubstr("more after the name")));
  EXPECT_THAT(authority_.Issue({"icu", Role::kSite, ""}, {}, clock_, 1),
              Fails(Code::kInvalidArgument, HasSubstr("is no name")));
  EXPECT_THAT(authority_.Issue({"icu", Role::kCoordinator, "one"}, {}, clock_, 1),
              Fails(Code::kInvalidArgument, HasSubstr("no name of its own")));
}

TEST_F(IssueTest, HostNamesAreSortedIntoNamesAndAddressesOnce) {
  const PemPair pem = IssueFor(authority_, "skerry://icu/coordinator", kTodayUnix, 1,
                               {"localhost", "a.example", "10.0.0.1", "a.example", "::1"});
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(pem.certificate));
  EXPECT_THAT(info.dns_names, ElementsAre("localhost", "a.example"));
  EXPECT_THAT(info.ip_addresses, ElementsAre("10.0.0.1", "::1", "127.0.0.1"));
}

TEST_F(IssueTest, WhatIsNoHostNameIsRefused) {
  for (const char* name :
       {"", "fl.example.org:8443", "https://fl.example.org", "fl example", "a..b", "-a.example",
        "*.example.org", "300.1.2.3", "x,DNS:evil.example"}) {
    EXPECT_THAT(authority_.Issue({"icu", Role::kCoordinator, ""}, {name}, clock_, 1),
                Fails(Code::kInvalidArgument, HasSubstr("neither a DNS name nor an IP address")))
        << name;
  }
}

TEST_F(IssueTest, ASiteHasNoHostNames) {
  EXPECT_THAT(authority_.Issue({"icu", Role::kSite, "north"}, {"north.example"}, clock_, 1),
              Fails(Code::kInvalidArgument, HasSubstr("can have no host names")));
}

}  // namespace
}  // namespace skerry::crypto

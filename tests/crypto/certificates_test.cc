#include "crypto/certificates.h"

#include <gtest/gtest.h>

#include <string>

#include "crypto/certificate_writer.h"
#include "crypto/digest.h"
#include "crypto/federation.h"
#include "crypto/openssl.h"
#include "testing/status_matchers.h"

namespace skerry::crypto {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

// A certificate that signs itself and says what `text` says.
std::string SelfSigned(CertificateText text) {
  text.not_after_unix = kTodayUnix;
  const Result<UniqueKey> key = NewKey();
  EXPECT_OK(key);
  const Result<UniqueCertificate> certificate = WriteCertificate(text, **key, nullptr, **key);
  EXPECT_OK(certificate);
  return CertificateToPem(**certificate);
}

CertificateInfo WithUris(std::vector<std::string> uris) {
  CertificateInfo info;
  info.subject = "CN=somebody";
  info.uris = std::move(uris);
  return info;
}

TEST(ReadCertificateTest, SaysWhatTheCertificateSays) {
  const CertificateAuthority authority = MakeFederation("icu");
  const PemPair pem = IssueFor(authority, "skerry://icu/coordinator", kTodayUnix, 90,
                               {"fl.example.org", "10.1.2.3", "2001:db8::7"});
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(pem.certificate));
  EXPECT_EQ(info.subject, "CN=coordinator,O=icu");
  EXPECT_EQ(info.issuer, "CN=Skerry CA,O=icu");
  EXPECT_THAT(info.uris, ElementsAre("skerry://icu/coordinator"));
  EXPECT_THAT(info.dns_names, ElementsAre("fl.example.org", "localhost"));
  EXPECT_THAT(info.ip_addresses, ElementsAre("10.1.2.3", "2001:db8::7", "127.0.0.1"));
  EXPECT_EQ(info.not_before_unix, kTodayUnix - 300);
  EXPECT_EQ(info.not_after_unix, kTodayUnix + 90 * int64_t{86400});
  EXPECT_THAT(info.serial_hex, MatchesRegex("[89a-f][0-9a-f]{31}"));
  EXPECT_THAT(info.fingerprint_hex, MatchesRegex("[0-9a-f]{64}"));
}

TEST(ReadCertificateTest, TheFingerprintIsTheOneThatOpenSslShows) {
  const std::string pem = MakeFederation("icu").certificate_pem();
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(pem));
  ASSERT_OK_AND_ASSIGN(const UniqueCertificate certificate, ParseCertificate(pem));
  Digest digest;
  unsigned int size = 0;
  ASSERT_EQ(X509_digest(certificate.get(), EVP_sha256(),
                        reinterpret_cast<unsigned char*>(digest.bytes.data()), &size),
            1);
  EXPECT_EQ(info.fingerprint_hex, digest.Hex());
}

TEST(ReadCertificateTest, TheFirstOfSeveralIsRead) {
  const CertificateAuthority authority = MakeFederation("icu");
  const PemPair north = IssueFor(authority, "skerry://icu/site/north");
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info,
                       ReadCertificate(north.certificate + authority.certificate_pem()));
  EXPECT_THAT(info.uris, ElementsAre("skerry://icu/site/north"));
}

TEST(ReadCertificateTest, TextBeforeTheCertificateIsNoHindrance) {
  const std::string pem = MakeFederation("icu").certificate_pem();
  EXPECT_OK(ReadCertificate("issued by hand on Monday\n" + pem));
}

TEST(ReadCertificateTest, DatesBeyond2050AreRead) {
  CertificateText text;
  text.common_name = "long";
  const Result<UniqueKey> key = NewKey();
  ASSERT_OK(key);
  text.not_after_unix = 4102444800;  // 2100-01-01: GeneralizedTime, no longer UTCTime
  ASSERT_OK_AND_ASSIGN(const UniqueCertificate certificate,
                       WriteCertificate(text, **key, nullptr, **key));
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(CertificateToPem(*certificate)));
  EXPECT_EQ(info.not_before_unix, 0);
  EXPECT_EQ(info.not_after_unix, 4102444800);
}

TEST(ReadCertificateTest, NamesOfStrangersCannotForgeLogLines) {
  CertificateText text;
  text.common_name = "a\nERROR: forged";
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(SelfSigned(text)));
  EXPECT_EQ(info.subject, "CN=a\\0AERROR: forged");
}

TEST(ReadCertificateTest, ACertificateWithoutAlternativeNamesHasNone) {
  ASSERT_OK_AND_ASSIGN(CertificateInfo info, ReadCertificate(SelfSigned({})));
  EXPECT_THAT(info.dns_names, IsEmpty());
  EXPECT_THAT(info.ip_addresses, IsEmpty());
}

TEST(ReadCertificateTest, WhatIsNoCertificateIsNamed) {
  const PemPair pem = IssueFor(MakeFederation("icu"), "skerry://icu/site/north");
  EXPECT_THAT(ReadCertificate(""),
              Fails(Code::kInvalidArgument, HasSubstr("no certificate in this text")));
  EXPECT_THAT(ReadCertificate("hello"),
              Fails(Code::kInvalidArgument, HasSubstr("-----BEGIN CERTIFICATE-----")));
  EXPECT_THAT(ReadCertificate(pem.key),
              Fails(Code::kInvalidArgument, HasSubstr("this is a private key")));
}

TEST(ReadCertificateTest, EveryTruncationIsRefused) {
  std::string pem = IssueFor(MakeFederation("icu"), "skerry://icu/site/north").certificate;
  // Without its last line break it is still whole.
  for (std::size_t size = 0; size + 1 < pem.size(); ++size) {
    EXPECT_THAT(ReadCertificate(pem.substr(0, size)),
                Fails(Code::kInvalidArgument, HasSubstr("certificate")))
        << size << " of " << pem.size() << " bytes";
  }
}

TEST(ReadCertificateTest, ADamagedSecondCertificateIsRefusedToo) {
  const std::string pem = MakeFederation("icu").certificate_pem();
  std::string damaged = pem;
  damaged[damaged.size() / 2] = '!';
  EXPECT_THAT(ReadCertificate(pem + damaged),
              Fails(Code::kInvalidArgument, HasSubstr("cannot be read")));
}

TEST(IdentityOfTest, TheUriSaysWhoItIs) {
  ASSERT_OK_AND_ASSIGN(const Identity identity, IdentityOf(WithUris({"skerry://icu/site/north"})));
  EXPECT_EQ(identity, (Identity{"icu", Role::kSite, "north"}));
}

TEST(IdentityOfTest, TheCommonNameSaysNothing) {
  CertificateText text;
  text.common_name = "skerry://icu/site/north";
  text.uri = "https://example.org/";
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, ReadCertificate(SelfSigned(text)));
  EXPECT_THAT(IdentityOf(info), Fails(Code::kInvalidArgument, HasSubstr("has no skerry:// URI")));
}

TEST(IdentityOfTest, UrisOfOtherSystemsDoNotMatter) {
  ASSERT_OK_AND_ASSIGN(const Identity identity,
                       IdentityOf(WithUris({"spiffe://x/y", "skerry://icu/coordinator"})));
  EXPECT_EQ(identity.role, Role::kCoordinator);
}

TEST(IdentityOfTest, TwoIdentitiesAreRefusedAndBothNamed) {
  EXPECT_THAT(IdentityOf(WithUris({"skerry://icu/site/north", "skerry://icu/site/south"})),
              Fails(Code::kInvalidArgument, AllOf(HasSubstr("skerry://icu/site/north"),
                                                  HasSubstr("skerry://icu/site/south"))));
  // A broken one beside a good one is no reason to believe the good one.
  EXPECT_THAT(IdentityOf(WithUris({"skerry://icu/site/north", "skerry:///"})),
              Fails(Code::kInvalidArgument, HasSubstr("two identities")));
}

TEST(IdentityOfTest, AnAuthorityIsNobody) {
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info,
                       ReadCertificate(MakeFederation("icu").certificate_pem()));
  EXPECT_THAT(IdentityOf(info), Fails(Code::kInvalidArgument, HasSubstr("\"ca\" is no role")));
}

}  // namespace
}  // namespace skerry::crypto

#include "crypto/tls_report.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <string>

#include "crypto/federation.h"
#include "testing/status_matchers.h"

namespace skerry::crypto {
namespace {

using ::skerry::testing::Fails;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// What a real handshake can hardly be made to meet; the rest is in tls_probe_test.cc.
class TlsReportTest : public ::testing::Test {
 protected:
  static CertificateInfo Leaf(const std::string& uri) {
    CertificateInfo info;
    info.subject = "CN=leaf";
    info.issuer = "CN=Skerry CA,O=icu";
    info.uris = {uri};
    info.not_before_unix = kFoundedUnix;
    info.not_after_unix = kTodayUnix + 1;
    return info;
  }
  TlsReportTest() {
    facts_.host = "fl.example.org";
    facts_.address = "fl.example.org:8443";
    facts_.own = Leaf("skerry://icu/site/north");
    facts_.authority.subject = "CN=Skerry CA,O=icu";
    facts_.now = At(kTodayUnix);
  }
  HandshakeFacts facts_;
};

TEST_F(TlsReportTest, OnlyTheCoordinatorOfTheOwnFederationIsTheCoordinator) {
  EXPECT_OK(CheckIsCoordinator(Leaf("skerry://icu/coordinator"), facts_));
  EXPECT_THAT(CheckIsCoordinator(Leaf("skerry://icu/site/south"), facts_),
              Fails(Code::kUnauthenticated, HasSubstr("site \"south\"")));
  EXPECT_THAT(CheckIsCoordinator(Leaf("https://fl.example.org"), facts_),
              Fails(Code::kUnauthenticated, HasSubstr("certificate of \"CN=leaf\"")));
  EXPECT_THAT(CheckIsCoordinator(Leaf("skerry://trauma/coordinator"), facts_),
              Fails(Code::kUnauthenticated, HasSubstr("federation \"trauma\"")));
}

TEST_F(TlsReportTest, ARevokedCertificateIsCalledRevoked) {
  EXPECT_THAT(ExplainAlert(SSL_AD_CERTIFICATE_REVOKED, true, facts_),
              Fails(Code::kUnauthenticated, HasSubstr("certificate revoked")));
}

TEST_F(TlsReportTest, EveryAlertAfterTheHandshakeIsAboutThisSidesCertificate) {
  for (int alert = 1; alert < 256; ++alert) {
    EXPECT_THAT(ExplainAlert(alert, true, facts_),
                Fails(Code::kUnauthenticated, HasSubstr("site \"north\"")))
        << alert;
  }
}

TEST_F(TlsReportTest, AlertsBeforeTheHandshakeIsDoneAreAboutThePortUnlessTheyNameACertificate) {
  EXPECT_THAT(ExplainAlert(SSL_AD_HANDSHAKE_FAILURE, false, facts_),
              Fails(Code::kFailedPrecondition, HasSubstr("handshake failure")));
  EXPECT_THAT(ExplainAlert(SSL_AD_CERTIFICATE_UNKNOWN, false, facts_),
              Fails(Code::kUnauthenticated, HasSubstr("certificate unknown")));
}

TEST_F(TlsReportTest, AHangUpWithoutAFaultOnThisSideSendsToTheCoordinatorsOperator) {
  EXPECT_THAT(ExplainHangUp(facts_),
              Fails(Code::kUnauthenticated, AllOf(HasSubstr("and gave no reason ("),
                                                  HasSubstr("known there and not revoked"))));
}

TEST_F(TlsReportTest, AHangUpComesWithTheFaultThatThisSideCanSee) {
  const auto expect_fault = [](const HandshakeFacts& facts, const char* fault) {
    EXPECT_THAT(ExplainHangUp(facts),
                Fails(Code::kUnauthenticated,
                      AllOf(HasSubstr(fault), HasSubstr("have a new certificate issued"))));
  };
  HandshakeFacts facts = facts_;
  facts.now = At(kTodayUnix + 2);
  expect_fault(facts, "; it has expired, now is 2026-01-01T00:00:02Z");
  facts.now = At(kFoundedUnix - 1);
  expect_fault(facts, "; it is not valid yet, now is 2024-12-31T23:59:59Z");
  facts = facts_;
  facts.own_is_of_authority = false;
  expect_fault(facts, "; it was not signed with the key of \"CN=Skerry CA,O=icu\"");
  facts = facts_;
  facts.own = Leaf("skerry://icu/coordinator");
  expect_fault(facts, "; it is for serving, not for dialling");
  facts.own = Leaf("https://north.example");
  expect_fault(facts, "has no skerry:// URI");
}

TEST_F(TlsReportTest, AnyOtherFaultOfTheChainKeepsTheWordsOfOpenSsl) {
  EXPECT_THAT(
      ExplainChainFault({X509_V_ERR_CERT_REVOKED, Leaf("skerry://icu/coordinator"), {}}, facts_),
      Fails(Code::kUnauthenticated, AllOf(HasSubstr("coordinator of federation \"icu\""),
                                          HasSubstr("certificate revoked"))));
}

TEST_F(TlsReportTest, ACertificateWithoutHostNamesSaysSo) {
  EXPECT_THAT(ExplainChainFault(
                  {X509_V_ERR_HOSTNAME_MISMATCH, Leaf("skerry://icu/coordinator"), {}}, facts_),
              Fails(Code::kUnauthenticated, HasSubstr("is for no host name at all")));
}

TEST_F(TlsReportTest, NamesOfStrangersCannotForgeLogLines) {
  CertificateInfo leaf = Leaf("skerry://icu/coordinator");
  leaf.dns_names = {"a\nERROR: forged"};
  EXPECT_THAT(ExplainChainFault({X509_V_ERR_HOSTNAME_MISMATCH, leaf, {}}, facts_),
              Fails(Code::kUnauthenticated, HasSubstr("a\\x0aERROR: forged")));
}

TEST_F(TlsReportTest, OnlyHandshakeAndAlertRecordsAreTls) {
  EXPECT_OK(CheckIsTls("\x16\x03\x03", facts_));
  EXPECT_OK(CheckIsTls("\x15\x03\x01", facts_));
  EXPECT_OK(CheckIsTls("\x16", facts_));  // the rest is still on its way
  EXPECT_THAT(CheckIsTls("\x16\x04", facts_),
              Fails(Code::kFailedPrecondition, HasSubstr("it answered \"\\x16\\x04\"")));
  EXPECT_THAT(CheckIsTls("\n", facts_), Fails(Code::kFailedPrecondition, HasSubstr("no TLS")));
}

}  // namespace
}  // namespace skerry::crypto

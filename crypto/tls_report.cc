#include "crypto/tls_report.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/text.h"
#include "crypto/printable.h"

namespace skerry::crypto {
namespace {

std::string Date(int64_t unix_seconds) { return FormatWallTime({unix_seconds * 1000}); }

std::string Quoted(const std::string& text) { return "\"" + Printable(text) + "\""; }

// "site "north" of federation "icu"", or the subject when it has no identity.
std::string Holder(const CertificateInfo& certificate) {
  const Result<Identity> identity = IdentityOf(certificate);
  return identity.ok() ? Describe(*identity) : Quoted(certificate.subject);
}

std::string Names(const CertificateInfo& certificate) {
  std::vector<std::string> names;
  for (const std::string& name : certificate.dns_names) names.push_back(Printable(name));
  for (const std::string& address : certificate.ip_addresses) names.push_back(address);
  return names.empty() ? "no host name at all" : Join(names, ", ");
}

bool HasExpired(const CertificateInfo& certificate, const HandshakeFacts& facts) {
  return facts.now.unix_millis / 1000 > certificate.not_after_unix;
}

bool HasNotBegun(const CertificateInfo& certificate, const HandshakeFacts& facts) {
  return facts.now.unix_millis / 1000 < certificate.not_before_unix;
}

std::string ThisSide(const HandshakeFacts& facts) {
  return "this side's certificate (" + Holder(facts.own) + ", issued by " +
         Quoted(facts.own.issuer) + ", valid from " + Date(facts.own.not_before_unix) + " to " +
         Date(facts.own.not_after_unix) + ")";
}

// What is wrong with this side's certificate as far as this side can tell, or "". Needed because
// gRPC 1.51 hangs up on a bad certificate without sending the alert.
std::string OwnFault(const HandshakeFacts& facts) {
  const std::string now = FormatWallTime(facts.now);
  if (HasExpired(facts.own, facts)) return "; it has expired, now is " + now;
  if (HasNotBegun(facts.own, facts)) return "; it is not valid yet, now is " + now;
  if (!facts.own_is_of_authority) {
    return "; it was not signed with the key of " + Quoted(facts.authority.subject) + " (SHA-256 " +
           facts.authority.fingerprint_hex + "), the authority in this side's CA file";
  }
  const Result<Identity> identity = IdentityOf(facts.own);
  if (!identity.ok()) return "; " + identity.status().message();
  if (identity->role == Role::kCoordinator) return "; it is for serving, not for dialling";
  return "";
}

Status UnknownAuthority(const ChainFault& fault, const HandshakeFacts& facts) {
  std::string text = "the certificate of " + facts.address + " (" + Holder(fault.leaf) +
                     ") was issued by " + Quoted(fault.leaf.issuer) + ", ";
  text += fault.leaf.issuer == facts.authority.subject
              ? "an authority of the same name as the one in this side's CA file but with another "
                "key"
              : "an unknown CA: this side's CA file has " + Quoted(facts.authority.subject);
  return Unauthenticated(text + " (SHA-256 " + facts.authority.fingerprint_hex + ")")
      .WithHint(
          "compare the fingerprint of ca.pem with the coordinator's operator, and that this is the "
          "right coordinator");
}

Status WrongDate(const ChainFault& fault, const HandshakeFacts& facts) {
  const bool expired = fault.error == X509_V_ERR_CERT_HAS_EXPIRED;
  const bool leaf = fault.failed.fingerprint_hex == fault.leaf.fingerprint_hex;
  const std::string which =
      leaf ? "the certificate of " + facts.address
           : "the CA certificate " + Quoted(fault.failed.subject) + " behind " + facts.address;
  return Unauthenticated(which +
                         (expired ? " expired at " + Date(fault.failed.not_after_unix)
                                  : " is not valid before " + Date(fault.failed.not_before_unix)) +
                         "; now is " + FormatWallTime(facts.now))
      .WithHint(expired ? "the coordinator's operator must renew it, unless this machine's clock "
                          "is wrong"
                        : "check this machine's clock and the coordinator's");
}

Status WrongName(const ChainFault& fault, const HandshakeFacts& facts) {
  return Unauthenticated("name mismatch: this side dialled " + Quoted(facts.host) +
                         ", but the certificate of " + facts.address + " is for " +
                         Names(fault.leaf))
      .WithHint("dial a name that the certificate has, or have one issued that has " +
                Quoted(facts.host) + " among its names");
}

Status NotTheCoordinators(const std::string& whose, const HandshakeFacts& facts) {
  return Unauthenticated(facts.address + " shows the certificate of " + whose +
                         ", not the coordinator's")
      .WithHint(
          "the [tls] section at that address names the wrong files; the coordinator needs a "
          "certificate that was issued for it");
}

Status OwnExpiredAlert(const HandshakeFacts& facts) {
  const std::string text = facts.address + " finds " + ThisSide(facts) + " expired";
  if (HasExpired(facts.own, facts)) {
    return Unauthenticated(text).WithHint("have a new one issued and put it in its place");
  }
  return Unauthenticated(text + ", by its own clock; by this side's it is " +
                         FormatWallTime(facts.now))
      .WithHint("compare the clocks of the two machines");
}

Status OwnRefusedAlert(const std::string& reason, const HandshakeFacts& facts) {
  return Unauthenticated(facts.address + " refused " + ThisSide(facts) + ": " + reason +
                         OwnFault(facts))
      .WithHint(
          "the coordinator's operator can see why in its log; if the certificate is wrong, "
          "have a new one issued");
}

bool IsAboutOurCertificate(int alert) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_DECRYPT_ERROR:
    case SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status ExplainChainFault(const ChainFault& fault, const HandshakeFacts& facts) {
  switch (fault.error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return UnknownAuthority(fault, facts);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return WrongDate(fault, facts);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return WrongName(fault, facts);
    case X509_V_ERR_INVALID_PURPOSE:
      return NotTheCoordinators(Holder(fault.leaf), facts);
    default:
      return Unauthenticated("the certificate of " + facts.address + " (" + Holder(fault.leaf) +
                             ") is not accepted: " + X509_verify_cert_error_string(fault.error))
          .WithHint("have a new one issued for the coordinator");
  }
}

Status CheckIsCoordinator(const CertificateInfo& leaf, const HandshakeFacts& facts) {
  const Result<Identity> identity = IdentityOf(leaf);
  if (!identity.ok() || identity->role != Role::kCoordinator) {
    return NotTheCoordinators(Holder(leaf), facts);
  }
  const Result<Identity> own = IdentityOf(facts.own);
  if (own.ok() && own->federation != identity->federation) {
    return Unauthenticated(facts.address + " is the " + Describe(*identity) +
                           ", but this side's certificate is that of " + Describe(*own))
        .WithHint("dial the coordinator of this side's own federation");
  }
  return OkStatus();
}

Status ExplainAlert(int alert, bool handshake_done, const HandshakeFacts& facts) {
  const std::string name = SSL_alert_desc_string_long(alert);
  if (alert == SSL_AD_UNKNOWN_CA) {
    return Unauthenticated(facts.address + " does not know the CA of " + ThisSide(facts) +
                           OwnFault(facts))
        .WithHint("have a certificate issued by the authority that the coordinator trusts");
  }
  if (alert == SSL_AD_CERTIFICATE_EXPIRED) return OwnExpiredAlert(facts);
  if (handshake_done || IsAboutOurCertificate(alert)) return OwnRefusedAlert(name, facts);
  if (alert == SSL_AD_PROTOCOL_VERSION) {
    return FailedPrecondition(facts.address + " speaks TLS, but not TLS 1.3")
        .WithHint("is that the coordinator's port? a proxy that ends TLS must not stand before it");
  }
  return FailedPrecondition(facts.address + " ended the TLS handshake: " + name)
      .WithHint("is that the coordinator's port, and no proxy's?");
}

Status ExplainHangUp(const HandshakeFacts& facts) {
  const std::string fault = OwnFault(facts);
  return Unauthenticated(facts.address + " closed the connection once it had seen " +
                         ThisSide(facts) + ", and gave no reason" + fault)
      .WithHint(fault.empty()
                    ? "ask the coordinator's operator whether this site is known there and not "
                      "revoked; the reason is in its log"
                    : "have a new certificate issued for this side and put it in its place");
}

Status CheckIsTls(std::string_view bytes, const HandshakeFacts& facts) {
  constexpr char kAlertRecord = 21;
  constexpr char kHandshakeRecord = 22;
  const bool record = bytes[0] == kAlertRecord || bytes[0] == kHandshakeRecord;
  if (record && (bytes.size() < 2 || bytes[1] == 3)) return OkStatus();
  std::string what = "it answered \"" + Printable(bytes.substr(0, bytes.find('\n')), 60) + "\"";
  if (bytes.starts_with("HTTP/")) what = "it is a plain HTTP server, " + what;
  // The first frame of an HTTP/2 server is SETTINGS, type 4, on stream 0 (RFC 9113, 3.4).
  constexpr std::size_t kTypeAt = 3;
  if (bytes.size() > kTypeAt && bytes[0] == 0 && bytes[kTypeAt] == 4) {
    what = "it is an HTTP/2 or gRPC server without TLS";
  }
  return FailedPrecondition(facts.address + " speaks no TLS: " + what)
      .WithHint("is that the coordinator's port? the coordinator itself always speaks TLS");
}

}  // namespace skerry::crypto

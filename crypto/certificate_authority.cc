#include <algorithm>
#include <utility>

#include "base/text.h"
#include "crypto/certificate_writer.h"
#include "crypto/certificates.h"
#include "crypto/host_names.h"
#include "crypto/openssl.h"
#include "crypto/printable.h"

namespace skerry::crypto {
namespace {

constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kMostDays = 36500;
constexpr int64_t kClockSlackSeconds = 300;  // for sites whose clocks are a little behind
constexpr std::string_view kAuthorityUriBegin = "skerry://";
constexpr std::string_view kAuthorityUriEnd = "/ca";

std::string CertificatePath(const std::string& directory) { return directory + "/ca.pem"; }
std::string KeyPath(const std::string& directory) { return directory + "/ca.key"; }

Result<SecretBytes> ReadSecret(Files& files, const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(const auto file, files.Open(path, OpenMode::kRead));
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  constexpr uint64_t kMostBytes = 1 << 20;
  if (size > kMostBytes) return InvalidArgument(path + " is too large to be a key");
  SecretBytes secret(static_cast<std::size_t>(size));
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file->ReadAt(0, secret.RevealForWriting()));
  if (n != size) return DataLoss("reading " + path + ": it is shorter than it was");
  return secret;
}

Result<bool> Exists(Files& files, const std::string& path) {
  const Result<std::unique_ptr<File>> file = files.Open(path, OpenMode::kRead);
  if (file.ok()) return true;
  if (file.status().code() == Code::kNotFound) return false;
  return file.status();
}

// The key of an Init that was cut short before it wrote its certificate, or a new one. A key that
// is there is never overwritten.
Result<SecretBytes> KeyForInit(Files& files, const std::string& path) {
  SKERRY_ASSIGN_OR_RETURN(const bool left_over, Exists(files, path));
  if (left_over) return ReadSecret(files, path);
  SKERRY_ASSIGN_OR_RETURN(const UniqueKey key, NewKey());
  SKERRY_ASSIGN_OR_RETURN(SecretBytes pem, KeyToPem(*key));
  SKERRY_RETURN_IF_ERROR(PublishFile(files, path, pem.Reveal()));
  return pem;
}

Status CheckDays(int64_t days) {
  if (days >= 1 && days <= kMostDays) return OkStatus();
  return InvalidArgument("a certificate cannot be valid for " + std::to_string(days) + " days")
      .WithHint("give 1 to " + std::to_string(kMostDays));
}

CertificateText AuthorityText(const std::string& federation, int64_t now_unix, int64_t days) {
  CertificateText text;
  text.organization = federation;
  text.common_name = "Skerry CA";
  text.uri = std::string(kAuthorityUriBegin) + federation + std::string(kAuthorityUriEnd);
  text.not_before_unix = now_unix - kClockSlackSeconds;
  text.not_after_unix = now_unix + days * kSecondsPerDay;
  text.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                     {NID_key_usage, "critical,keyCertSign,cRLSign"},
                     {NID_subject_key_identifier, "hash"},
                     {NID_authority_key_identifier, "keyid:always"}};
  return text;
}

// The federation of an authority's certificate.
Result<std::string> FederationOf(const CertificateInfo& certificate) {
  for (const std::string& uri : certificate.uris) {
    if (!uri.starts_with(kAuthorityUriBegin) || !uri.ends_with(kAuthorityUriEnd)) continue;
    const std::size_t length = uri.size() - kAuthorityUriBegin.size() - kAuthorityUriEnd.size();
    std::string name = uri.substr(kAuthorityUriBegin.size(), length);
    if (IsName(name)) return name;
  }
  return InvalidArgument("the certificate \"" + certificate.subject +
                         "\" is not that of a federation's certificate authority");
}

void AddOnce(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

Status AddHostNames(const std::vector<std::string>& host_names, CertificateText& text) {
  for (const std::string& name : host_names) {
    if (IsIpAddress(name)) {
      AddOnce(text.ip_addresses, name);
    } else if (IsDnsName(name)) {
      AddOnce(text.dns_names, name);
    } else {
      return InvalidArgument("\"" + Printable(name) + "\" is neither a DNS name nor an IP address")
          .WithHint("give the name alone, such as fl.example.org, without scheme and port");
    }
  }
  AddOnce(text.dns_names, "localhost");
  AddOnce(text.ip_addresses, "127.0.0.1");
  return OkStatus();
}

std::string RoleText(const Identity& identity) {
  return identity.role == Role::kSite ? "site" : "admin";
}

Result<CertificateText> LeafText(const Identity& identity,
                                 const std::vector<std::string>& host_names) {
  CertificateText text;
  text.organization = identity.federation;
  text.uri = IdentityUri(identity);
  const bool serves = identity.role == Role::kCoordinator;
  if (serves) {
    text.common_name = "coordinator";
    SKERRY_RETURN_IF_ERROR(AddHostNames(host_names, text));
  } else if (!host_names.empty()) {
    return InvalidArgument("a certificate for " + Describe(identity) + " can have no host names")
        .WithHint("sites and admins dial out; only the coordinator is dialled");
  } else {
    text.unit = RoleText(identity);
    text.common_name = identity.name;
  }
  text.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                     {NID_key_usage, "critical,digitalSignature"},
                     {NID_ext_key_usage, serves ? "serverAuth" : "clientAuth"},
                     {NID_subject_key_identifier, "hash"},
                     {NID_authority_key_identifier, "keyid:always"}};
  return text;
}

}  // namespace

CertificateAuthority::CertificateAuthority(std::string federation, std::string certificate_pem,
                                           SecretBytes key_pem)
    : federation_(std::move(federation)),
      certificate_pem_(std::move(certificate_pem)),
      key_pem_(std::move(key_pem)) {}

Result<CertificateAuthority> CertificateAuthority::Init(Files& files, const std::string& directory,
                                                        const std::string& federation,
                                                        const Clock& clock,
                                                        const Options& options) {
  if (!IsName(federation)) {
    return InvalidArgument("\"" + Printable(federation) + "\" is no name for a federation")
        .WithHint("use 1 to 63 of a-z, 0-9 and '-', for instance icu");
  }
  SKERRY_RETURN_IF_ERROR(CheckDays(options.ca_days));
  const std::string path = CertificatePath(directory);
  SKERRY_ASSIGN_OR_RETURN(const bool there_is_one, Exists(files, path));
  if (there_is_one) {
    return AlreadyExists(path +
                         " is there already; a new authority would make every certificate "
                         "that it signed worthless")
        .WithHint("use another directory, or issue certificates with the authority that is there");
  }
  SKERRY_RETURN_IF_ERROR(files.MakeDirectories(directory));
  SKERRY_ASSIGN_OR_RETURN(SecretBytes key_pem, KeyForInit(files, KeyPath(directory)));
  SKERRY_ASSIGN_OR_RETURN(const UniqueKey key, ParseKey(key_pem.Reveal()));
  const int64_t now_unix = clock.WallNow().unix_millis / 1000;
  SKERRY_ASSIGN_OR_RETURN(
      const UniqueCertificate certificate,
      WriteCertificate(AuthorityText(federation, now_unix, options.ca_days), *key, nullptr, *key));
  std::string pem = CertificateToPem(*certificate);
  SKERRY_RETURN_IF_ERROR(PublishFile(files, path, pem));
  return CertificateAuthority(federation, std::move(pem), std::move(key_pem));
}

Result<CertificateAuthority> CertificateAuthority::Open(Files& files,
                                                        const std::string& directory) {
  const std::string path = CertificatePath(directory);
  SKERRY_ASSIGN_OR_RETURN(const bool there_is_one, Exists(files, path));
  if (!there_is_one) {
    return NotFound("there is no certificate authority in " + directory + " (no ca.pem)")
        .WithHint("make one with \"skerry ca init\", or name the directory where it is");
  }
  SKERRY_ASSIGN_OR_RETURN(std::string pem, ReadFile(files, path));
  Result<CertificateInfo> info = ReadCertificate(pem);
  if (!info.ok()) return std::move(info).status().WithContext(path);
  Result<std::string> federation = FederationOf(*info);
  if (!federation.ok()) return std::move(federation).status().WithContext(path);

  const std::string key_path = KeyPath(directory);
  SKERRY_ASSIGN_OR_RETURN(SecretBytes key_pem, ReadSecret(files, key_path));
  Result<UniqueKey> key = ParseKey(key_pem.Reveal());
  if (!key.ok()) return std::move(key).status().WithContext(key_path);
  SKERRY_ASSIGN_OR_RETURN(const UniqueCertificate certificate, ParseCertificate(pem));
  if (X509_check_private_key(certificate.get(), key->get()) != 1) {
    TakeOpenSslError();
    return FailedPrecondition(key_path + " is not the key of " + path)
        .WithHint("restore the two files from the same backup");
  }
  return CertificateAuthority(*std::move(federation), std::move(pem), std::move(key_pem));
}

Result<IssuedCertificate> CertificateAuthority::Issue(const Identity& identity,
                                                      const std::vector<std::string>& host_names,
                                                      const Clock& clock, int64_t days) const {
  SKERRY_RETURN_IF_ERROR(CheckDays(days));
  // What cannot be read back from the certificate as it is here is never signed.
  SKERRY_ASSIGN_OR_RETURN(const Identity read_back, ParseIdentityUri(IdentityUri(identity)));
  if (read_back != identity) return InvalidArgument("a coordinator has no name of its own");
  if (identity.federation != federation_) {
    return InvalidArgument("this certificate authority is federation \"" + federation_ +
                           "\"'s and cannot vouch for " + Describe(identity));
  }
  SKERRY_ASSIGN_OR_RETURN(const CertificateInfo authority, ReadCertificate(certificate_pem_));
  const int64_t now_unix = clock.WallNow().unix_millis / 1000;
  if (now_unix >= authority.not_after_unix) {
    return FailedPrecondition("this certificate authority expired at " +
                              FormatWallTime({authority.not_after_unix * 1000}) +
                              "; nothing that it signs now would be accepted")
        .WithHint("make a new one in another directory with \"skerry ca init\"");
  }
  SKERRY_ASSIGN_OR_RETURN(CertificateText text, LeafText(identity, host_names));
  text.not_before_unix = now_unix - kClockSlackSeconds;
  text.not_after_unix = std::min(now_unix + days * kSecondsPerDay, authority.not_after_unix);

  SKERRY_ASSIGN_OR_RETURN(const UniqueKey key, NewKey());
  SKERRY_ASSIGN_OR_RETURN(const UniqueKey signing_key, ParseKey(key_pem_.Reveal()));
  SKERRY_ASSIGN_OR_RETURN(const UniqueCertificate issuer, ParseCertificate(certificate_pem_));
  SKERRY_ASSIGN_OR_RETURN(const UniqueCertificate certificate,
                          WriteCertificate(text, *key, issuer.get(), *signing_key));
  SKERRY_ASSIGN_OR_RETURN(SecretBytes key_pem, KeyToPem(*key));
  return IssuedCertificate{CertificateToPem(*certificate), std::move(key_pem)};
}

}  // namespace skerry::crypto

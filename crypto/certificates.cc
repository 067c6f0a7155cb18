#include "crypto/certificates.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>
#include <optional>

#include "base/text.h"
#include "crypto/openssl.h"
#include "crypto/sha256.h"

namespace skerry::crypto {
namespace {

std::string_view Bytes(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// "CN=north,OU=site,O=icu"; control characters are escaped.
std::string NameText(const X509_NAME* name) {
  const UniqueBio bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string SerialHex(const X509& certificate) {
  const UniqueBignum number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  if (!number) return {};
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return HexEncode(bytes);
}

std::string IpText(std::string_view address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.size() == 4 ? AF_INET : AF_INET6;
  if ((address.size() != 4 && address.size() != 16) ||
      inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) {
    return HexEncode(address);
  }
  return text.data();
}

Result<int64_t> UnixTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return InvalidArgument("this certificate has a date that cannot be read");
  }
  return static_cast<int64_t>(timegm(&parts));
}

std::string FingerprintHex(const X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(&certificate, &der);
  if (size <= 0) return {};
  const Digest digest =
      Sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest.Hex();
}

void AddNames(const X509& certificate, CertificateInfo& info) {
  const UniqueGeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      info.uris.emplace_back(Bytes(name->d.uniformResourceIdentifier));
    } else if (name->type == GEN_DNS) {
      info.dns_names.emplace_back(Bytes(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      info.ip_addresses.push_back(IpText(Bytes(name->d.iPAddress)));
    }
  }
}

}  // namespace

Result<CertificateInfo> ReadCertificate(const std::string& pem) {
  SKERRY_ASSIGN_OR_RETURN(const UniqueCertificate certificate, ParseCertificate(pem));
  return DescribeCertificate(*certificate);
}

Result<CertificateInfo> DescribeCertificate(const X509& certificate) {
  CertificateInfo info;
  info.subject = NameText(X509_get_subject_name(&certificate));
  info.issuer = NameText(X509_get_issuer_name(&certificate));
  info.serial_hex = SerialHex(certificate);
  AddNames(certificate, info);
  SKERRY_ASSIGN_OR_RETURN(info.not_before_unix, UnixTime(X509_get0_notBefore(&certificate)));
  SKERRY_ASSIGN_OR_RETURN(info.not_after_unix, UnixTime(X509_get0_notAfter(&certificate)));
  info.fingerprint_hex = FingerprintHex(certificate);
  return info;
}

Result<Identity> IdentityOf(const CertificateInfo& certificate) {
  const std::string* found = nullptr;
  for (const std::string& uri : certificate.uris) {
    if (!uri.starts_with("skerry:")) continue;
    if (found != nullptr) {
      return InvalidArgument("the certificate \"" + certificate.subject +
                             "\" claims two identities, " + *found + " and " + uri);
    }
    found = &uri;
  }
  if (found == nullptr) {
    return InvalidArgument("the certificate \"" + certificate.subject +
                           "\" has no skerry:// URI, so it names no site, admin or coordinator")
        .WithHint("have one issued with \"skerry ca issue\"");
  }
  return ParseIdentityUri(*found);
}

Status CheckKeyFile(const std::string& certificate_pem, const std::string& key_path) {
  SKERRY_ASSIGN_OR_RETURN(const UniqueCertificate certificate, ParseCertificate(certificate_pem));
  ERR_clear_error();
  const UniqueBio file(BIO_new_file(key_path.c_str(), "r"));
  if (!file) return InvalidArgument("cannot be read: " + TakeOpenSslError());
  const UniqueKey key(PEM_read_bio_PrivateKey(file.get(), nullptr, NoPassPhrase, nullptr));
  if (!key) {
    return InvalidArgument("this is no private key in PEM form without a pass phrase: " +
                           TakeOpenSslError());
  }
  const bool belongs = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!belongs) return InvalidArgument("this is not the key of the certificate");
  return OkStatus();
}

}  // namespace skerry::crypto

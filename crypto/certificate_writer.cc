#include "crypto/certificate_writer.h"

#include <array>
#include <ctime>

namespace skerry::crypto {
namespace {

Status AddNamePart(X509_NAME* name, const char* field, const std::string& value) {
  if (value.empty()) return OkStatus();
  if (X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(value.data()),
                                 static_cast<int>(value.size()), -1, 0) != 1) {
    return OpenSslFailure("writing \"" + value + "\" into a certificate");
  }
  return OkStatus();
}

Status SetSubject(X509& certificate, const CertificateText& text) {
  X509_NAME* name = X509_get_subject_name(&certificate);
  SKERRY_RETURN_IF_ERROR(AddNamePart(name, "O", text.organization));
  SKERRY_RETURN_IF_ERROR(AddNamePart(name, "OU", text.unit));
  return AddNamePart(name, "CN", text.common_name);
}

Status SetSerial(X509& certificate) {
  std::array<char, 16> bytes{};
  FillRandom(bytes);
  // The top bit is set, so that every serial has the same length and none is zero; BIGNUM keeps the
  // sign elsewhere, and the encoding gets a leading zero byte.
  auto* data = reinterpret_cast<unsigned char*>(bytes.data());
  data[0] |= 0x80;
  const UniqueBignum number(BN_bin2bn(data, static_cast<int>(bytes.size()), nullptr));
  if (!number || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) == nullptr) {
    return OpenSslFailure("making a serial number");
  }
  return OkStatus();
}

Status AddGeneralName(GENERAL_NAMES& names, int type, ASN1_STRING* value) {
  UniqueGeneralName name(GENERAL_NAME_new());
  if (value == nullptr || !name) {
    ASN1_STRING_free(value);
    return OpenSslFailure("making a subject alternative name");
  }
  GENERAL_NAME_set0_value(name.get(), type, value);
  if (sk_GENERAL_NAME_push(&names, name.get()) == 0) {
    return OpenSslFailure("making a subject alternative name");
  }
  (void)name.release();  // the list owns it now
  return OkStatus();
}

Status AddTextName(GENERAL_NAMES& names, int type, const std::string& value) {
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  if (text != nullptr && ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) != 1) {
    ASN1_IA5STRING_free(text);
    text = nullptr;
  }
  return AddGeneralName(names, type, text);
}

Status SetSubjectNames(X509& certificate, const CertificateText& text) {
  const UniqueGeneralNames names(sk_GENERAL_NAME_new_null());
  if (!names) return OpenSslFailure("making subject alternative names");
  SKERRY_RETURN_IF_ERROR(AddTextName(*names, GEN_URI, text.uri));
  for (const std::string& dns_name : text.dns_names) {
    SKERRY_RETURN_IF_ERROR(AddTextName(*names, GEN_DNS, dns_name));
  }
  for (const std::string& address : text.ip_addresses) {
    SKERRY_RETURN_IF_ERROR(AddGeneralName(*names, GEN_IPADD, a2i_IPADDRESS(address.c_str())));
  }
  if (X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, 0) != 1) {
    return OpenSslFailure("writing subject alternative names");
  }
  return OkStatus();
}

Status AddExtensions(X509& certificate, const X509* issuer, const CertificateText& text) {
  X509V3_CTX context{};
  // The key identifiers are computed from subject and issuer; a null issuer is the subject.
  X509V3_set_ctx(&context, const_cast<X509*>(issuer != nullptr ? issuer : &certificate),
                 &certificate, nullptr, nullptr, 0);
  for (const auto& [nid, value] : text.extensions) {
    const UniqueExtension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension || X509_add_ext(&certificate, extension.get(), -1) != 1) {
      return OpenSslFailure("writing \"" + value + "\" into a certificate");
    }
  }
  return SetSubjectNames(certificate, text);
}

}  // namespace

Result<UniqueKey> NewKey() {
  UniqueKey key(EVP_EC_gen("P-256"));
  if (!key) return OpenSslFailure("making a key");
  return key;
}

Result<UniqueCertificate> WriteCertificate(const CertificateText& text, EVP_PKEY& key,
                                           const X509* issuer, EVP_PKEY& issuer_key) {
  UniqueCertificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), &key) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()),
                    static_cast<std::time_t>(text.not_before_unix)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()),
                    static_cast<std::time_t>(text.not_after_unix)) == nullptr) {
    return OpenSslFailure("making a certificate");
  }
  SKERRY_RETURN_IF_ERROR(SetSerial(*certificate));
  SKERRY_RETURN_IF_ERROR(SetSubject(*certificate, text));
  const X509* signer = issuer != nullptr ? issuer : certificate.get();
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) != 1) {
    return OpenSslFailure("naming the issuer of a certificate");
  }
  SKERRY_RETURN_IF_ERROR(AddExtensions(*certificate, issuer, text));
  if (X509_sign(certificate.get(), &issuer_key, EVP_sha256()) == 0) {
    return OpenSslFailure("signing a certificate");
  }
  return certificate;
}

}  // namespace skerry::crypto

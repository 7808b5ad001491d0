#include "test_pki.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/bug.h"
#include "base/hex.h"

namespace assay::crypto::test {
namespace {

Bytes Take(unsigned char* encoded, int size) {
  ASSAY_CHECK(size > 0);
  Bytes bytes(encoded, encoded + size);
  OPENSSL_free(encoded);
  return bytes;
}

Bytes SignWith(EVP_PKEY* key, const char* md, ByteView message, const OSSL_PARAM* params) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ASSAY_CHECK(EVP_DigestSignInit_ex(context, nullptr, md, nullptr, nullptr, key, params) == 1);
  std::size_t size = 0;
  ASSAY_CHECK(EVP_DigestSign(context, nullptr, &size, message.data(), message.size()) == 1);
  Bytes signature(size);
  ASSAY_CHECK(EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  return signature;
}

X509_NAME* MakeName(const std::string& common_name) {
  X509_NAME* name = X509_NAME_new();
  if (!common_name.empty()) {
    ASSAY_CHECK(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, AsBytes(common_name).data(),
                                           static_cast<int>(common_name.size()), -1, 0) == 1);
  }
  return name;
}

}  // namespace

const Bytes kEcdsaSha256Algorithm = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};

Bytes Der(std::uint8_t tag, ByteView content) {
  Bytes der{tag};
  if (content.size() < 0x80) {
    der.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    Bytes length;
    for (std::size_t rest = content.size(); rest > 0; rest >>= 8) length.insert(length.begin(), static_cast<std::uint8_t>(rest & 0xFF));
    der.push_back(static_cast<std::uint8_t>(0x80 | length.size()));
    Append(der, length);
  }
  Append(der, content);
  return der;
}

Bytes Concat(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (const ByteView part : parts) Append(all, part);
  return all;
}

Bytes FromHexText(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  const auto bytes = FromHex(digits);
  ASSAY_CHECK(bytes.has_value());
  return *bytes;
}

TestKey::TestKey(EVP_PKEY* key) : key_(key, EVP_PKEY_free) { ASSAY_CHECK(key != nullptr); }
TestKey TestKey::Ec(const char* group) { return TestKey(EVP_EC_gen(group)); }
TestKey TestKey::Ed25519() { return TestKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

TestKey TestKey::Rsa(unsigned bits, unsigned exponent) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  std::size_t size = bits;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &size),
                               OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent), OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  ASSAY_CHECK(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_params(context, params) == 1 && EVP_PKEY_generate(context, &key) == 1);
  EVP_PKEY_CTX_free(context);
  return TestKey(key);
}

Bytes TestKey::Spki() const {
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &encoded);
  return Take(encoded, size);
}

Bytes TestKey::Sign(const char* md, ByteView message) const { return SignWith(key_.get(), md, message, nullptr); }

Bytes TestKey::SignPss(const char* md, const char* mgf, int salt_length, ByteView message) const {
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, const_cast<char*>(OSSL_PKEY_RSA_PAD_MODE_PSS), 0),
      OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt_length),
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, const_cast<char*>(mgf), 0), OSSL_PARAM_construct_end()};
  return SignWith(key_.get(), md, message, params);
}

Bytes RsaSpki(ByteView modulus, ByteView exponent) {
  const Bytes key = Der(0x30, Concat({Der(0x02, modulus), Der(0x02, exponent)}));
  const Bytes algorithm = FromHexText("300d06092a864886f70d0101010500");
  return Der(0x30, Concat({algorithm, Der(0x03, Concat({Bytes{0}, key}))}));
}

Bytes MakeCertificate(const CertificateSpec& spec, const TestKey& key, const TestKey& signer) {
  X509* certificate = X509_new();
  X509_NAME* subject = MakeName(spec.subject);
  X509_NAME* issuer = MakeName(spec.issuer);
  ASSAY_CHECK(X509_set_version(certificate, spec.version - 1) == 1 && X509_set_subject_name(certificate, subject) == 1 &&
              X509_set_issuer_name(certificate, issuer) == 1 && X509_set_pubkey(certificate, key.get()) == 1);
  X509_NAME_free(subject);
  X509_NAME_free(issuer);
  BIGNUM* serial = BN_bin2bn(spec.serial.data(), static_cast<int>(spec.serial.size()), nullptr);
  ASSAY_CHECK(BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != nullptr);
  BN_free(serial);
  ASSAY_CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), spec.not_before.time_since_epoch().count()) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(certificate), spec.not_after.time_since_epoch().count()) != nullptr);
  X509V3_CTX context;
  // The signer's key identifier is taken from a certificate of that key, made on the spot.
  X509* issuer_certificate = X509_new();
  ASSAY_CHECK(X509_set_pubkey(issuer_certificate, signer.get()) == 1);
  X509V3_set_ctx(&context, issuer_certificate, issuer_certificate, nullptr, nullptr, 0);
  X509_EXTENSION* issuer_key_id = X509V3_EXT_conf(nullptr, &context, "subjectKeyIdentifier", "hash");
  ASSAY_CHECK(issuer_key_id != nullptr && X509_add_ext(issuer_certificate, issuer_key_id, -1) == 1);
  X509_EXTENSION_free(issuer_key_id);
  X509V3_set_ctx(&context, issuer_certificate, certificate, nullptr, nullptr, 0);
  for (const auto& [name, value] : spec.extensions) {
    X509_EXTENSION* extension = X509V3_EXT_conf(nullptr, &context, name.c_str(), value.c_str());
    ASSAY_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  X509_free(issuer_certificate);
  EVP_MD_CTX* md_context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* key_context = nullptr;
  ASSAY_CHECK(EVP_DigestSignInit_ex(md_context, &key_context, spec.md, nullptr, nullptr, signer.get(), nullptr) == 1);
  if (spec.pss) {
    ASSAY_CHECK(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  ASSAY_CHECK(X509_sign_ctx(certificate, md_context) > 0);
  EVP_MD_CTX_free(md_context);
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate, &encoded);
  X509_free(certificate);
  return Take(encoded, size);
}

CertificateSpec CaSpec(std::string subject, std::string issuer, int path_length) {
  CertificateSpec spec{.subject = std::move(subject), .issuer = std::move(issuer), .extensions = {}};
  const std::string constraint = path_length < 0 ? "" : ",pathlen:" + std::to_string(path_length);
  spec.extensions = {{"basicConstraints", "critical,CA:TRUE" + constraint},
                     {"keyUsage", "critical,keyCertSign,cRLSign"},
                     {"subjectKeyIdentifier", "hash"},
                     {"authorityKeyIdentifier", "keyid:always"}};
  return spec;
}

CertificateSpec LeafSpec(std::string subject, std::string issuer) {
  CertificateSpec spec{.subject = std::move(subject), .issuer = std::move(issuer), .extensions = {}};
  spec.extensions = {{"keyUsage", "critical,digitalSignature"}, {"authorityKeyIdentifier", "keyid:always"}};
  return spec;
}

Bytes SignStructure(ByteView tbs, const TestKey& signer) {
  const Bytes signature = signer.Sign("SHA-256", tbs);
  return Der(0x30, Concat({tbs, kEcdsaSha256Algorithm, Der(0x03, Concat({Bytes{0}, signature}))}));
}

Bytes NameDer(std::string_view common_name) {
  if (common_name.empty()) return Der(0x30, {});
  const Bytes attribute = Der(0x30, Concat({FromHexText("0603550403"), Der(0x0C, AsBytes(common_name))}));
  return Der(0x30, Der(0x31, attribute));
}

Bytes ExtensionDer(ByteView oid, bool critical, ByteView value) {
  const Bytes flag = critical ? FromHexText("0101ff") : Bytes{};
  return Der(0x30, Concat({Der(0x06, oid), flag, Der(0x04, value)}));
}

Bytes MakeCrl(const CrlSpec& spec, const TestKey& signer) {
  Bytes tbs;
  if (spec.version_2) Append(tbs, FromHexText("020101"));
  Append(tbs, kEcdsaSha256Algorithm);
  Append(tbs, NameDer(spec.issuer));
  Append(tbs, Der(0x17, AsBytes(spec.this_update)));
  if (spec.next_update) Append(tbs, Der(0x17, AsBytes(*spec.next_update)));
  if (!spec.revoked.empty()) {
    Bytes entries;
    for (const Bytes& serial : spec.revoked) {
      Append(entries, Der(0x30, Concat({Der(0x02, serial), Der(0x17, AsBytes("240101000000Z")), spec.entry_extensions})));
    }
    Append(tbs, Der(0x30, entries));
  }
  if (!spec.extensions.empty()) {
    Bytes extensions;
    for (const Bytes& extension : spec.extensions) Append(extensions, extension);
    Append(tbs, Der(0xA0, Der(0x30, extensions)));
  }
  return SignStructure(Der(0x30, tbs), signer);
}

}  // namespace assay::crypto::test

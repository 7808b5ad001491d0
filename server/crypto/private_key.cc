#include "crypto/private_key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/bug.h"
#include "crypto/der.h"
#include "crypto/openssl_handles.h"

namespace assay::crypto {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using X509ReqPtr = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;
using X509ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using Asn1IntegerPtr = std::unique_ptr<ASN1_INTEGER, Freer<ASN1_INTEGER_free>>;

constexpr std::size_t kMaxPemSize = 16 * 1024;
constexpr std::size_t kScalarSize = 32;
constexpr std::size_t kSerialSize = 16;

// Without it OpenSSL would ask for a pass phrase on the terminal.
int NoPassPhrase(char*, int, int, void*) { return 0; }

// Null if the text is not fit for a common name (X.520: 1 to 64 characters).
X509NamePtr CommonName(std::string_view text) {
  X509NamePtr name(X509_NAME_new());
  const auto* bytes = AsBytes(text).data();
  if (name == nullptr || text.empty() || text.size() > 4 * 64 ||
      X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8, bytes, static_cast<int>(text.size()), -1, 0) != 1) {
    return nullptr;
  }
  return name;
}

absl::Status BadName() { return absl::InvalidArgumentError("a common name is 1 to 64 characters of UTF-8"); }

bool SetTime(Time time, ASN1_TIME* out) {
  // Chooses UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 demands.
  return ASN1_TIME_adj(out, 0, static_cast<int>(std::chrono::floor<std::chrono::days>(time).time_since_epoch().count()),
                       static_cast<long>((time - std::chrono::floor<std::chrono::days>(time)).count())) != nullptr;
}

bool AddExtension(X509* certificate, int nid, const char* value) {
  const X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool SetRandomSerial(X509* certificate) {
  ByteArray<kSerialSize> serial;
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return false;
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7F) | 0x40);  // positive, and never shorter
  const Asn1IntegerPtr number(ASN1_INTEGER_new());
  return number != nullptr && ASN1_STRING_set(number.get(), serial.data(), static_cast<int>(serial.size())) == 1 &&
         X509_set_serialNumber(certificate, number.get()) == 1;
}

}  // namespace

struct PrivateKey::Handle {
  EvpPkey pkey;
  PublicKey public_key;
};

SecretText::~SecretText() {
  if (text_ != nullptr) OPENSSL_cleanse(text_->data(), text_->size());
}

PrivateKey::PrivateKey(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
PrivateKey::~PrivateKey() = default;
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;

PrivateKey PrivateKey::GenerateP256() {
  const ErrorQueueGuard guard;
  EvpPkey pkey(EVP_EC_gen("P-256"));
  ASSAY_CHECK(pkey != nullptr);
  PublicKey public_key = PublicKey::FromSpki(DerOf<i2d_PUBKEY>(pkey.get())).value();
  return PrivateKey(std::make_unique<Handle>(Handle{std::move(pkey), std::move(public_key)}));
}

Outcome<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  const ErrorQueueGuard guard;
  const auto refuse = [](Reason reason, std::string expected, std::string actual) {
    return Finding{.reason = reason,
                   .component = "private key",
                   .claim = "PEM",
                   .expected = std::move(expected),
                   .actual = std::move(actual),
                   .spec = "RFC 7468 10"};
  };
  if (pem.empty()) return refuse(Reason::kEncodingMalformed, "one unencrypted private key", "nothing");
  if (pem.size() > kMaxPemSize) return refuse(Reason::kEncodingMalformed, "at most 16384 characters", std::to_string(pem.size()));
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ASSAY_CHECK(bio != nullptr);
  EvpPkey pkey(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr));
  if (pkey == nullptr) return refuse(Reason::kEncodingMalformed, "one unencrypted private key", "something else");
  const std::string_view rest = pem.substr(pem.size() - static_cast<std::size_t>(BIO_ctrl_pending(bio.get())));
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    return refuse(Reason::kEncodingMalformed, "nothing behind the key", "more text");
  }
  Outcome<PublicKey> public_key = PublicKey::FromSpki(DerOf<i2d_PUBKEY>(pkey.get()));
  if (!public_key || public_key->kind() != KeyKind::kEcP256) {
    return refuse(Reason::kKeyUnsupported, "EC on named curve P-256", "another key");
  }
  const EvpPkeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr));
  ASSAY_CHECK(context != nullptr);
  if (EVP_PKEY_pairwise_check(context.get()) != 1) {
    return refuse(Reason::kKeyUnsupported, "a public key that belongs to the private key", "another");
  }
  return PrivateKey(std::make_unique<Handle>(Handle{std::move(pkey), std::move(public_key).value()}));
}

SecretText PrivateKey::ToPem() const {
  const ErrorQueueGuard guard;
  // Secure memory where the process has it; cleansed when freed in any case.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  ASSAY_CHECK(bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), handle_->pkey.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  ASSAY_CHECK(size > 0);
  SecretText secret(std::string(text, static_cast<std::size_t>(size)));
  OPENSSL_cleanse(text, static_cast<std::size_t>(size));
  return secret;
}

const PublicKey& PrivateKey::public_key() const { return handle_->public_key; }

Bytes PrivateKey::SignDer(ByteView message) const {
  const ErrorQueueGuard guard;
  const EvpMdCtx context(EVP_MD_CTX_new());
  ASSAY_CHECK(context != nullptr &&
              EVP_DigestSignInit(context.get(), nullptr, Md(HashAlgorithm::kSha256), nullptr, handle_->pkey.get()) == 1);
  std::size_t size = 0;
  ASSAY_CHECK(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
  Bytes signature(size);
  ASSAY_CHECK(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  return signature;
}

Bytes PrivateKey::SignP1363(ByteView message) const {
  const Bytes encoded = SignDer(message);
  DerReader outer(encoded);
  DerReader halves(outer.Take(der::kSequence).value_or(ByteView{}));
  Bytes signature(2 * kScalarSize);
  for (std::size_t half = 0; half < 2; ++half) {
    const auto number = halves.Take(der::kInteger);
    ASSAY_CHECK(number && number->size() <= kScalarSize + 1);
    const ByteView magnitude = number->size() > kScalarSize ? number->subspan(1) : *number;
    std::copy_backward(magnitude.begin(), magnitude.end(), signature.begin() + static_cast<std::ptrdiff_t>((half + 1) * kScalarSize));
  }
  return signature;
}

absl::StatusOr<Bytes> PrivateKey::SelfSignedCertificate(std::string_view common_name, Time not_before, Time not_after) const {
  const ErrorQueueGuard guard;
  const X509NamePtr name = CommonName(common_name);
  if (name == nullptr) return BadName();
  if (not_after < not_before) return absl::InvalidArgumentError("the certificate would end before it begins");
  const X509Ptr certificate(X509_new());
  ASSAY_CHECK(certificate != nullptr);
  if (!SetTime(not_before, X509_getm_notBefore(certificate.get())) || !SetTime(not_after, X509_getm_notAfter(certificate.get()))) {
    return absl::InvalidArgumentError("a time that X.509 can't express");
  }
  ASSAY_CHECK(X509_set_version(certificate.get(), X509_VERSION_3) == 1 && SetRandomSerial(certificate.get()) &&
              X509_set_subject_name(certificate.get(), name.get()) == 1 && X509_set_issuer_name(certificate.get(), name.get()) == 1 &&
              X509_set_pubkey(certificate.get(), handle_->pkey.get()) == 1 &&
              AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE") &&
              AddExtension(certificate.get(), NID_key_usage, "critical,digitalSignature") &&
              AddExtension(certificate.get(), NID_ext_key_usage, "clientAuth") &&
              X509_sign(certificate.get(), handle_->pkey.get(), Md(HashAlgorithm::kSha256)) > 0);
  return DerOf<i2d_X509>(certificate.get());
}

absl::StatusOr<Bytes> PrivateKey::CertificateRequest(std::string_view common_name) const {
  const ErrorQueueGuard guard;
  const X509NamePtr name = CommonName(common_name);
  if (name == nullptr) return BadName();
  const X509ReqPtr request(X509_REQ_new());
  ASSAY_CHECK(request != nullptr && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
              X509_REQ_set_subject_name(request.get(), name.get()) == 1 && X509_REQ_set_pubkey(request.get(), handle_->pkey.get()) == 1 &&
              X509_REQ_sign(request.get(), handle_->pkey.get(), Md(HashAlgorithm::kSha256)) > 0);
  return DerOf<i2d_X509_REQ>(request.get());
}

}  // namespace assay::crypto

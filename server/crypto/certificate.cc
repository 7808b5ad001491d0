#include "crypto/certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "base/strings.h"
#include "crypto/der.h"
#include "crypto/openssl_handles.h"
#include "crypto/x509_fields.h"

namespace assay::crypto {
namespace {

struct Defect {
  std::string claim;
  std::string expected;
  std::string actual;
};

// RFC 5280 4.2.1.9: SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }. A written FALSE is not DER,
// but so common that it is let through.
bool ReadBasicConstraints(ByteView der, Certificate::Data& data) {
  if (!IsDer(der)) return false;
  DerReader outer(der);
  const auto content = outer.Take(der::kSequence);
  if (!content) return false;
  DerReader fields(*content);
  if (const auto ca = fields.Take(der::kBoolean)) data.is_ca = (*ca)[0] != 0;
  if (const auto length = fields.Take(der::kInteger)) {
    data.path_length = SmallInteger(*length);
    if (!data.path_length) return false;
  }
  return fields.AtEnd();
}

// RFC 5280 4.2.1.3. Bit 0 of the BIT STRING is the highest bit of its first octet.
std::optional<std::uint16_t> ReadKeyUsage(ByteView der) {
  if (!IsDer(der)) return std::nullopt;
  DerReader outer(der);
  const auto bits = outer.Take(der::kBitString);
  if (!bits || bits->size() > 3) return std::nullopt;
  std::uint16_t usage = 0;
  for (std::size_t bit = 0; bit < (bits->size() - 1) * 8; ++bit) {
    if (((*bits)[1 + bit / 8] >> (7 - bit % 8) & 1) != 0) usage = static_cast<std::uint16_t>(usage | 1U << bit);
  }
  return usage;
}

// Everything of TBSCertificate (RFC 5280 4.1) but the key. The defect, if there is one.
std::optional<Defect> ReadTbs(const SignedStructure& structure, Certificate::Data& data, ByteView& spki) {
  DerReader fields(structure.tbs.content);
  data.version = 1;
  if (const auto tagged = fields.Next(der::ContextConstructed(0))) {
    DerReader inner(tagged->content);
    const auto number = inner.Take(der::kInteger);
    const auto value = number ? SmallInteger(*number) : std::nullopt;
    // X.690 11.5: version 1 is the default and not written.
    if (!value || !inner.AtEnd() || *value < 1 || *value > 2) return Defect{"version", "1 (absent), 2 or 3", "another"};
    data.version = *value + 1;
  }
  const auto serial = fields.Take(der::kInteger);
  if (!serial) return Defect{"serialNumber", "a DER INTEGER", "none"};
  data.serial = ToBytes(*serial);

  const auto algorithm = fields.Next(der::kSequence);
  if (!algorithm) return Defect{"signature", "an AlgorithmIdentifier", "none"};
  data.algorithm = AlgorithmOf(structure.algorithm);
  data.algorithms_agree = Equal(algorithm->whole, structure.algorithm.whole);

  auto issuer = ReadName(fields);
  if (!issuer) return Defect{"issuer", "a distinguished name", "none, or one with undecodable text"};
  data.issuer = std::move(issuer->attributes);
  data.issuer_der = issuer->der;

  DerReader validity(fields.Take(der::kSequence).value_or(ByteView{}));
  const auto not_before = ReadTime(validity), not_after = ReadTime(validity);
  if (!not_before || !not_after || !validity.AtEnd()) { return Defect{"validity", "two times in UTC with seconds", "other text"}; }
  data.not_before = *not_before;
  data.not_after = *not_after;

  auto subject = ReadName(fields);
  if (!subject) return Defect{"subject", "a distinguished name", "none, or one with undecodable text"};
  data.subject = std::move(subject->attributes);
  data.subject_der = subject->der;
  const auto is_common_name = [](const NameAttribute& attribute) { return attribute.oid == oid::kCommonName; };
  const auto common_name = std::find_if(data.subject.begin(), data.subject.end(), is_common_name);
  if (std::count_if(data.subject.begin(), data.subject.end(), is_common_name) == 1) data.common_name = common_name->value;

  const auto key = fields.Next(der::kSequence);
  if (!key) return Defect{"subjectPublicKeyInfo", "a SubjectPublicKeyInfo", "none"};
  spki = key->whole;

  if (data.version >= 2) {
    for (const std::uint8_t unique_id : {std::uint8_t{1}, std::uint8_t{2}}) fields.Next(der::Context(unique_id));
  }
  if (data.version == 3) {
    if (const auto tagged = fields.Next(der::ContextConstructed(3))) {
      DerReader inner(tagged->content);
      const auto list = inner.Take(der::kSequence);
      auto extensions = list && inner.AtEnd() ? ReadExtensions(*list) : std::nullopt;
      if (!extensions) return Defect{"extensions", "at least one, each in DER and only once", "something else"};
      data.extensions = *std::move(extensions);
    }
  }
  if (!fields.AtEnd()) return Defect{"tbsCertificate", Cat("the fields of version ", data.version), "more fields"};

  if (const Extension* constraints = FindIn(data.extensions, oid::kBasicConstraints)) {
    if (!ReadBasicConstraints(constraints->value, data)) {
      return Defect{"basicConstraints", "cA and a pathLenConstraint of 0 to 2147483647", "something else"};
    }
  }
  if (const Extension* usage = FindIn(data.extensions, oid::kKeyUsage)) {
    data.key_usage = ReadKeyUsage(usage->value);
    if (!data.key_usage) return Defect{"keyUsage", "a BIT STRING of at most 16 bits", "something else"};
  }
  return std::nullopt;
}

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

// The bytes of a base64 text with line breaks (RFC 7468 section 3); nullopt if it is not that.
std::optional<Bytes> DecodeBase64(std::string_view text) {
  Bytes digits;
  digits.reserve(text.size());
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') digits.push_back(static_cast<std::uint8_t>(c));
  }
  const auto first_pad = std::find(digits.begin(), digits.end(), std::uint8_t{'='});
  const auto padding = static_cast<std::size_t>(digits.end() - first_pad);
  if (digits.empty() || padding > 2 || std::any_of(first_pad, digits.end(), [](std::uint8_t c) { return c != '='; })) return std::nullopt;
  Bytes decoded(digits.size() / 4 * 3 + 3);
  const int size = EVP_DecodeBlock(decoded.data(), digits.data(), static_cast<int>(digits.size()));
  if (size < 0 || static_cast<std::size_t>(size) != digits.size() / 4 * 3 || digits.size() % 4 != 0) return std::nullopt;
  decoded.resize(static_cast<std::size_t>(size) - padding);
  return decoded;
}

}  // namespace

Outcome<Certificate> Certificate::FromDer(ByteView der, std::string_view component) {
  const ErrorQueueGuard guard;
  const auto malformed = [&](Defect defect) {
    return Finding{.reason = Reason::kCertificateMalformed,
                   .component = std::string(component),
                   .claim = std::move(defect.claim),
                   .expected = std::move(defect.expected),
                   .actual = std::move(defect.actual),
                   .spec = "RFC 5280 4.1"};
  };
  if (der.size() > kMaxCertificateSize) {
    return malformed({"length", Cat("at most ", kMaxCertificateSize, " bytes"), Cat(der.size(), " bytes")});
  }
  auto data = std::make_shared<Data>();
  data->der = ToBytes(der);
  const auto structure = ReadSignedStructure(data->der);
  if (!structure) return malformed({"encoding", "exactly one DER certificate", Cat(der.size(), " bytes that are not that")});
  data->tbs = structure->tbs.whole;
  data->signature = structure->signature;

  ByteView spki;
  if (auto defect = ReadTbs(*structure, *data, spki)) return malformed(*std::move(defect));
  Outcome<PublicKey> key = PublicKey::FromSpki(spki);
  if (!key) {
    Finding finding = key.findings().front();
    finding.component = component;
    return finding;
  }
  data->key = std::move(key).value();

  const unsigned char* next = data->der.data();
  data->x509.reset(d2i_X509(nullptr, &next, static_cast<long>(data->der.size())));
  if (data->x509 == nullptr || next != data->der.data() + data->der.size()) {
    return malformed({"encoding", "a certificate that OpenSSL decodes", "one that it does not"});
  }
  // Purpose -1 asks nothing, but decodes every extension that OpenSSL knows, once and before the object is shared.
  if (X509_check_purpose(data->x509.get(), -1, 0) != 1) {
    return malformed({"extensions", "contents as RFC 5280 defines them", "an extension that does not decode"});
  }
  data->sha256 = Sha256(der);
  return Certificate(std::shared_ptr<const Data>(std::move(data)));
}

ByteView Certificate::der() const { return data_->der; }
const Sha256Digest& Certificate::sha256() const { return data_->sha256; }
int Certificate::version() const { return data_->version; }
const Bytes& Certificate::serial() const { return data_->serial; }
const std::vector<NameAttribute>& Certificate::subject() const { return data_->subject; }
const std::vector<NameAttribute>& Certificate::issuer() const { return data_->issuer; }
std::string Certificate::SubjectText() const { return TextOf(data_->subject); }
std::string Certificate::IssuerText() const { return TextOf(data_->issuer); }
std::string_view Certificate::CommonName() const { return data_->common_name; }
bool Certificate::SelfIssued() const { return Equal(data_->subject_der, data_->issuer_der); }
Time Certificate::not_before() const { return data_->not_before; }
Time Certificate::not_after() const { return data_->not_after; }
const PublicKey& Certificate::public_key() const { return *data_->key; }
const SignatureAlgorithm& Certificate::signature_algorithm() const { return data_->algorithm; }
bool Certificate::SignatureAlgorithmsAgree() const { return data_->algorithms_agree; }
const std::vector<Extension>& Certificate::extensions() const { return data_->extensions; }
const Extension* Certificate::FindExtension(std::string_view oid) const { return FindIn(data_->extensions, oid); }
bool Certificate::is_ca() const { return data_->is_ca; }
std::optional<int> Certificate::path_length() const { return data_->path_length; }
std::optional<std::uint16_t> Certificate::key_usage() const { return data_->key_usage; }

bool Certificate::IsSignedBy(const PublicKey& issuer) const {
  return data_->algorithms_agree && VerifySigned(data_->algorithm, issuer, data_->tbs, data_->signature);
}

Outcome<std::vector<Certificate>> CertificatesFrom(ByteView pem_or_der, std::string_view component, std::size_t limit) {
  const auto refuse = [&](Reason reason, std::string expected, std::string actual) {
    return Finding{.reason = reason,
                   .component = std::string(component),
                   .claim = "certificates",
                   .expected = std::move(expected),
                   .actual = std::move(actual),
                   .spec = "RFC 7468 5"};
  };
  std::vector<Certificate> certificates;
  const auto add = [&](ByteView der) -> std::vector<Finding> {
    const std::string name = Cat(component, '[', certificates.size(), ']');
    Outcome<Certificate> certificate = Certificate::FromDer(der, name);
    if (!certificate) return certificate.findings();
    certificates.push_back(std::move(certificate).value());
    return {};
  };

  const ErrorQueueGuard guard;
  std::string_view text = AsText(pem_or_der);
  std::size_t begin = text.find(kBegin);
  if (begin == std::string_view::npos) {
    Outcome<Certificate> certificate = Certificate::FromDer(pem_or_der, component);
    if (!certificate) return certificate.findings();
    if (limit == 0) return refuse(Reason::kSizeOverLimit, "no certificate", "1");
    return std::vector<Certificate>{std::move(certificate).value()};
  }
  // An END without its BEGIN: damage must not make a certificate vanish.
  const auto has_stray_end = [](std::string_view between) { return between.find(kEnd) != std::string_view::npos; };
  for (; begin != std::string_view::npos; begin = text.find(kBegin)) {
    if (has_stray_end(text.substr(0, begin))) break;
    if (certificates.size() == limit) return refuse(Reason::kSizeOverLimit, Cat("at most ", limit, " certificates"), "more");
    text.remove_prefix(begin + kBegin.size());
    const std::size_t end = text.find(kEnd);
    if (end == std::string_view::npos) return refuse(Reason::kEncodingMalformed, std::string(kEnd), "the end of the text");
    if (end > 2 * kMaxCertificateSize) {
      return refuse(Reason::kEncodingMalformed, Cat("at most ", 2 * kMaxCertificateSize, " characters in a block"),
                    Cat(end, " characters"));
    }
    const auto der = DecodeBase64(text.substr(0, end));
    if (!der) return refuse(Reason::kEncodingMalformed, "base64 between the labels", "other characters");
    if (auto findings = add(*der); !findings.empty()) return findings;
    text.remove_prefix(end + kEnd.size());
  }
  if (has_stray_end(text)) return refuse(Reason::kEncodingMalformed, std::string(kBegin), Cat(kEnd, " without it"));
  return certificates;
}

}  // namespace assay::crypto

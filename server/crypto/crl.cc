#include "crypto/crl.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/strings.h"
#include "crypto/der.h"
#include "crypto/openssl_handles.h"
#include "crypto/x509_fields.h"

namespace assay::crypto {

struct CertificateList::Data {
  Bytes der;
  Sha256Digest sha256{};
  std::vector<NameAttribute> issuer;
  Time this_update{};
  Time next_update{};
  std::optional<Bytes> number;
  std::vector<Bytes> revoked;
  SignatureAlgorithm algorithm;
  bool algorithms_agree = false;
  // Into der.
  ByteView issuer_der;
  ByteView tbs;
  ByteView signature;
};

namespace {

struct Defect {
  std::string claim;
  std::string expected;
  std::string actual;
};

constexpr std::array kKnownListExtensions = {oid::kCrlNumber, oid::kAuthorityKeyIdentifier, oid::kAuthorityInfoAccess};
constexpr std::array kKnownEntryExtensions = {oid::kReasonCode, oid::kInvalidityDate};

// A critical extension that is not understood may change what the list means (RFC 5280 5.2 and 5.3). What narrows or
// shifts the list's scope is refused even if it is not marked critical.
std::optional<Defect> CheckExtensions(const std::vector<Extension>& extensions, std::span<const std::string_view> known) {
  for (const Extension& extension : extensions) {
    if (extension.oid == oid::kDeltaCrlIndicator) return Defect{"deltaCRLIndicator", "a complete list", "a delta"};
    if (extension.oid == oid::kIssuingDistributionPoint) {
      return Defect{"issuingDistributionPoint", "a list for all certificates of its issuer", "a narrowed scope"};
    }
    if (extension.oid == oid::kCertificateIssuer) return Defect{"certificateIssuer", "a list for one issuer", "an indirect list"};
    if (extension.critical && std::find(known.begin(), known.end(), extension.oid) == known.end()) {
      return Defect{Cat("extension ", extension.oid), "not critical, as it is not known", "critical"};
    }
  }
  return std::nullopt;
}

// revokedCertificates, RFC 5280 5.1.2.6.
std::optional<Defect> ReadEntries(ByteView list, int version, std::vector<Bytes>& revoked) {
  const Defect malformed{"revokedCertificates", "entries of serial number, date and extensions", "something else"};
  DerReader entries(list);
  while (!entries.AtEnd()) {
    DerReader fields(entries.Take(der::kSequence).value_or(ByteView{}));
    const auto serial = fields.Take(der::kInteger);
    if (!serial || !ReadTime(fields)) return malformed;
    if (!fields.AtEnd()) {
      const auto content = version == 2 ? fields.Take(der::kSequence) : std::nullopt;
      const auto extensions = content ? ReadExtensions(*content) : std::nullopt;
      if (!extensions || !fields.AtEnd()) return malformed;
      if (auto defect = CheckExtensions(*extensions, kKnownEntryExtensions)) return defect;
    }
    revoked.push_back(ToBytes(*serial));
  }
  std::sort(revoked.begin(), revoked.end());
  return std::nullopt;
}

std::size_t CountElements(ByteView list) {
  std::size_t count = 0;
  DerReader reader(list);
  while (reader.Next()) ++count;
  return count;
}

}  // namespace

Outcome<CertificateList> CertificateList::FromDer(ByteView der, std::string_view component) {
  const auto refuse = [&](Reason reason, Defect defect) {
    return Finding{.reason = reason,
                   .component = std::string(component),
                   .claim = std::move(defect.claim),
                   .expected = std::move(defect.expected),
                   .actual = std::move(defect.actual),
                   .spec = "RFC 5280 5.1"};
  };
  const auto malformed = [&](Defect defect) { return refuse(Reason::kCrlMalformed, std::move(defect)); };
  if (der.size() > kMaxCrlSize) {
    return refuse(Reason::kSizeOverLimit, {"length", Cat("at most ", kMaxCrlSize, " bytes"), Cat(der.size(), " bytes")});
  }
  auto data = std::make_shared<Data>();
  data->der = ToBytes(der);
  const auto structure = ReadSignedStructure(data->der);
  if (!structure) return malformed({"encoding", "exactly one DER CertificateList", Cat(der.size(), " bytes that are not that")});
  data->tbs = structure->tbs.whole;
  data->signature = structure->signature;

  DerReader fields(structure->tbs.content);
  int version = 1;
  if (const auto number = fields.Take(der::kInteger)) {
    if (SmallInteger(*number) != 1) return malformed({"version", "1 (absent) or 2", "another"});
    version = 2;
  }
  const auto algorithm = fields.Next(der::kSequence);
  if (!algorithm) return malformed({"signature", "an AlgorithmIdentifier", "none"});
  data->algorithm = AlgorithmOf(structure->algorithm);
  data->algorithms_agree = Equal(algorithm->whole, structure->algorithm.whole);
  auto issuer = ReadName(fields);
  if (!issuer) return malformed({"issuer", "a distinguished name", "none, or one with undecodable text"});
  data->issuer = std::move(issuer->attributes);
  data->issuer_der = issuer->der;
  const auto this_update = ReadTime(fields);
  if (!this_update) return malformed({"thisUpdate", "a time in UTC with seconds", "none"});
  data->this_update = *this_update;
  const auto next_update = ReadTime(fields);
  if (!next_update) return malformed({"nextUpdate", "a time in UTC with seconds", "none"});
  data->next_update = *next_update;

  if (const auto list = fields.Take(der::kSequence)) {
    // Counted before anything is allocated for them.
    const std::size_t count = CountElements(*list);
    if (count > kMaxCrlEntries) {
      return refuse(Reason::kSizeOverLimit, {"revokedCertificates", Cat("at most ", kMaxCrlEntries), std::to_string(count)});
    }
    data->revoked.reserve(count);
    if (auto defect = ReadEntries(*list, version, data->revoked)) return malformed(*std::move(defect));
  }
  if (const auto tagged = version == 2 ? fields.Next(der::ContextConstructed(0)) : std::nullopt) {
    DerReader inner(tagged->content);
    const auto list = inner.Take(der::kSequence);
    const auto extensions = list && inner.AtEnd() ? ReadExtensions(*list) : std::nullopt;
    if (!extensions) return malformed({"crlExtensions", "at least one, each in DER and only once", "something else"});
    if (auto defect = CheckExtensions(*extensions, kKnownListExtensions)) return malformed(*std::move(defect));
    if (const Extension* number = FindIn(*extensions, oid::kCrlNumber)) {
      DerReader value(number->value);
      const auto content = value.Take(der::kInteger);
      if (!content || !IsDer(number->value)) return malformed({"cRLNumber", "a DER INTEGER", "something else"});
      data->number = ToBytes(*content);
    }
  }
  if (!fields.AtEnd()) return malformed({"tbsCertList", Cat("the fields of version ", version), "more fields"});
  data->sha256 = Sha256(der);
  return CertificateList(std::shared_ptr<const Data>(std::move(data)));
}

ByteView CertificateList::der() const { return data_->der; }
const Sha256Digest& CertificateList::sha256() const { return data_->sha256; }
std::string CertificateList::IssuerText() const { return TextOf(data_->issuer); }
Time CertificateList::this_update() const { return data_->this_update; }
Time CertificateList::next_update() const { return data_->next_update; }
std::optional<Bytes> CertificateList::number() const { return data_->number; }
const std::vector<Bytes>& CertificateList::revoked_serials() const { return data_->revoked; }
const SignatureAlgorithm& CertificateList::signature_algorithm() const { return data_->algorithm; }

bool CertificateList::Revokes(const Bytes& serial) const {
  return std::binary_search(data_->revoked.begin(), data_->revoked.end(), serial);
}

bool CertificateList::IsIssuedBy(const Certificate& issuer) const {
  const auto usage = issuer.key_usage();
  return usage && (*usage & static_cast<std::uint16_t>(KeyUsage::kCrlSign)) != 0 && Equal(data_->issuer_der, issuer.data().subject_der) &&
         data_->algorithms_agree && VerifySigned(data_->algorithm, issuer.public_key(), data_->tbs, data_->signature);
}

}  // namespace assay::crypto

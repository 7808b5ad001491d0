#include "evidence/tpm/format.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/claims.h"
#include "evidence/tpm/judge.h"
#include "evidence/tpm/unpack.h"
#include "trust/describe_certificate.h"

namespace assay::tpm {
namespace {

constexpr auto kMediaTypes = std::to_array<std::string_view>({kQuoteMediaType, kAkMediaType, kPcrsMediaType});

ByteView AllOf(const trust::UntrustedBytes& bytes) { return bytes.Read().TakeRest(); }

trust::Description DescribeQuote(const trust::UntrustedBytes& bytes) {
  CheckLog log;
  if (const auto parsed = AttestParser::ParseQuoteItem(bytes, log)) return parsed->Describe();
  trust::Description description("TPM quote", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

void DescribeInstance(const crypto::Certificate& certificate, trust::Description& description) {
  if (certificate.FindExtension(kGceInstanceOid) == nullptr) return;
  const auto instance = ReadGceInstance(certificate, kAkCertificateComponent);
  if (!instance) return void(description.Add("defect", Describe(instance.findings().front())));
  description.Add("zone", instance->zone);
  description.Add("project", Cat(instance->project_id, " (", instance->project_number, ")"));
  description.Add("instance", Cat(instance->instance_name, " (", instance->instance_id, ")"));
  if (instance->is_production) description.Add("production", *instance->is_production ? "yes" : "no");
}

// Certificates of TPMs' keys. Of mere authorities there is nothing that this format could say and no other.
std::optional<trust::Description> DescribeCertificates(const trust::UntrustedBytes& bytes) {
  const auto items = Unpack(bytes, trust::CollateralSource::kSupplied, nullptr);
  if (!items) return std::nullopt;
  const bool ours = std::any_of(items->begin(), items->end(),
                                [](const trust::CollateralItem& item) { return item.key.kind == kAkKind || item.key.kind == kEkKind; });
  if (!ours) return std::nullopt;
  trust::Description description("TPM certificates", Cat(items->size(), " documents"));
  for (const trust::CollateralItem& item : *items) {
    if (!item.certificate) {
      if (item.revocation_list) description.Add(trust::DescribeRevocationList(*item.revocation_list));
      continue;
    }
    trust::Description child = trust::DescribeCertificate(*item.certificate);
    if (item.key.kind != kCaKind) child.Add("key in the TPM", item.key.kind == kAkKind ? "attestation key" : "endorsement key");
    DescribeInstance(*item.certificate, child);
    if (items->size() == 1) return child;
    description.Add(std::move(child));
  }
  return description;
}

std::optional<PublicArea> PublicAreaIn(ByteView bytes) {
  const auto area = PublicArea::FromTpm2b(bytes, kAkComponent);
  if (!area) return std::nullopt;
  return *area;
}

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  const ByteView raw = AllOf(bytes);
  if (raw.empty()) return std::nullopt;
  if (LooksLikeQuoteItem(raw)) return DescribeQuote(bytes);
  if (const auto area = PublicAreaIn(raw)) return area->Describe("TPM public area");
  if (LooksLikePcrValues(raw)) {
    CheckLog unused;
    if (const auto values = PcrValuesParser::Parse(bytes, unused)) return values->Describe();
  }
  return DescribeCertificates(bytes);
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  const ByteView raw = AllOf(bytes);
  if (LooksLikeQuoteItem(raw)) return kQuoteMediaType;
  if (PublicAreaIn(raw)) return kAkMediaType;
  return LooksLikePcrValues(raw) ? kPcrsMediaType : std::string_view();
}

std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                             trust::FactCaches* caches) {
  const ByteView raw = AllOf(bytes);
  if (raw.empty() || (raw.front() != 0x30 && AsText(raw).find("-----BEGIN ") == std::string_view::npos)) return {};
  auto items = Unpack(bytes, source, caches);
  if (!items) return {};  // refused by name where the item itself is looked at
  return std::move(items).value();
}

// Nobody but the node, or the operator, has the certificates of a TPM's keys.
std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item>, const trust::CollateralSnapshot&) { return {}; }

const evidence::Item* Find(std::span<const evidence::Item> items, std::string_view media_type) {
  const auto found =
      std::find_if(items.begin(), items.end(), [media_type](const evidence::Item& item) { return item.media_type == media_type; });
  return found == items.end() ? nullptr : &*found;
}

bool HasCertificates(const evidence::Item& item) {
  return item.media_type == kCertificateMediaType || item.media_type == kPemChainMediaType || item.media_type == kCrlMediaType;
}

// Those of attestation keys, that of `area` first; those of endorsement keys if there is no other: a near miss gives the better finding.
std::vector<crypto::Certificate> InOrder(std::vector<trust::CollateralItem> documents, const std::optional<PublicArea>& area) {
  const auto rank = [&](const trust::CollateralItem& item) {
    const bool matches = area && item.certificate->public_key() == area->key();
    return (item.key.kind == kAkKind ? 0 : 2) + (matches ? 0 : 1);
  };
  std::erase_if(documents, [](const trust::CollateralItem& item) { return !item.certificate || item.key.kind == kCaKind; });
  std::stable_sort(documents.begin(), documents.end(),
                   [&](const trust::CollateralItem& a, const trust::CollateralItem& b) { return rank(a) < rank(b); });
  std::vector<crypto::Certificate> certificates;
  for (trust::CollateralItem& item : documents) certificates.push_back(*std::move(item.certificate));
  return certificates;
}

}  // namespace

const evidence::Format kFormat{
    .name = "tpm",
    .claim_prefix = "tpm",
    .media_types = kMediaTypes,
    .claims = ClaimTable(),
    .anchors = BuiltinAnchors(),
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
};

std::optional<TpmItems> ParseItems(std::span<const evidence::Item> items, trust::FactCaches* caches, CheckLog& log) {
  const evidence::Item* quote = Find(items, kQuoteMediaType);
  if (quote == nullptr) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(kQuoteComponent),
                                .expected = std::string(kQuoteMediaType),
                                .actual = "none"});
    return std::nullopt;
  }
  std::optional<trust::Parsed<Quote>> parsed = AttestParser::ParseQuoteItem(quote->body, log);
  bool sound = parsed.has_value();
  std::optional<PublicArea> ak;
  if (const evidence::Item* item = Find(items, kAkMediaType)) {
    auto area = PublicArea::FromTpm2b(AllOf(item->body), kAkComponent);
    sound &= log.Require(Check::kTpmPublicArea, area);
    if (area) ak = std::move(area).value();
  }
  std::optional<trust::Parsed<PcrValues>> pcrs;
  if (const evidence::Item* item = Find(items, kPcrsMediaType)) {
    pcrs = PcrValuesParser::Parse(item->body, log);
    sound &= pcrs.has_value();
  }
  std::vector<trust::CollateralItem> documents;
  for (const evidence::Item& item : items) {
    if (!HasCertificates(item)) continue;
    auto unpacked = Unpack(item.body, trust::CollateralSource::kNode, caches);
    if (!unpacked) {
      for (const Finding& finding : unpacked.findings()) log.Add(finding);
      sound = false;
      continue;
    }
    for (trust::CollateralItem& document : std::move(unpacked).value()) documents.push_back(std::move(document));
  }
  if (!sound) return std::nullopt;
  std::vector<crypto::Certificate> certificates = InOrder(std::move(documents), ak);
  return TpmItems{*std::move(parsed), std::move(ak), std::move(pcrs), std::move(certificates)};
}

std::optional<VouchedAk> VouchForAk(const TpmItems& items, const CertificateProfile* profile,
                                    const evidence::AuthenticationContext& context, CheckLog& log) {
  const bool certified = profile != nullptr && !items.certificates.empty();
  const bool activated = items.ak && context.activation != nullptr && context.endorsement_key != nullptr;
  const bool enrolled = items.ak && IsEnrolled(*items.ak, context.enrolled);
  const bool unanswered = context.endorsement_key != nullptr && context.activation == nullptr;
  if (!log.Require(Check::kTpmVouched, certified || activated || (items.ak && context.enrolled != nullptr), [&] {
        return Finding{.reason = Reason::kAkUnvouched,
                       .component = std::string(kAkComponent),
                       .claim = std::string(kAkTrustClaim),
                       .expected = Cat(profile != nullptr ? "its certificate; or " : "",
                                       "its public area, activated under an endorsement key that counts, or enrolled by an operator"),
                       .actual = items.ak ? "its public area alone" : "neither"};
      })) {
    return std::nullopt;
  }
  if (certified) {
    auto ak = VouchByCertificate(items.certificates.front(), items.ak, *profile, context, log);
    if (ak) AddEnrolledEk(*ak, context);
    return ak;
  }
  if (!items.ak) return std::nullopt;  // reached only with the check above switched off
  // Who enrolled this very key need not know whose endorsement key it is: a certificate that leads nowhere takes nothing from that.
  if (activated && !enrolled) {
    const std::optional<VouchedEk> ek = VouchForEk(context, log);
    return ek ? VouchByActivation(*items.ak, *ek, *context.activation, log) : std::nullopt;
  }
  if (unanswered) {
    log.Skip(Check::kTpmActivation, {.reason = Reason::kActivationAbsent,
                                     .effect = Effect::kNote,
                                     .component = std::string(kAkComponent),
                                     .claim = std::string(kAkTrustClaim),
                                     .expected = "the secret that was sealed for it",
                                     .actual = "nothing"});
  }
  if (context.enrolled == nullptr) return std::nullopt;
  auto ak = VouchByEnrolment(*items.ak, *context.enrolled, log);
  if (ak) AddEnrolledEk(*ak, context);
  return ak;
}

std::optional<trust::Bundle> CarryQuote(TpmItems items, VouchedAk ak, const std::vector<PcrSelection>* demanded,
                                        const evidence::AuthenticationContext& context, CheckLog& log) {
  const auto quote = AttestAuthenticator::Authenticate(std::move(items.quote), std::move(ak), demanded, context.challenge, log);
  if (!quote) return std::nullopt;
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*quote, context.challenge, log);
  if (bundle && items.pcrs) {
    const auto values = PcrValuesAuthenticator::Authenticate(*std::move(items.pcrs), *quote, log);
    if (!values || !bundle->Attach(*values, log)) return std::nullopt;
  }
  if (bundle) bundle->set_instance_identity(IdentityOfAk((*quote)->ak().key.key()));
  return bundle;
}

Bytes IdentityOfAk(const crypto::PublicKey& key) {
  Bytes identity = ToBytes(AsBytes("tpm.ak"));
  Append(identity, key.spki_sha256());
  return ToBytes(crypto::Sha256(identity));
}

std::optional<crypto::PublicKey> HintedAk(std::span<const evidence::Item> items) {
  if (const evidence::Item* item = Find(items, kAkMediaType)) {
    const auto area = PublicAreaIn(AllOf(item->body));
    return area ? std::optional(area->key()) : std::nullopt;
  }
  std::vector<trust::CollateralItem> documents;
  for (const evidence::Item& item : items) {
    if (!HasCertificates(item)) continue;
    auto unpacked = Unpack(item.body, trust::CollateralSource::kNode, nullptr);
    if (!unpacked) continue;
    for (trust::CollateralItem& document : std::move(unpacked).value()) documents.push_back(std::move(document));
  }
  const std::vector<crypto::Certificate> certificates = InOrder(std::move(documents), std::nullopt);
  return certificates.empty() ? std::nullopt : std::optional(certificates.front().public_key());
}

Bytes AkHint(std::span<const evidence::Item> items) {
  const std::optional<crypto::PublicKey> key = HintedAk(items);
  return key ? IdentityOfAk(*key) : Bytes();
}

}  // namespace assay::tpm

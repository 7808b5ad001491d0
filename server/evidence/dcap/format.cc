#include "evidence/dcap/format.h"

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/dcap/authentic_documents.h"
#include "evidence/dcap/authenticate.h"
#include "evidence/dcap/claims.h"
#include "evidence/dcap/counts_from.h"
#include "evidence/dcap/judge.h"
#include "evidence/dcap/pck.h"
#include "evidence/dcap/signed_document.h"
#include "evidence/dcap/unpack.h"
#include "trust/describe_certificate.h"

namespace assay::dcap {
namespace {

constexpr auto kMediaTypes = std::to_array<std::string_view>({kQuoteMediaType});

ByteView AllOf(const trust::UntrustedBytes& bytes) { return bytes.Read().TakeRest(); }

// Version, ATTESTATION_KEY_TYPE and the vendor id: enough to know what was meant.
bool LooksLikeQuote(ByteView bytes) {
  if (bytes.size() < kHeaderSize) return false;
  const ByteView vendor = SliceOf(bytes, FieldNamed(kHeaderV4, "QE_VENDOR_ID"));
  return bytes[0] >= 1 && bytes[0] <= 16 && bytes[1] == 0 && bytes[2] < 16 && bytes[3] == 0 && Equal(vendor, kIntelQeVendorId);
}

void DescribeExtension(const crypto::Certificate& certificate, trust::Description& description) {
  if (KindOf(certificate) != CertificateKind::kPck) return;
  const auto extension = ReadPckExtension(certificate);
  if (!extension) {
    for (const Finding& finding : extension.findings()) description.Add("defect", Describe(finding));
    return;
  }
  description.Add("FMSPC", ToHex(extension->fmspc));
  description.Add("PCEID", ToHex(extension->pce_id));
  description.Add("PPID", ToHex(extension->ppid));
  description.Add("TCB components", ToHex(extension->tcb_components));
  description.Add("PCESVN", std::to_string(extension->pce_svn));
  description.Add("CPUSVN", ToHex(extension->cpu_svn));
  description.Add("SGX type", std::string(NameOf(extension->sgx_type)));
  if (extension->platform_instance_id) description.Add("platform instance id", ToHex(*extension->platform_instance_id));
  if (extension->configuration) {
    description.Add("dynamic platform", extension->configuration->dynamic_platform ? "yes" : "no");
    description.Add("cached keys", extension->configuration->cached_keys ? "yes" : "no");
    description.Add("SMT enabled", extension->configuration->smt_enabled ? "yes" : "no");
  }
}

trust::Description DescribeCertificate(const crypto::Certificate& certificate) {
  trust::Description description = trust::DescribeCertificate(certificate);
  DescribeExtension(certificate, description);
  return description;
}

trust::Description DescribeQuote(const trust::UntrustedBytes& bytes) {
  CheckLog log;
  if (const auto parsed = QuoteParser::Parse(bytes, nullptr, log)) {
    trust::Description description = parsed->quote.Describe();
    description.Add(parsed->qe_report.Describe());
    return description;
  }
  trust::Description description("Intel SGX or TDX quote", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  if (LooksLikeQuote(AllOf(bytes))) return DescribeQuote(bytes);
  const auto items = Unpack(bytes, trust::CollateralSource::kSupplied, nullptr);
  if (!items || items->empty()) return std::nullopt;  // another vendor's, or none at all: not for this format to say
  trust::Description description("Intel endorsements", Cat(items->size(), items->size() == 1 ? " document" : " documents"));
  for (const trust::CollateralItem& item : *items) {
    trust::Description child("document", item.key.ToString());
    if (item.certificate) child = DescribeCertificate(*item.certificate);
    if (item.revocation_list) child = trust::DescribeRevocationList(*item.revocation_list);
    if (auto document = DescribeDocument(item)) child = *std::move(document);
    if (items->size() == 1) return child;
    description.Add(std::move(child));
  }
  return description;
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  return LooksLikeQuote(AllOf(bytes)) ? kQuoteMediaType : std::string_view();
}

std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                             trust::FactCaches* caches) {
  if (LooksLikeQuote(AllOf(bytes))) return {};  // its chain is its own affair
  Outcome<std::vector<trust::CollateralItem>> items = Unpack(bytes, source, caches);
  if (!items) return {};  // refused by name where the item itself is looked at
  return std::move(items).value();
}

const evidence::Item* FindQuote(std::span<const evidence::Item> items) {
  const auto found =
      std::find_if(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kQuoteMediaType; });
  return found == items.end() ? nullptr : &*found;
}

std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item> items, const trust::CollateralSnapshot& collateral) {
  const evidence::Item* item = FindQuote(items);
  if (item == nullptr) return {};
  CheckLog unused;
  const auto parsed = QuoteParser::Parse(item->body, nullptr, unused);
  if (!parsed) return {};
  std::vector<trust::CollateralKey> missing;
  const trust::LookupHints hints = parsed->quote.Hints();
  for (const trust::CollateralKey& key : hints.keys()) {
    const auto candidates = collateral.Candidates(key.kind, key.scope);
    const bool there = std::any_of(candidates.begin(), candidates.end(), [&](const trust::CollateralItem& candidate) {
      return key.detail.empty() || candidate.key.detail == key.detail;
    });
    if (!there) missing.push_back(key);
  }
  return missing;
}

bool IsContainer(std::string_view media_type) {
  return media_type == kCertificateMediaType || media_type == kCrlMediaType || media_type == kPemChainMediaType ||
         media_type == kJsonMediaType;
}

}  // namespace

const evidence::Format kFormat{
    .name = "dcap",
    .claim_prefix = "dcap",
    .media_types = kMediaTypes,
    .claims = ClaimTable(),
    .anchors = IntelAnchors(),
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
    .authentic = &AuthenticDocuments,
    .counts_from = &CountsFrom,
};

std::optional<trust::Authenticated<Quote>> AuthenticateQuote(std::span<const evidence::Item> items,
                                                             const evidence::AuthenticationContext& context, CheckLog& log) {
  const evidence::Item* item = FindQuote(items);
  if (item == nullptr) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(kQuoteComponent),
                                .expected = std::string(kQuoteMediaType),
                                .actual = "none"});
    return std::nullopt;
  }
  std::optional<ParsedQuote> parsed = QuoteParser::Parse(item->body, context.caches, log);
  bool sound = parsed.has_value();
  // Malformed endorsements are refused even where better ones exist: a node that sends garbage is told so.
  for (const evidence::Item& endorsement : items) {
    if (!IsContainer(endorsement.media_type)) continue;
    const auto unpacked = Unpack(endorsement.body, trust::CollateralSource::kNode, context.caches);
    for (const Finding& finding : unpacked.findings()) {
      log.Add(finding);
      sound = false;
    }
  }
  if (!sound) return std::nullopt;
  return QuoteAuthenticator::Authenticate(*std::move(parsed), context, log);
}

std::optional<Tee> TeeHint(std::span<const evidence::Item> items) {
  const evidence::Item* item = FindQuote(items);
  if (item == nullptr) return std::nullopt;
  const ByteView raw = AllOf(item->body);
  if (!LooksLikeQuote(raw)) return std::nullopt;
  return raw[0] > 3 && LittleEndianOf(raw, FieldNamed(kHeaderV4, "TEE_TYPE")) == 0x81 ? Tee::kTdx : Tee::kSgx;
}

std::optional<Bytes> MrtdHint(std::span<const evidence::Item> items) {
  if (TeeHint(items) != Tee::kTdx) return std::nullopt;
  const ByteView raw = AllOf(FindQuote(items)->body);
  const std::size_t body = kHeaderSize + (raw[0] == 4 ? 0 : 6);  // version 5: type and size of the body come first
  if (raw.size() < body) return std::nullopt;
  const ByteView mrtd = SliceOf(raw.subspan(body), FieldNamed(kTdReport15Ex, "MRTD"));
  return mrtd.empty() ? std::nullopt : std::optional(ToBytes(mrtd));
}

}  // namespace assay::dcap

#include "evidence/sev_snp/format.h"

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/sev_snp/authentic_documents.h"
#include "evidence/sev_snp/authenticate.h"
#include "evidence/sev_snp/cert_table.h"
#include "evidence/sev_snp/claims.h"
#include "evidence/sev_snp/endorsement.h"
#include "evidence/sev_snp/judge.h"
#include "evidence/sev_snp/unpack.h"
#include "trust/describe_certificate.h"

namespace assay::sev_snp {
namespace {

constexpr auto kMediaTypes = std::to_array<std::string_view>({kReportMediaType, kCertTableMediaType});

ByteView AllOf(const trust::UntrustedBytes& bytes) { return bytes.Read().TakeRest(); }

bool LooksLikeReport(ByteView bytes) {
  return bytes.size() == kReportSize && bytes[0] >= 1 && bytes[0] <= 16 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0;
}

trust::Description DescribeReport(const trust::UntrustedBytes& bytes) {
  CheckLog log;
  if (const auto parsed = ReportParser::Parse(bytes, log)) return parsed->Describe();
  trust::Description description("SEV-SNP attestation report", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

trust::Description DescribeTable(ByteView table, const std::vector<CertTableEntry>& entries) {
  trust::Description description("SEV certificate table", Cat(entries.size(), " entries, ", table.size(), " bytes"));
  for (const CertTableEntry& entry : entries) {
    trust::Description& child =
        description.Add(Cat(entry.name, " ", entry.guid), Cat("offset ", entry.offset, ", ", entry.length, " bytes"));
    const auto documents = Unpack(entry.name == "CRL" ? Container::kRevocationList : Container::kCertificate,
                                  trust::UntrustedBytes(ToBytes(entry.value)), trust::CollateralSource::kNode, nullptr);
    if (entry.name == "unknown" || entry.name == "ExtraPlatformInfo") continue;
    if (!documents) {
      child.Add("defect", Describe(documents.findings().front()));
      description.set_malformed();
      continue;
    }
    for (const trust::CollateralItem& item : *documents) {
      if (item.certificate) child.Add(trust::DescribeCertificate(*item.certificate));
      if (item.revocation_list) child.Add(trust::DescribeRevocationList(*item.revocation_list));
    }
  }
  return description;
}

void DescribeLeaf(const crypto::Certificate& certificate, trust::Description& description) {
  const auto role = RoleOf(certificate);
  if (!role || (role->kind != CertificateKind::kVcek && role->kind != CertificateKind::kVlek)) return;
  const auto extensions = ReadLeafExtensions(certificate, certificate.CommonName());
  if (!extensions) {
    for (const Finding& finding : extensions.findings()) description.Add("defect", Describe(finding));
    return;
  }
  description.Add("product", Printable(extensions->product_name, 64));
  description.Add("TCB", Cat(ToHex(extensions->tcb), "  ", trust::ShowValue(DecodeTcb(*extensions->product, extensions->tcb))));
  if (extensions->hwid) description.Add("chip id", ToHex(*extensions->hwid));
  if (extensions->csp_id) description.Add("CSP_ID", Printable(*extensions->csp_id, 128));
}

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  const ByteView raw = AllOf(bytes);
  if (LooksLikeReport(raw)) return DescribeReport(bytes);
  if (raw.size() > kReportSize && LooksLikeReport(raw.first(kReportSize))) {
    if (const auto table = ReadCertTable(raw.subspan(kReportSize))) {
      trust::Description description("SEV-SNP extended report", Cat(raw.size(), " bytes"));
      description.Add(DescribeReport(trust::UntrustedBytes(ToBytes(raw.first(kReportSize)))));
      description.Add(DescribeTable(raw.subspan(kReportSize), *table));
      return description;
    }
  }
  const Container container = LooksLike(raw);
  if (container == Container::kUnknown) return std::nullopt;
  if (container == Container::kCertTable) return DescribeTable(raw, *ReadCertTable(raw));
  const auto items = Unpack(container, bytes, trust::CollateralSource::kSupplied, nullptr);
  if (!items || items->empty()) return std::nullopt;  // another vendor's, or none at all: not for this format to say
  trust::Description description("AMD endorsements", Cat(items->size(), items->size() == 1 ? " document" : " documents"));
  for (const trust::CollateralItem& item : *items) {
    trust::Description child("document", item.key.ToString());
    if (item.certificate) {
      child = trust::DescribeCertificate(*item.certificate);
      DescribeLeaf(*item.certificate, child);
    }
    if (item.revocation_list) child = trust::DescribeRevocationList(*item.revocation_list);
    if (items->size() == 1) return child;
    description.Add(std::move(child));
  }
  return description;
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  const ByteView raw = AllOf(bytes);
  if (LooksLikeReport(raw)) return kReportMediaType;
  if (LooksLike(raw) == Container::kCertTable) return kCertTableMediaType;
  return {};
}

std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                             trust::FactCaches* caches) {
  const ByteView raw = AllOf(bytes);
  if (LooksLikeReport(raw)) return {};
  Outcome<std::vector<trust::CollateralItem>> items = Unpack(LooksLike(raw), bytes, source, caches);
  if (!items) return {};  // refused by name where the item itself is looked at
  return std::move(items).value();
}

const evidence::Item* FindReport(std::span<const evidence::Item> items) {
  const auto found =
      std::find_if(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kReportMediaType; });
  return found == items.end() ? nullptr : &*found;
}

std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item> items, const trust::CollateralSnapshot& collateral) {
  const evidence::Item* item = FindReport(items);
  if (item == nullptr) return {};
  CheckLog unused;
  const auto report = ReportParser::Parse(item->body, unused);
  if (!report) return {};
  std::vector<trust::CollateralKey> missing;
  const trust::LookupHints hints = report->Hints();
  for (const trust::CollateralKey& key : hints.keys()) {
    const auto candidates = collateral.Candidates(key.kind, key.scope);
    const bool there = std::any_of(candidates.begin(), candidates.end(), [&](const trust::CollateralItem& candidate) {
      return key.detail.empty() || candidate.key.detail == key.detail;
    });
    if (!there) missing.push_back(key);
  }
  return missing;
}

Container ContainerOf(std::string_view media_type) {
  if (media_type == kCertTableMediaType) return Container::kCertTable;
  if (media_type == kCertificateMediaType) return Container::kCertificate;
  if (media_type == kCrlMediaType) return Container::kRevocationList;
  if (media_type == kPemChainMediaType) return Container::kPem;
  return Container::kUnknown;
}

}  // namespace

const evidence::Format kFormat{
    .name = "sev_snp",
    .claim_prefix = "snp",
    .media_types = kMediaTypes,
    .claims = ClaimTable(),
    .anchors = AmdAnchors(),
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
    .authentic = &AuthenticDocuments,
};

std::optional<trust::Authenticated<Report>> AuthenticateReport(std::span<const evidence::Item> items,
                                                               const evidence::AuthenticationContext& context, CheckLog& log) {
  const evidence::Item* item = FindReport(items);
  if (item == nullptr) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(kReportComponent),
                                .expected = std::string(kReportMediaType),
                                .actual = "none"});
    return std::nullopt;
  }
  std::optional<trust::Parsed<Report>> report = ReportParser::Parse(item->body, log);
  // Malformed endorsements are refused even where better ones exist: a node that sends garbage is told so.
  bool sound = report.has_value();
  struct Endorsement {
    Container container;
    const trust::UntrustedBytes& body;
    Outcome<std::vector<trust::CollateralItem>> unpacked;
  };
  std::vector<Endorsement> endorsements;
  for (const evidence::Item& endorsement : items) {
    const Container container = ContainerOf(endorsement.media_type);
    if (container == Container::kUnknown) continue;
    auto unpacked = Unpack(container, endorsement.body, trust::CollateralSource::kNode, context.caches);
    if (container == Container::kCertTable) {
      sound &= log.Require(Check::kSnpCertTable, unpacked);
    } else if (!unpacked) {
      for (const Finding& finding : unpacked.findings()) log.Add(finding);
      sound = false;
    }
    endorsements.push_back({container, endorsement.body, std::move(unpacked)});
  }
  if (!sound) return std::nullopt;
  auto authenticated = ReportAuthenticator::Authenticate(*std::move(report), context, log);
  if (authenticated && context.caches != nullptr) {
    for (const Endorsement& endorsement : endorsements) {
      if (endorsement.unpacked.ok()) Remember(endorsement.container, endorsement.body, *endorsement.unpacked, *context.caches);
    }
  }
  return authenticated;
}

namespace {

std::optional<Bytes> FieldHint(std::span<const evidence::Item> items, const Field& field) {
  const evidence::Item* item = FindReport(items);
  if (item == nullptr || item->body.size() != kReportSize) return std::nullopt;
  return ToBytes(SliceOf(AllOf(item->body), field));
}

}  // namespace

std::optional<Bytes> ReportIdHint(std::span<const evidence::Item> items) { return FieldHint(items, FieldNamed(kReportV5, "REPORT_ID")); }
std::optional<Bytes> MeasurementHint(std::span<const evidence::Item> items) {
  return FieldHint(items, FieldNamed(kReportV5, "MEASUREMENT"));
}

std::optional<SigningKey> SigningKeyHint(std::span<const evidence::Item> items) {
  const evidence::Item* item = FindReport(items);
  if (item == nullptr) return std::nullopt;
  const ByteView raw = AllOf(item->body);
  if (raw.size() != kReportSize) return std::nullopt;
  const std::uint64_t signing_key = LittleEndianOf(raw, FieldNamed(kReportV5, "SIGNER_INFO")) >> 2 & 7;
  if (signing_key == 0) return SigningKey::kVcek;
  if (signing_key == 1) return SigningKey::kVlek;
  return std::nullopt;
}

}  // namespace assay::sev_snp

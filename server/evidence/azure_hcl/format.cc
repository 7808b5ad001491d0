#include "evidence/azure_hcl/format.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/finding.h"
#include "evidence/azure_hcl/claims.h"

namespace assay::azure_hcl {
namespace {

constexpr auto kMediaTypes = std::to_array<std::string_view>({kReportMediaType});
// Of the format whose report stands inside: formats don't know each other, but what they call their items.
constexpr std::string_view kSnpReportMediaType = "application/vnd.assay.sev-snp-report";

ByteView AllOf(const trust::UntrustedBytes& bytes) { return bytes.Read().TakeRest(); }

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  if (!LooksLikeReport(AllOf(bytes))) return std::nullopt;
  CheckLog log;
  if (const auto report = ReportParser::Parse(bytes, log)) return Describe(bytes, *report);
  trust::Description description("Azure HCL report", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  return LooksLikeReport(AllOf(bytes)) ? kReportMediaType : std::string_view();
}

// A report brings no endorsements; what its hardware report needs, that report's format asks for.
std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes&, trust::CollateralSource, trust::FactCaches*) { return {}; }
std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item>, const trust::CollateralSnapshot&) { return {}; }

// Whatever the claims say, a policy file can judge.
void Judge(const trust::AuthenticatedClaims&, const evidence::JudgeContext&, CheckLog&) {}

std::vector<evidence::Item> Contents(const evidence::Item& item) {
  if (item.media_type != kReportMediaType) return {};
  CheckLog unused;
  const auto report = ReportParser::Parse(item.body, unused);
  if (!report || report->type != ReportType::kSnp) return {};
  return {{std::string(kSnpReportMediaType), report->hardware_report}};
}

const evidence::Item* Find(std::span<const evidence::Item> items) {
  const auto found =
      std::find_if(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kReportMediaType; });
  return found == items.end() ? nullptr : &*found;
}

std::optional<ParsedReport> Peek(std::span<const evidence::Item> items) {
  const evidence::Item* item = Find(items);
  CheckLog unused;
  return item == nullptr ? std::nullopt : ReportParser::Parse(item->body, unused);
}

}  // namespace

const evidence::Format kFormat{
    .name = "azure_hcl",
    .claim_prefix = "hcl",
    .media_types = kMediaTypes,
    .claims = ClaimTable(),
    .anchors = {},
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
    .contents = &Contents,
};

std::optional<ParsedReport> ParseReport(std::span<const evidence::Item> items, CheckLog& log) {
  const evidence::Item* item = Find(items);
  if (item == nullptr) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(kReportComponent),
                                .expected = std::string(kReportMediaType),
                                .actual = "none"});
    return std::nullopt;
  }
  return ReportParser::Parse(item->body, log);
}

std::optional<ReportType> TypeHint(std::span<const evidence::Item> items) {
  const evidence::Item* item = Find(items);
  if (item == nullptr || item->body.size() < kHeaderSize || !LooksLikeReport(AllOf(item->body))) return std::nullopt;
  const std::uint64_t type = LittleEndianOf(AllOf(item->body), FieldNamed(kReport, "REPORT_TYPE"));
  if (type == static_cast<std::uint64_t>(ReportType::kSnp)) return ReportType::kSnp;
  if (type == static_cast<std::uint64_t>(ReportType::kTdx)) return ReportType::kTdx;
  return std::nullopt;
}

std::optional<crypto::PublicKey> AkHint(std::span<const evidence::Item> items) {
  std::optional<ParsedReport> report = Peek(items);
  if (!report) return std::nullopt;
  return RuntimeClaimsAuthenticator::Hint(report->claims);
}

}  // namespace assay::azure_hcl

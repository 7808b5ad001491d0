#include "evidence/gce_endorsement/format.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/hex.h"
#include "evidence/gce_endorsement/authenticate.h"
#include "evidence/gce_endorsement/claims.h"
#include "trust/challenge.h"

namespace assay::gce_endorsement {
namespace {

constexpr auto kMediaTypes = std::to_array<std::string_view>({kEndorsementMediaType});

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  if (!LooksLikeEndorsement(bytes.Read().TakeRest())) return std::nullopt;
  CheckLog log;
  if (const auto parsed = LaunchEndorsementParser::Parse(bytes, log)) return parsed->Describe();
  trust::Description description("Google launch endorsement", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  return LooksLikeEndorsement(bytes.Read().TakeRest()) ? kEndorsementMediaType : std::string_view();
}

// One document for each measurement that it lists. What a node sends is evidence, and serves that node alone.
std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source, trust::FactCaches*) {
  if (source == trust::CollateralSource::kNode || !LooksLikeEndorsement(bytes.Read().TakeRest())) return {};
  CheckLog unused;
  const auto parsed = LaunchEndorsementParser::Parse(bytes, unused);
  if (!parsed) return {};
  std::vector<trust::CollateralItem> items;
  const trust::LookupHints hints = parsed->Hints();
  for (const trust::CollateralKey& key : hints.keys()) items.push_back({key, bytes, bytes.Sha256(), source});
  return items;
}

// Those that are signed under a root that the operator pinned; their time is that of the certificates.
std::vector<trust::AuthenticDocument> AuthenticDocuments(std::span<const trust::CollateralItem> documents, const trust::AnchorSet& anchors,
                                                         trust::FactCaches* caches) {
  if (!anchors.HasAnchorFor(kVendor, kProduct)) return {};
  std::vector<trust::AuthenticDocument> authentic;
  const trust::CollateralSnapshot collateral(std::vector<trust::CollateralItem>(documents.begin(), documents.end()));
  static const trust::Challenge none = trust::Challenge::NotDemanded(true);
  for (const trust::CollateralItem& item : documents) {
    if (item.key.kind != kEndorsementKind) continue;
    CheckLog unused;
    auto parsed = LaunchEndorsementParser::Parse(item.body, unused);
    if (!parsed) continue;
    const auto endorsement = LaunchEndorsementAuthenticator::Authenticate(
        *std::move(parsed), {.anchors = anchors, .collateral = collateral, .challenge = none, .caches = caches}, unused);
    if (!endorsement) continue;
    trust::AuthenticDocument document{item, Time::min(), Time::max()};
    for (const trust::ValidityWindow& window : endorsement->windows()) {
      document.not_before = std::max(document.not_before, window.not_before);
      document.not_after = std::min(document.not_after, window.not_after);
    }
    authentic.push_back(std::move(document));
  }
  return authentic;
}

// Which measurement is Google's only the platform knows.
std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item>, const trust::CollateralSnapshot&) { return {}; }
void Judge(const trust::AuthenticatedClaims&, const evidence::JudgeContext&, CheckLog&) {}

}  // namespace

const evidence::Format kFormat{
    .name = "gce_endorsement",
    .claim_prefix = "gce",
    .media_types = kMediaTypes,
    .claims = ClaimTable(),
    .anchors = {},
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
    .authentic = &AuthenticDocuments,
};

std::optional<trust::Parsed<LaunchEndorsement>> ParseEndorsement(std::span<const evidence::Item> items, bool& sound,
                                                                 trust::FactCaches* caches, CheckLog& log) {
  const auto found =
      std::find_if(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kEndorsementMediaType; });
  if (found == items.end()) return std::nullopt;
  auto parsed = LaunchEndorsementParser::Parse(found->body, log, caches);
  sound = parsed.has_value();
  return parsed;
}

std::optional<trust::Parsed<LaunchEndorsement>> FindEndorsement(const trust::CollateralSnapshot& collateral, std::string_view scope,
                                                                ByteView measurement, trust::FactCaches* caches, CheckLog& log) {
  const std::string detail = ToHex(measurement);
  for (const trust::CollateralItem& item : collateral.Candidates(kEndorsementKind, scope)) {
    if (item.key.detail == detail) return LaunchEndorsementParser::Parse(item.body, log, caches);
  }
  return std::nullopt;
}

std::vector<trust::CollateralKey> NeedsEndorsement(std::span<const evidence::Item> items, const trust::CollateralSnapshot& collateral,
                                                   std::string_view scope, const std::optional<Bytes>& measurement) {
  const bool sent =
      std::any_of(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kEndorsementMediaType; });
  if (sent || !measurement) return {};
  trust::CollateralKey key{std::string(kEndorsementKind), std::string(scope), ToHex(*measurement)};
  const auto candidates = collateral.Candidates(key.kind, key.scope);
  const bool there = std::any_of(candidates.begin(), candidates.end(),
                                 [&key](const trust::CollateralItem& item) { return item.key.detail == key.detail; });
  return there ? std::vector<trust::CollateralKey>() : std::vector{std::move(key)};
}

}  // namespace assay::gce_endorsement

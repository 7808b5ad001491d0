#include "evidence/gce_endorsement/format.h"

#include <algorithm>
#include <array>
#include <string>

#include "evidence/gce_endorsement/claims.h"

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

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) { return LooksLikeEndorsement(bytes.Read().TakeRest()) ? kEndorsementMediaType : std::string_view(); }

// An endorsement comes with the node's evidence, whole with its certificates.
std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes&, trust::CollateralSource, trust::FactCaches*) { return {}; }
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
};

std::optional<trust::Parsed<LaunchEndorsement>> ParseEndorsement(std::span<const evidence::Item> items, bool& sound, CheckLog& log) {
  const auto found = std::find_if(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kEndorsementMediaType; });
  if (found == items.end()) return std::nullopt;
  auto parsed = LaunchEndorsementParser::Parse(found->body, log);
  sound = parsed.has_value();
  return parsed;
}

}  // namespace assay::gce_endorsement

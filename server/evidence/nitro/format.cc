#include "evidence/nitro/format.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "evidence/nitro/authenticate.h"
#include "evidence/nitro/claims.h"
#include "evidence/nitro/endorsement.h"
#include "evidence/nitro/judge.h"

namespace assay::nitro {
namespace {

constexpr auto kMediaTypes = std::to_array<std::string_view>({kDocumentMediaType});

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  if (!LooksLikeDocument(bytes.Read().TakeRest())) return std::nullopt;
  CheckLog log;
  if (const auto parsed = DocumentParser::Parse(bytes, log)) return parsed->Describe();
  trust::Description description("Nitro attestation document", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  return LooksLikeDocument(bytes.Read().TakeRest()) ? kDocumentMediaType : std::string_view();
}

// A document brings all certificates of its chain, and nothing else has them.
std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes&, trust::CollateralSource, trust::FactCaches*) { return {}; }
std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item>, const trust::CollateralSnapshot&) { return {}; }

const evidence::Item* FindDocument(std::span<const evidence::Item> items) {
  const auto found =
      std::find_if(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kDocumentMediaType; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const evidence::Format kFormat{
    .name = "nitro",
    .claim_prefix = "nitro",
    .media_types = kMediaTypes,
    .claims = ClaimTable(),
    .anchors = AwsAnchors(),
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
};

std::optional<trust::Authenticated<Document>> AuthenticateDocument(std::span<const evidence::Item> items,
                                                                   const evidence::AuthenticationContext& context, CheckLog& log) {
  const evidence::Item* item = FindDocument(items);
  if (item == nullptr) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(kDocumentComponent),
                                .expected = std::string(kDocumentMediaType),
                                .actual = "none"});
    return std::nullopt;
  }
  std::optional<trust::Parsed<Document>> parsed = DocumentParser::Parse(item->body, log);
  if (!parsed) return std::nullopt;
  return DocumentAuthenticator::Authenticate(*std::move(parsed), context, log);
}

std::optional<DocumentHint> HintOf(std::span<const evidence::Item> items) {
  const evidence::Item* item = FindDocument(items);
  return item == nullptr ? std::nullopt : HintIn(item->body.Read().TakeRest());
}

}  // namespace assay::nitro

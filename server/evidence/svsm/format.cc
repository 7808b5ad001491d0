#include "evidence/svsm/format.h"

#include <algorithm>
#include <array>
#include <string>

namespace assay::svsm {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

constexpr auto kMediaTypes = std::to_array<std::string_view>({kManifestMediaType});

constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"svsm.services", kNames, kOptional, 0, {}, "services that the SVSM says it runs, by GUID"},
    {"svsm.vtpm_ek_sha256",
     kOctets,
     kOptional,
     32,
     {},
     "SHA-256 of the public area of the virtual TPM's endorsement key; another with every start"},
});
static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

ByteView AllOf(const trust::UntrustedBytes& bytes) { return bytes.Read().TakeRest(); }

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  if (!LooksLikeManifest(AllOf(bytes))) return std::nullopt;
  CheckLog log;
  if (const auto manifest = ManifestParser::Parse(bytes, log)) return manifest->Describe();
  trust::Description description("SVSM manifest", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  return LooksLikeManifest(AllOf(bytes)) ? kManifestMediaType : std::string_view();
}

std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes&, trust::CollateralSource, trust::FactCaches*) { return {}; }
std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item>, const trust::CollateralSnapshot&) { return {}; }
// Whatever the claims say, a policy file can judge.
void Judge(const trust::AuthenticatedClaims&, const evidence::JudgeContext&, CheckLog&) {}

}  // namespace

const evidence::Format kFormat{
    .name = "svsm",
    .claim_prefix = "svsm",
    .media_types = kMediaTypes,
    .claims = kClaims,
    .anchors = {},
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
};

std::optional<trust::Parsed<Manifest>> ParseManifest(std::span<const evidence::Item> items, CheckLog& log) {
  const auto found =
      std::find_if(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == kManifestMediaType; });
  if (found == items.end()) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(kManifestComponent),
                                .expected = std::string(kManifestMediaType),
                                .actual = "none"});
    return std::nullopt;
  }
  return ManifestParser::Parse(found->body, log);
}

}  // namespace assay::svsm

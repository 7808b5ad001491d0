#include "platform/aws_nitro_tpm_quote/platform.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "evidence/tcg_log/format.h"
#include "evidence/tpm/format.h"
#include "platform/binding/vtpm.h"

namespace assay::aws_nitro_tpm_quote {
namespace {

constexpr const evidence::Format* kFormats[] = {&tpm::kFormat, &tcg_log::kFormat};
constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {tpm::kQuoteMediaType, 1, 1, platform::kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 1, 1},
    {tcg_log::kTcgEventLogMediaType, 0, 1},
});

// Nothing in a NitroTPM's quote says that it is one; a manifest without certificates is all there is to go by.
bool Fits(std::span<const evidence::Item> items) { return !tpm::AkHint(items).empty(); }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  std::optional<tpm::TpmItems> parsed = tpm::ParseItems(items, context.caches, log);
  if (!parsed) return std::nullopt;
  // NitroTPMs have no certificates, so that there is no profile to go by: an operator vouches for the key, or nobody.
  std::optional<tpm::VouchedAk> ak = tpm::VouchForAk(*parsed, nullptr, context, log);
  if (!ak) return std::nullopt;
  const std::vector<tpm::PcrSelection> demanded = tpm::AllOfSha256();
  return platform::CarryVtpm(items, *std::move(parsed), *std::move(ak), &demanded, context, log);
}

// No signature of AWS's is part of this evidence.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims&, const evidence::JudgeContext&) {
  return evidence::Provenance::kInferred;
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kD; }

// GHSA-xrv8-2pf5-f3q7, as of documents: PCR 4 is the image, and PCR 12 what was added to its command line.
void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log) {
  if (claims.Find("tpm.sha256_pcr4") == nullptr) return;
  const auto appraised = [&](std::string_view claim) { return context.Pins(claim) || context.Releases(claim); };
  const bool image = appraised("tpm.sha256_pcr4"), command_line = appraised("tpm.sha256_pcr12");
  if (!image && !command_line) return;
  log.Require(Check::kNitroBootPcrs, image == command_line, [&] {
    return Finding{.reason = Reason::kBootPcrsOpen,
                   .effect = Effect::kIndeterminate,
                   .component = std::string(tpm::kPcrsComponent),
                   .claim = image ? "tpm.sha256_pcr12" : "tpm.sha256_pcr4",
                   .expected = "a rule beside that on the other",
                   .actual = "none",
                   .spec = "GHSA-xrv8-2pf5-f3q7"};
  });
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary = platform::VtpmBoundary(bundle, facts);
  boundary.trusted_parties = {"AWS (Nitro hypervisor, which runs the NitroTPM)",
                              "who enrolled the attestation key: that it is one of a NitroTPM"};
  boundary.not_proven.emplace_back("that the machine is one of AWS's: nothing that AWS signed is part of this evidence");
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "aws_nitro_tpm_quote",
    .summary = "AWS: instance with a NitroTPM, by a quote alone under a key that an operator enrolled",
    .cloud = "aws",
    .strength_at_best = platform::Strength::kD,
    .trusted_at_best = "AWS: Nitro hypervisor, which runs the TPM; who enrolled the key",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::VtpmIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
    .judge = &Judge,
};

}  // namespace assay::aws_nitro_tpm_quote

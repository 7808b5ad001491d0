#include "platform/azure_trusted_launch/platform.h"

#include "platform/binding/vtpm.h"

namespace assay::azure_trusted_launch {
namespace {

bool Fits(std::span<const evidence::Item> items) { return platform::FitsVtpm(items, tpm::kMicrosoftProfile); }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context, CheckLog& log) {
  // All of them, offline too: a register that a quote leaves out is one that somebody chose to leave out.
  const std::vector<tpm::PcrSelection> demanded = tpm::AllOfSha256();
  return platform::AuthenticateVtpm(items, tpm::kMicrosoftProfile, &demanded, context, log);
}

// Authentication demanded a certificate under Microsoft's pinned root.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims&, const evidence::JudgeContext&) { return evidence::Provenance::kProven; }

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kD; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary = platform::VtpmBoundary(bundle, facts);
  boundary.trusted_parties = {"Microsoft (hypervisor and host, which run the virtual TPM; guest firmware; certificate authority)"};
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "azure_trusted_launch",
    .summary = "Azure, Trusted Launch: quote by Microsoft's virtual TPM; no memory encryption shown",
    .cloud = "azure",
    .strength_at_best = platform::Strength::kD,
    .trusted_at_best = "Microsoft: hypervisor, virtual TPM, guest firmware, certificate authority",
    .manifest = platform::kVtpmManifest,
    .formats = platform::kVtpmFormats,
    .fits = &Fits,
    .identity_hint = &platform::VtpmIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::azure_trusted_launch

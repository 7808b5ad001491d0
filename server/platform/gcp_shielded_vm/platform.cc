#include "platform/gcp_shielded_vm/platform.h"

#include "platform/binding/vtpm.h"

namespace assay::gcp_shielded_vm {
namespace {

bool Fits(std::span<const evidence::Item> items) { return platform::FitsVtpm(items, tpm::kGoogleProfile); }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context, CheckLog& log) {
  // All of them, offline too: a register that a quote leaves out is one that somebody chose to leave out.
  const std::vector<tpm::PcrSelection> demanded = tpm::AllOfSha256();
  return platform::AuthenticateVtpm(items, tpm::kGoogleProfile, &demanded, context, log);
}

// Authentication demanded a certificate under Google's pinned roots, with the instance in it.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims&, const evidence::JudgeContext&) { return evidence::Provenance::kProven; }

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kD; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary = platform::VtpmBoundary(bundle, facts);
  boundary.trusted_parties = {"Google (hypervisor and host, which run the virtual TPM; guest firmware; certificate authority)"};
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "gcp_shielded_vm",
    .summary = "Google Compute Engine, Shielded VM: quote by Google's virtual TPM; no memory encryption shown",
    .cloud = "gcp",
    .strength_at_best = platform::Strength::kD,
    .trusted_at_best = "Google: hypervisor, virtual TPM, guest firmware, certificate authority",
    .manifest = platform::kVtpmManifest,
    .formats = platform::kVtpmFormats,
    .fits = &Fits,
    .identity_hint = &platform::VtpmIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::gcp_shielded_vm

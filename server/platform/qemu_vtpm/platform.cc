#include "platform/qemu_vtpm/platform.h"

#include "platform/binding/vtpm.h"

namespace assay::qemu_vtpm {
namespace {

// What a cloud's vTPM has, but the public area must be there: its Name is what operators enrol, and what secrets are sealed for. The
// certificates are the issuers of the endorsement key's.
constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {tpm::kQuoteMediaType, 1, 1, platform::kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 1, 1},
    {tcg_log::kTcgEventLogMediaType, 0, 1},
    {tpm::kCertificateMediaType, 0, 8},
    {tpm::kPemChainMediaType, 0, 2},
    {tpm::kCrlMediaType, 0, 4},
});

// Nobody certified the attestation key.
bool Fits(std::span<const evidence::Item> items) {
  CheckLog unused;
  const auto parsed = tpm::ParseItems(items, nullptr, unused);
  return parsed && parsed->ak && (parsed->certificates.empty() || tpm::KindOf(parsed->certificates.front()) == tpm::CertificateKind::kEk);
}

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  std::optional<tpm::TpmItems> parsed = tpm::ParseItems(items, context.caches, log);
  if (!parsed) return std::nullopt;
  std::optional<tpm::VouchedAk> ak = tpm::VouchForAk(*parsed, nullptr, context, log);
  if (!ak) return std::nullopt;
  const std::vector<tpm::PcrSelection> demanded = platform::DemandedOfVtpm();
  return platform::CarryVtpm(items, *std::move(parsed), *std::move(ak), &demanded, context, log);
}

// An operator wrote the key down, or configured the authority that certified its TPM: it is where they put it.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims&, const evidence::JudgeContext&) {
  return evidence::Provenance::kProven;
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kE; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary = platform::VtpmBoundary(bundle, facts);
  boundary.trusted_parties = {"whoever operates the host (the TPM is a program there, its keys a file; it runs guest and firmware)",
                              "the operator who enrolled the key, or the authority that certified the TPM's endorsement key"};
  boundary.not_proven.emplace_back("that the TPM is where it was: whoever has its state can run a copy");
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "qemu_vtpm",
    .summary = "OpenStack, QEMU/KVM with a TPM that the host runs (swtpm): no protection from the host",
    .cloud = "openstack",
    .strength_at_best = platform::Strength::kE,
    .trusted_at_best = "whoever operates the host; who enrolled the key, or certified the TPM",
    .manifest = kManifest,
    .formats = platform::kVtpmFormats,
    .fits = &Fits,
    .identity_hint = &platform::VtpmIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::qemu_vtpm

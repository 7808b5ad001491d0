#include "platform/gcp_tdx/platform.h"

#include <array>
#include <string>

#include "evidence/dcap/format.h"
#include "platform/binding/ccel.h"
#include "platform/binding/gce.h"
#include "platform/binding/launch_answers.h"

namespace assay::gcp_tdx {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&dcap::kFormat, &tpm::kFormat, &tcg_log::kFormat, &gce_endorsement::kFormat};

// One event log: that of the trust domain. The TPM's own would tell the same boot by the hypervisor's registers.
constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {dcap::kQuoteMediaType, 1, 1},
    {tcg_log::kCcelMediaType, 0, 1},
    {tpm::kQuoteMediaType, 1, 1, platform::kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 1, 1},
    {gce_endorsement::kEndorsementMediaType, 0, 1},
    {dcap::kCertificateMediaType, 0, 12},
    {dcap::kPemChainMediaType, 0, 4},
    {dcap::kCrlMediaType, 0, 4},
    {dcap::kJsonMediaType, 0, 4},
});

bool Fits(std::span<const evidence::Item> items) {
  return dcap::TeeHint(items) == dcap::Tee::kTdx && platform::FitsVtpm(items, tpm::kGoogleProfile);
}

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto quote = dcap::AuthenticateQuote(items, context, log);
  if (!quote) return std::nullopt;
  if (!log.Require(Check::kPlatform, (*quote)->tee() == dcap::Tee::kTdx, [] {
        return Finding{.reason = Reason::kPlatformUnrecognised,
                       .component = std::string(dcap::kQuoteComponent),
                       .claim = "dcap.tee",
                       .expected = "TDX: the quote of a trust domain",
                       .actual = "SGX: the quote of an enclave",
                       .remedy = "Attest the virtual machine itself, not an enclave in it."};
      })) {
    return std::nullopt;
  }
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*quote, context.challenge, log);
  if (!bundle || !platform::AttachGceVtpm(items, *bundle, context, log) || !platform::AttachCcel(items, *quote, *bundle, log)) {
    return std::nullopt;
  }
  const bool endorsed =
      platform::AttachEndorsement(items, gce_endorsement::kTdxScope, (*quote)->Slice(FieldNamed(dcap::kTdReport15Ex, "MRTD")), *bundle,
                                  context, log, [&](const auto& endorsement) {
                                    return gce_endorsement::LaunchEndorsementAuthenticator::MatchTdx(
                                        endorsement, *quote, (*quote)->Slice(FieldNamed(dcap::kTdReport15Ex, "MRTD")), log);
                                  });
  if (!endorsed) return std::nullopt;
  return bundle;
}

std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item> items, const trust::CollateralSnapshot& collateral) {
  return gce_endorsement::NeedsEndorsement(items, collateral, gce_endorsement::kTdxScope, dcap::MrtdHint(items));
}

// MRTD and the RTMRs cover the boot from firmware to kernel; the TPM's registers come from Google's hypervisor.
bool CoveredByHardware(const platform::AppraisedFacts& facts) {
  return facts.boot_covered && (facts.boot_claim.starts_with("dcap.") || facts.boot_claim.starts_with("log."));
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  return CoveredByHardware(facts) ? platform::Strength::kA : platform::Strength::kC;
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary = platform::GceBoundary(bundle, facts);
  boundary.trusted_parties = {
      "Intel (CPU, TDX module, quoting enclave, provisioning)", "whoever can physically attach to the machine's memory bus",
      CoveredByHardware(facts) ? "Google (closed guest firmware; certificate authority)"
                               : "Google (closed guest firmware; hypervisor, which runs the virtual TPM; certificate authority)"};
  if (CoveredByHardware(facts)) boundary.features.push_back(Feature::kMeasuredBoot);
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "gcp_tdx",
    .summary = "Google Compute Engine with Intel TDX: raw quote, and Google's virtual TPM under a key that the quote commits to",
    .cloud = "gcp",
    .strength_at_best = platform::Strength::kA,
    .trusted_at_best = "Intel; Google, for the closed guest firmware",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::VtpmIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &platform::GceProvenance,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
    .needs = &Needs,
    .no_answer = &platform::FirmwareIsNotTheBoot,
};

}  // namespace assay::gcp_tdx

#include "platform/gcp_sev_snp/platform.h"

#include <array>
#include <string>

#include "evidence/sev_snp/format.h"
#include "platform/binding/event_log.h"
#include "platform/binding/gce.h"
#include "platform/binding/launch_answers.h"
#include "platform/binding/snp_report.h"

namespace assay::gcp_sev_snp {
namespace {

constexpr const evidence::Format* kFormats[] = {&sev_snp::kFormat, &tpm::kFormat, &tcg_log::kFormat, &gce_endorsement::kFormat};

constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {sev_snp::kReportMediaType, 1, 1},
    {sev_snp::kCertTableMediaType, 0, 1},
    {tpm::kQuoteMediaType, 1, 1, platform::kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 1, 1},
    {tcg_log::kTcgEventLogMediaType, 0, 1},
    {gce_endorsement::kEndorsementMediaType, 0, 1},
    {sev_snp::kCertificateMediaType, 0, 12},
    {sev_snp::kPemChainMediaType, 0, 4},
    {sev_snp::kCrlMediaType, 0, 4},
});

bool Fits(std::span<const evidence::Item> items) {
  return sev_snp::SigningKeyHint(items) == sev_snp::SigningKey::kVcek && platform::FitsVtpm(items, tpm::kGoogleProfile);
}

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto report = sev_snp::AuthenticateReport(items, context, log);
  if (!report) return std::nullopt;
  if (!log.Require(Check::kPlatform, (*report)->signing_key() == sev_snp::SigningKey::kVcek, [] {
        return Finding{.reason = Reason::kPlatformUnrecognised,
                       .component = std::string(sev_snp::kReportComponent),
                       .claim = "snp.signing_key",
                       .expected = "vcek: Google's machines sign with the chip's own key",
                       .actual = "vlek",
                       .remedy = "Attest as the provider's own platform."};
      })) {
    return std::nullopt;
  }
  std::optional<trust::Bundle> bundle = platform::CarryReport(*report, context.challenge, log);
  if (!bundle) return std::nullopt;
  const auto pcrs = platform::AttachGceVtpm(items, *bundle, context, log);
  if (!pcrs || !platform::AttachEventLog(items, *pcrs, *bundle, log)) return std::nullopt;
  const bool endorsed = platform::AttachEndorsement(
      items, gce_endorsement::kSevSnpScope, (*report)->measurement(), *bundle, context, log, [&](const auto& endorsement) {
        return gce_endorsement::LaunchEndorsementAuthenticator::MatchSnp(endorsement, *report, (*report)->measurement(), log);
      });
  if (!endorsed || !platform::CheckTechnology(*bundle, "sev_snp", log)) return std::nullopt;
  return bundle;
}

std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item> items, const trust::CollateralSnapshot& collateral) {
  return gce_endorsement::NeedsEndorsement(items, collateral, gce_endorsement::kSevSnpScope, sev_snp::MeasurementHint(items));
}

// The measurement covers Google's firmware, which loads everything else; whatever tells more about the boot comes out of a TPM that Google's
// hypervisor runs.
platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kC; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary = platform::GceBoundary(bundle, facts);
  boundary.trusted_parties = {"AMD (CPU, firmware up to the reported TCB, key distribution)",
                              "whoever can physically attach to the machine's memory bus",
                              "Google (closed guest firmware; hypervisor, which runs the virtual TPM; certificate authority)"};
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "gcp_sev_snp",
    .summary = "Google Compute Engine with SEV-SNP: raw report, and Google's virtual TPM under a key that the report commits to",
    .cloud = "gcp",
    .strength_at_best = platform::Strength::kC,
    .trusted_at_best = "AMD; Google: closed guest firmware, and the hypervisor, which runs the virtual TPM",
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

}  // namespace assay::gcp_sev_snp

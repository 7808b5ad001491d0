#include "platform/aws_sev_snp_report/platform.h"

#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/judge.h"
#include "platform/binding/aws_vlek.h"
#include "platform/binding/launch_answers.h"
#include "platform/binding/snp_report.h"

namespace assay::aws_sev_snp_report {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&sev_snp::kFormat};

bool Fits(std::span<const evidence::Item> items) { return sev_snp::SigningKeyHint(items) == sev_snp::SigningKey::kVlek; }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto report = sev_snp::AuthenticateReport(items, context, log);
  if (!report) return std::nullopt;
  std::optional<trust::Bundle> bundle = platform::CarryReport(*report, context.challenge, log);
  if (!bundle || !platform::RequireAwsVlek(bundle->claims(), log)) return std::nullopt;
  return bundle;
}

// A VLEK report alone says nothing of what was booted: AWS measures the firmware, the kernel is measured by NitroTPM only.
platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kC; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"AMD (CPU, firmware up to the reported TCB, key distribution)",
                              "AWS (custodian of the VLEK, guest firmware)"};
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  if (facts.release_matched) boundary.features.push_back(Feature::kReviewableFirmware);
  boundary.not_proven = {"which kernel, initrd and command line were booted: the launch measurement covers firmware only",
                         "which machine it is: a VLEK names a provider and region, not a chip"};
  if (!facts.release_matched) {
    boundary.not_proven.emplace_back("which firmware was launched: no release of the reference values was matched");
  }
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "aws_sev_snp_report",
    .summary = "AWS: SEV-SNP report alone, signed by a VLEK; firmware only, at most TRUSTED_WITH_WARNINGS",
    .cloud = "aws",
    .strength_at_best = platform::Strength::kC,
    .trusted_at_best = "AMD; AWS, for the VLEK, the guest firmware and whatever was booted",
    .manifest = platform::kSnpReportManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::ReportIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &sev_snp::ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
    .no_answer = &platform::FirmwareIsNotTheBoot,
};

}  // namespace assay::aws_sev_snp_report

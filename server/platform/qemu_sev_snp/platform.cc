#include "platform/qemu_sev_snp/platform.h"

#include <string>

#include "base/strings.h"
#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/judge.h"
#include "platform/binding/snp_report.h"

namespace assay::qemu_sev_snp {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&sev_snp::kFormat};

bool Fits(std::span<const evidence::Item> items) { return sev_snp::SigningKeyHint(items) == sev_snp::SigningKey::kVcek; }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto report = sev_snp::AuthenticateReport(items, context, log);
  if (!report) return std::nullopt;
  if (!log.Require(Check::kPlatform, (*report)->signing_key() == sev_snp::SigningKey::kVcek, [] {
        return Finding{.reason = Reason::kPlatformUnrecognised,
                       .component = std::string(sev_snp::kReportComponent),
                       .claim = "snp.signing_key",
                       .expected = "vcek: qemu_sev_snp hosts sign with the chip's own key",
                       .actual = "vlek",
                       .remedy = "Attest as the provider's own platform, e.g. aws_sev_snp_report."};
      })) {
    return std::nullopt;
  }
  return platform::CarryReport(*report, context.challenge, log);
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  return facts.boot_covered ? platform::Strength::kA : platform::Strength::kC;
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"AMD (CPU, firmware up to the reported TCB, key distribution)",
                              "whoever can physically attach to the machine's memory bus"};
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  boundary.not_proven = {"what runs after boot: the measurement is taken at launch"};
  if (facts.release_matched) boundary.features.push_back(Feature::kReviewableFirmware);
  else boundary.not_proven.emplace_back("which firmware was launched: no release of the reference values was matched");
  if (facts.boot_covered) boundary.features.push_back(Feature::kMeasuredBoot);
  else boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  if (facts.provenance == evidence::Provenance::kInferred) {
    boundary.trusted_parties.emplace_back("whoever operates the machine: no chip id is allow-listed");
  }
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "qemu_sev_snp",
    .summary = "OpenStack, QEMU/KVM, bare metal: raw SEV-SNP report signed by the chip's VCEK",
    .cloud = "openstack",
    .strength_at_best = platform::Strength::kA,
    .trusted_at_best = "AMD; who can attach to the memory bus",
    .manifest = platform::kSnpReportManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::ReportIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &sev_snp::ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::qemu_sev_snp

#include "platform/aws_sev_snp/platform.h"

#include <array>

#include "evidence/sev_snp/judge.h"
#include "platform/binding/aws_vlek.h"
#include "platform/binding/launch_answers.h"
#include "platform/binding/nitro_document.h"
#include "platform/binding/nitro_quote.h"
#include "platform/binding/snp_report.h"

namespace assay::aws_sev_snp {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&sev_snp::kFormat, &nitro::kFormat};
constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {sev_snp::kReportMediaType, 1, 1},
    {nitro::kDocumentMediaType, 1, 1},
    {tpm::kQuoteMediaType, 0, 1},
    {tpm::kPcrsMediaType, 0, 1},
    {tpm::kAkMediaType, 0, 1},
    {sev_snp::kCertTableMediaType, 0, 1},
    {sev_snp::kCertificateMediaType, 0, 8},
    {sev_snp::kPemChainMediaType, 0, 2},
    {sev_snp::kCrlMediaType, 0, 2},
});

bool Fits(std::span<const evidence::Item> items) {
  return sev_snp::SigningKeyHint(items) == sev_snp::SigningKey::kVlek && platform::FitsDocument(items, nitro::Kind::kTpm);
}

// The report is the carrier. The document, which a chain of another vendor's vouches for, hangs on the same challenge: both have the
// transcript in them that names one node key.
std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto report = sev_snp::AuthenticateReport(items, context, log);
  const auto document = platform::DocumentOf(items, nitro::Kind::kTpm, context, log);
  if (!report || !document) return std::nullopt;
  std::optional<trust::Bundle> bundle = platform::CarryReport(*report, context.challenge, log);
  if (!bundle || !platform::RequireAwsVlek(bundle->claims(), log)) return std::nullopt;
  if (!bundle->AttachAnswer(*document, context.challenge, log) || !platform::AttachNitroQuote(items, *document, context, *bundle, log)) {
    return std::nullopt;
  }
  bundle->set_instance_identity(platform::IdentityOfModule((*document)->module_id()));
  return bundle;
}

// The hardware binds node key and challenge; what was booted is what the hypervisor's TPM says.
platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kC; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"AMD (CPU, firmware up to the reported TCB, key distribution)", "AWS (custodian of the VLEK, guest firmware)",
                              "AWS (Nitro hypervisor, which runs the NitroTPM, for what was booted)"};
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  boundary.not_proven = {"that the NitroTPM's registers are those of this guest: the hypervisor runs it, outside of the encrypted memory",
                         "which machine it is: a VLEK names a provider and region, not a chip",
                         "that the firmware is the one that AWS publishes: its measurement has not been reproduced from the sources"};
  if (!facts.boot_covered) boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "aws_sev_snp",
    .summary = "AWS: SEV-SNP report signed by a VLEK, with the attestation document of the instance's NitroTPM",
    .cloud = "aws",
    .strength_at_best = platform::Strength::kC,
    .trusted_at_best = "AMD; AWS: custodian of the VLEK, guest firmware, and the Nitro hypervisor, which runs the TPM",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::ModuleIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &sev_snp::ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
    .no_answer = &platform::FirmwareIsNotTheBoot,
};

}  // namespace assay::aws_sev_snp

#include "platform/aws_nitro_tpm/platform.h"

#include <array>

#include "platform/binding/nitro_document.h"
#include "platform/binding/nitro_quote.h"

namespace assay::aws_nitro_tpm {
namespace {

using platform::Feature;

// What a policy appraises are the document's registers. A quote that comes along only has to agree with them.
constexpr const evidence::Format* kFormats[] = {&nitro::kFormat};
constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {nitro::kDocumentMediaType, 1, 1},
    {tpm::kQuoteMediaType, 0, 1},
    {tpm::kPcrsMediaType, 0, 1},
    {tpm::kAkMediaType, 0, 1},
});

bool Fits(std::span<const evidence::Item> items) { return platform::FitsDocument(items, nitro::Kind::kTpm); }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto document = platform::DocumentOf(items, nitro::Kind::kTpm, context, log);
  if (!document) return std::nullopt;
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*document, context.challenge, log);
  if (!bundle || !platform::AttachNitroQuote(items, *document, context, *bundle, log)) return std::nullopt;
  bundle->set_instance_identity(platform::IdentityOfModule((*document)->module_id()));
  return bundle;
}

// Authentication demanded the pinned root of AWS.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims&, const evidence::JudgeContext&) {
  return evidence::Provenance::kProven;
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kD; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"AWS (Nitro hypervisor, which runs the NitroTPM and signs; its certificates)"};
  boundary.features = {Feature::kCustomImages};
  boundary.not_proven = {"that memory is encrypted, or that AWS can't read it: no hardware report is part of this evidence",
                         "which firmware runs: that of AWS measures itself"};
  if (!facts.boot_covered) boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "aws_nitro_tpm",
    .summary = "AWS: instance with a NitroTPM, by the attestation document of the Nitro hypervisor",
    .cloud = "aws",
    .strength_at_best = platform::Strength::kD,
    .trusted_at_best = "AWS: Nitro hypervisor, which runs the TPM, and certificate authority",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::ModuleIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::aws_nitro_tpm

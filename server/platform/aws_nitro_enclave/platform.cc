#include "platform/aws_nitro_enclave/platform.h"

#include <array>

#include "platform/binding/nitro_document.h"

namespace assay::aws_nitro_enclave {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&nitro::kFormat};
constexpr auto kManifest = std::to_array<platform::ManifestEntry>({{nitro::kDocumentMediaType, 1, 1}});

bool Fits(std::span<const evidence::Item> items) { return platform::FitsDocument(items, nitro::Kind::kEnclave); }

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  const auto document = platform::DocumentOf(items, nitro::Kind::kEnclave, context, log);
  if (!document) return std::nullopt;
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*document, context.challenge, log);
  if (bundle) bundle->set_instance_identity(platform::IdentityOfModule((*document)->module_id()));
  return bundle;
}

// Authentication demanded the pinned root of AWS.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims&, const evidence::JudgeContext&) {
  return evidence::Provenance::kProven;
}

// The hypervisor's word, whatever is appraised of it: no hardware report is part of this evidence.
platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kD; }

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"AWS (Nitro hypervisor, which measures the image and signs; its certificates)"};
  boundary.features = {Feature::kCustomImages};
  boundary.not_proven = {"that memory is encrypted, or that AWS can't read it: no hardware report is part of this evidence",
                         "what runs after start: the image is measured once"};
  if (!facts.boot_covered) boundary.not_proven.emplace_back("which image was started");
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "aws_nitro_enclave",
    .summary = "AWS: Nitro Enclave, by the attestation document of the Nitro hypervisor",
    .cloud = "aws",
    .strength_at_best = platform::Strength::kD,
    .trusted_at_best = "AWS: Nitro hypervisor and certificate authority",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::ModuleIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::aws_nitro_enclave

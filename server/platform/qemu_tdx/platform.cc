#include "platform/qemu_tdx/platform.h"

#include <array>
#include <string>

#include "evidence/dcap/format.h"
#include "evidence/dcap/judge.h"
#include "evidence/tcg_log/format.h"
#include "platform/binding/ccel.h"

namespace assay::qemu_tdx {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&dcap::kFormat, &tcg_log::kFormat};

constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {dcap::kQuoteMediaType, 1, 1},
    {tcg_log::kCcelMediaType, 0, 1},
    {dcap::kCertificateMediaType, 0, 8},
    {dcap::kPemChainMediaType, 0, 4},
    {dcap::kCrlMediaType, 0, 2},
    {dcap::kJsonMediaType, 0, 4},
});

bool Fits(std::span<const evidence::Item> items) { return dcap::TeeHint(items) == dcap::Tee::kTdx; }

// A TD report has nothing that names this TD and no other: PPID and platform instance name a machine that many share. The node is known by
// its key, to which REPORTDATA is bound; offline, where no challenge names a key, it is not known at all.
Bytes IdentityOf(const trust::Challenge& challenge) {
  if (!challenge.demanded() || !challenge.values().node_key_sha256) return {};
  Bytes identity = ToBytes(AsBytes("tdx.node_key"));
  Append(identity, *challenge.values().node_key_sha256);
  return ToBytes(crypto::Sha256(identity));
}

Bytes IdentityHint(std::span<const evidence::Item> items, const trust::Challenge& challenge) {
  return Fits(items) ? IdentityOf(challenge) : Bytes();
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
  if (!bundle || !platform::AttachCcel(items, *quote, *bundle, log)) return std::nullopt;
  bundle->set_instance_identity(IdentityOf(context.challenge));
  return bundle;
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  return facts.boot_covered ? platform::Strength::kA : platform::Strength::kC;
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"Intel (CPU, TDX module, quoting enclave, provisioning)",
                              "whoever can physically attach to the machine's memory bus"};
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  boundary.not_proven = {"what runs after boot, unless the guest extends RTMR3 and the policy compares it"};
  if (facts.release_matched) boundary.features.push_back(Feature::kReviewableFirmware);
  else boundary.not_proven.emplace_back("which firmware was launched: no release of the reference values was matched");
  if (facts.boot_covered) boundary.features.push_back(Feature::kMeasuredBoot);
  else boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  if (facts.provenance == evidence::Provenance::kInferred) {
    boundary.trusted_parties.emplace_back("whoever operates the machine: no platform instance or PPID is allow-listed");
  }
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "qemu_tdx",
    .summary = "OpenStack, QEMU/KVM, bare metal: raw TDX quote of the virtual machine",
    .cloud = "openstack",
    .strength_at_best = platform::Strength::kA,
    .trusted_at_best = "Intel; who can attach to the memory bus",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &IdentityHint,
    .authenticate = &Authenticate,
    .provenance = &dcap::ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
};

}  // namespace assay::qemu_tdx

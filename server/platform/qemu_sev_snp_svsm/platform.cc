#include "platform/qemu_sev_snp_svsm/platform.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/judge.h"
#include "evidence/svsm/format.h"
#include "platform/binding/launch_answers.h"
#include "platform/binding/vtpm.h"
#include "platform/binding/without_challenge.h"

namespace assay::qemu_sev_snp_svsm {
namespace {

using platform::Feature;

constexpr const evidence::Format* kFormats[] = {&sev_snp::kFormat, &svsm::kFormat, &tcg_log::kFormat, &tpm::kFormat};

constexpr auto kManifest = std::to_array<platform::ManifestEntry>({
    {tpm::kQuoteMediaType, 1, 1, platform::kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 1, 1},
    {svsm::kManifestMediaType, 1, 1},
    {sev_snp::kReportMediaType, 1, 1},
    {tcg_log::kTcgEventLogMediaType, 0, 1},
    {sev_snp::kCertTableMediaType, 0, 1},
    {sev_snp::kCertificateMediaType, 0, 8},
    {sev_snp::kPemChainMediaType, 0, 2},
    {sev_snp::kCrlMediaType, 0, 4},
});

constexpr std::string_view kEkComponent = "svsm-manifest/ek";

bool Fits(std::span<const evidence::Item> items) {
  return std::any_of(items.begin(), items.end(), [](const evidence::Item& item) { return item.media_type == svsm::kManifestMediaType; });
}

// Of these items the TPM's: certificates beside them are AMD's.
std::optional<tpm::TpmItems> ParseTpm(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                      CheckLog& log) {
  std::vector<evidence::Item> own;
  for (const evidence::Item& item : items) {
    if (item.media_type == tpm::kQuoteMediaType || item.media_type == tpm::kPcrsMediaType || item.media_type == tpm::kAkMediaType) {
      own.push_back(item);
    }
  }
  return tpm::ParseItems(own, context.caches, log);
}

// What the manifest names, whole, as an endorsement key. nullopt: the log says why.
std::optional<tpm::VouchedEk> EkOf(const trust::Authenticated<svsm::Manifest>& manifest, CheckLog& log) {
  Outcome<tpm::PublicArea> area = tpm::PublicArea::FromTpmt(manifest->vtpm(), kEkComponent);
  if (!log.Require(Check::kSvsmVtpm, area) || !area.ok()) return std::nullopt;
  if (!tpm::CheckEndorsementKey(*area, log)) return std::nullopt;
  const Finding other{.reason = Reason::kSvsmVtpmMissing,
                      .component = std::string(kEkComponent),
                      .claim = "TPMT_PUBLIC",
                      .expected = ToHex(manifest->vtpm()),
                      .actual = ToHex(area->tpmt())};
  auto key =
      trust::VerifiedKey::FromCommitment(area->key(), manifest, manifest->vtpm(), area->tpmt(), kEkComponent, Check::kSvsmVtpm, other, log);
  if (!key) return std::nullopt;
  return tpm::VouchedEk{*std::move(key), *std::move(area), std::nullopt, {}};
}

std::optional<tpm::VouchedAk> VouchByActivation(tpm::PublicArea area, const tpm::VouchedEk& ek,
                                                const evidence::AuthenticationContext& context, CheckLog& log) {
  if (!log.Require(Check::kSvsmActivated, context.activation != nullptr,
                   [&] {
                     return Finding{.reason = Reason::kActivationAbsent,
                                    .component = std::string(tpm::kAkComponent),
                                    .claim = "activation_secret",
                                    .expected = Cat("the secret that was sealed to the endorsement key in the SVSM's manifest, Name ",
                                                    ToHex(ek.area.name())),
                                    .actual = "none"};
                   }) ||
      context.activation == nullptr) {
    return std::nullopt;
  }
  return tpm::VouchByActivation(std::move(area), ek, *context.activation, log);
}

std::optional<trust::Bundle> Authenticate(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                          CheckLog& log) {
  std::optional<tpm::TpmItems> parsed = ParseTpm(items, context, log);
  std::optional<trust::Parsed<svsm::Manifest>> manifest = svsm::ParseManifest(items, log);
  if (!parsed || !manifest || !parsed->ak || !parsed->pcrs) return std::nullopt;
  if (!tpm::AttestAuthenticator::MayAnswer(parsed->quote, context.challenge, log)) return std::nullopt;
  const bool nonced = context.challenge.demanded() && context.challenge.values().report_data.has_value();
  if (!log.Require(Check::kSvsmCommitted, nonced,
                   [] {
                     return Finding{
                         .reason = Reason::kSvsmManifestNotCommitted,
                         .component = std::string(svsm::kManifestComponent),
                         .claim = "nonce",
                         .expected = "the 64 bytes that the SVSM was asked with",
                         .actual = "none are known",
                         .remedy = "Give the binding transcript with --transcript: without its digest nothing ties manifest and report."};
                   }) ||
      !nonced) {
    return std::nullopt;
  }
  // Its report data are not the challenge itself, but a digest over it.
  const auto report = sev_snp::AuthenticateReport(items, platform::WithoutChallenge(context), log);
  if (!report) return std::nullopt;
  const auto authentic = svsm::ManifestAuthenticator::Authenticate(*std::move(manifest), *report, (*report)->report_data(),
                                                                   *context.challenge.values().report_data, log);
  if (!authentic) return std::nullopt;
  const std::optional<tpm::VouchedEk> ek = EkOf(*authentic, log);
  if (!ek) return std::nullopt;
  std::optional<tpm::VouchedAk> ak = VouchByActivation(*parsed->ak, *ek, context, log);
  if (!ak) return std::nullopt;
  const std::vector<tpm::PcrSelection> demanded = platform::DemandedOfVtpm();
  std::optional<trust::Bundle> bundle = platform::CarryVtpm(items, *std::move(parsed), *std::move(ak), &demanded, context, log);
  if (!bundle || !bundle->Attach(*authentic, log) || !bundle->Attach(*report, log)) return std::nullopt;
  // A guest gets reports of VMPL 1 and higher by itself, over whatever it likes.
  const auto* vmpl = bundle->claims().Get<std::uint64_t>("snp.vmpl");
  if (!log.Require(Check::kSvsmLevel, vmpl != nullptr && *vmpl == 0, [&] {
        return Finding{.reason = Reason::kNotOfSvsm,
                       .component = std::string(sev_snp::kReportComponent),
                       .claim = "snp.vmpl",
                       .expected = "0",
                       .actual = vmpl == nullptr ? std::string("absent") : std::to_string(*vmpl)};
      })) {
    return std::nullopt;
  }
  return bundle;
}

platform::Strength StrengthOf(const trust::Bundle&, const platform::AppraisedFacts& facts) {
  // Any other SVSM can have its virtual TPM say anything.
  return facts.boot_covered && facts.launch_appraised ? platform::Strength::kB : platform::Strength::kC;
}

platform::TrustBoundary TrustBoundaryOf(const trust::Bundle& bundle, const platform::AppraisedFacts& facts) {
  platform::TrustBoundary boundary;
  boundary.trusted_parties = {"AMD (CPU, firmware up to the reported TCB, key distribution)",
                              "whoever can physically attach to the machine's memory bus"};
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  boundary.not_proven = {"what runs after boot, unless it is measured into a PCR that the policy compares"};
  if (facts.release_matched) {
    boundary.features.push_back(Feature::kReviewableFirmware);
    boundary.trusted_parties.emplace_back(
        "whoever wrote and reviewed the SVSM and firmware of that release: the SVSM runs the virtual TPM");
  } else {
    boundary.trusted_parties.emplace_back("whoever made the SVSM and firmware, which run the virtual TPM");
    boundary.not_proven.emplace_back("which SVSM and firmware were launched: no release of the reference values was matched");
  }
  if (facts.boot_covered && facts.launch_appraised) boundary.features.push_back(Feature::kMeasuredBoot);
  else boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  if (!facts.launch_appraised) {
    boundary.not_proven.emplace_back(
        "which SVSM runs the virtual TPM: no rule or release names values of snp.measurement or snp.id_key_digest");
  }
  if (bundle.claims().Find("log.bank") == nullptr) {
    boundary.not_proven.emplace_back("what made the PCRs what they are: no event log was sent");
  }
  if (facts.provenance == evidence::Provenance::kInferred) {
    boundary.trusted_parties.emplace_back("whoever operates the machine: no chip id is allow-listed");
  }
  return boundary;
}

}  // namespace

const platform::Platform kPlatform{
    .name = "qemu_sev_snp_svsm",
    .summary = "QEMU/KVM: SEV-SNP guest under an SVSM, quote by the SVSM's virtual TPM, whose key the report commits to",
    .cloud = "openstack",
    .launch_claims = sev_snp::kLaunchClaims,
    .strength_at_best = platform::Strength::kB,
    .trusted_at_best = "AMD; who can attach to the memory bus; who wrote the SVSM",
    .manifest = kManifest,
    .formats = kFormats,
    .fits = &Fits,
    .identity_hint = &platform::VtpmIdentityHint,
    .authenticate = &Authenticate,
    .provenance = &sev_snp::ProvenanceOf,
    .strength = &StrengthOf,
    .trust_boundary = &TrustBoundaryOf,
    .no_answer = &platform::FirmwareIsNotTheBoot,
};

}  // namespace assay::qemu_sev_snp_svsm

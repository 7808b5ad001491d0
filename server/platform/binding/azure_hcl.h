// Binding: the virtual TPM of an Azure confidential VM, which its paravisor runs inside the machine. The hardware report commits to the
// runtime claims, these name the TPM's attestation key, and a quote under that key carries the bundle: it alone is fresh, all the others
// were made when the machine started.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "evidence/azure_hcl/format.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/pcr_values.h"
#include "evidence/tpm/vouch.h"
#include "platform/binding/event_log.h"
#include "platform/binding/without_challenge.h"
#include "platform/platform.h"
#include "trust/bundle.h"
#include "trust/challenge.h"
#include "trust/collateral.h"
#include "trust/verified_key.h"

namespace assay::platform {

inline constexpr std::string_view kHclAkComponent = "azure-hcl-claims/HCLAkPub";

struct HclEvidence {
  azure_hcl::ParsedReport report;
  tpm::TpmItems tpm;
};

// All that has to be parsed, and what costs nothing to see: that the report is of that type, and that the quote answers the challenge.
// nullopt: the log says why.
inline std::optional<HclEvidence> ParseHcl(std::span<const evidence::Item> items, azure_hcl::ReportType type,
                                           const evidence::AuthenticationContext& context, CheckLog& log) {
  std::optional<azure_hcl::ParsedReport> report = azure_hcl::ParseReport(items, log);
  std::optional<tpm::TpmItems> tpm = tpm::ParseItems(items, context.caches, log);
  if (!report || !tpm) return std::nullopt;
  if (!log.Require(Check::kPlatform, report->type == type, [&] {
        return Finding{.reason = Reason::kPlatformUnrecognised,
                       .component = std::string(azure_hcl::kReportComponent),
                       .claim = "hcl.report_type",
                       .expected = std::string(azure_hcl::NameOf(type)),
                       .actual = std::string(azure_hcl::NameOf(report->type)),
                       .remedy = "Attest as the platform of the machine's own kind, azure_sev_snp or azure_tdx."};
      })) {
    return std::nullopt;
  }
  if (!tpm::AttestAuthenticator::MayAnswer(tpm->quote, context.challenge, log)) return std::nullopt;
  return HclEvidence{*std::move(report), *std::move(tpm)};
}

// The key that the claims name. A certificate of Microsoft's that came with it must be for that very key, and is then a second root: it
// says that the machine is Azure's. nullopt: the log says why.
inline std::optional<tpm::VouchedAk> VouchByClaims(const trust::Authenticated<azure_hcl::RuntimeClaims>& claims, const tpm::TpmItems& items,
                                                   const evidence::AuthenticationContext& context, CheckLog& log) {
  const trust::VerifiedKey key = trust::VerifiedKey::FromContent(claims, kHclAkComponent);
  bool same = true;
  for (const crypto::Certificate& certificate : items.certificates) {
    same &= log.Require(Check::kHclCertifiedKey, certificate.public_key() == key.key(), [&] {
      return Finding{.reason = Reason::kAkCertificateOfOther,
                     .component = std::string(tpm::kAkCertificateComponent),
                     .claim = "key",
                     .expected = Cat("HCLAkPub, SHA-256 ", ToHex(key.key().spki_sha256())),
                     .actual = Cat("SHA-256 ", ToHex(certificate.public_key().spki_sha256()))};
    });
  }
  if (!same) return std::nullopt;
  std::optional<crypto::Certificate> certificate;
  if (!items.certificates.empty()) certificate = items.certificates.front();
  // What an operator supplied serves every node: that of this key counts, and those of others are told.
  std::size_t of_others = 0;
  for (const trust::CollateralItem& item : context.collateral.CandidatesOfKind(tpm::kAkKind)) {
    if (certificate || !item.certificate) continue;
    if (item.certificate->public_key() == key.key()) certificate = item.certificate;
    else ++of_others;
  }
  if (!certificate) {
    log.Skip(Check::kHclCertifiedKey, {.reason = of_others == 0 ? Reason::kAkNotCertified : Reason::kAkCertificateOfOther,
                                       .effect = Effect::kNote,
                                       .component = std::string(tpm::kAkCertificateComponent),
                                       .claim = "cloud.provenance",
                                       .expected = "a certificate of Microsoft's for HCLAkPub",
                                       .actual = of_others == 0 ? "none" : Cat("certificates of ", of_others, " other keys")});
    return tpm::VouchByCommitment(key, items.ak, /*covers_area=*/false, log);
  }
  std::optional<tpm::VouchedAk> ak = tpm::VouchByCertificate(*certificate, items.ak, tpm::kMicrosoftProfile, context, log);
  // It is the hardware report that binds the key, whoever certified it as well.
  if (ak) ak->key = key;
  return ak;
}

// The whole bundle, over the authenticated hardware report (or TD quote), which has report_data(). `demanded`: the registers that must be
// quoted, nullptr: any. nullopt: the log says why.
template <typename Hardware>
std::optional<trust::Bundle> CarryHclQuote(HclEvidence evidence, const trust::Authenticated<Hardware>& hardware,
                                           std::span<const evidence::Item> items, const std::vector<tpm::PcrSelection>* demanded,
                                           const evidence::AuthenticationContext& context, CheckLog& log) {
  const auto claims =
      azure_hcl::RuntimeClaimsAuthenticator::Authenticate(std::move(evidence.report.claims), hardware, hardware->report_data(), log);
  if (!claims) return std::nullopt;
  std::optional<tpm::VouchedAk> ak = VouchByClaims(*claims, evidence.tpm, context, log);
  if (!ak) return std::nullopt;
  const Bytes identity = tpm::IdentityOfAk(ak->key.key());
  const auto quote =
      tpm::AttestAuthenticator::Authenticate(std::move(evidence.tpm.quote), *std::move(ak), demanded, context.challenge, log);
  if (!quote) return std::nullopt;
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*quote, context.challenge, log);
  if (!bundle || !bundle->Attach(*claims, log) || !bundle->Attach(hardware, log)) return std::nullopt;
  if (evidence.tpm.pcrs) {
    const auto pcrs = tpm::PcrValuesAuthenticator::Authenticate(*std::move(evidence.tpm.pcrs), *quote, log);
    if (!pcrs || !bundle->Attach(*pcrs, log) || !AttachEventLog(items, *pcrs, *bundle, log)) return std::nullopt;
  }
  bundle->set_instance_identity(identity);
  return bundle;
}

// The attestation key, as the claims name it: it stays as long as the virtual TPM's state does.
inline Bytes HclIdentityHint(std::span<const evidence::Item> items) {
  const std::optional<crypto::PublicKey> ak = azure_hcl::AkHint(items);
  return ak ? tpm::IdentityOfAk(*ak) : Bytes();
}

// Authentication demanded a certificate under Microsoft's pinned root for the same key, wherever it took one.
inline bool IsCertifiedByMicrosoft(const trust::AuthenticatedClaims& claims) {
  const auto* vendor = claims.Get<std::string>("tpm.ak_vendor");
  return vendor != nullptr && *vendor == tpm::kMicrosoftVendor;
}

inline bool HasPart(const trust::Bundle& bundle, std::string_view component) {
  return std::any_of(bundle.parts().begin(), bundle.parts().end(),
                     [component](const trust::BundlePart& part) { return part.component == component; });
}

// B: hardware binds the key of a TPM inside the machine, whose quote carries freshness and boot state. Without values that a policy
// appraises, nothing is known of the boot; nor without an appraised launch, since any other paravisor can have the TPM say anything.
inline Strength HclStrength(const trust::Bundle& bundle, const AppraisedFacts& facts, std::string_view hardware) {
  const bool bound = HasPart(bundle, azure_hcl::kClaimsComponent) && HasPart(bundle, hardware);
  if (!bound) return Strength::kE;
  return facts.boot_covered && facts.launch_appraised && HasPart(bundle, tpm::kPcrsComponent) ? Strength::kB : Strength::kC;
}

// `vendor`, `measurement`: of the hardware and its launch measurement; `level`: where the paravisor runs.
inline TrustBoundary HclBoundary(const trust::Bundle& bundle, const AppraisedFacts& facts, std::string_view vendor,
                                 std::string_view measurement, std::string_view level) {
  TrustBoundary boundary;
  boundary.trusted_parties = {std::string(vendor), "whoever can physically attach to the machine's memory bus"};
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  boundary.not_proven = {"what runs after boot, unless it is measured into a PCR that the policy compares",
                         "anything of the hardware since the machine started: its report was made then, and only the quote is fresh"};
  // Which paravisor it is only its launch measurement says, and whether that one can be reviewed only who built it.
  const bool reviewable = std::find(facts.reviewable.begin(), facts.reviewable.end(), measurement) != facts.reviewable.end();
  if (reviewable) {
    boundary.features.push_back(Feature::kReviewableFirmware);
    boundary.trusted_parties.emplace_back(
        Cat("whoever wrote and reviewed the paravisor (OpenHCL, in ", level, "), which runs the virtual TPM"));
  } else {
    boundary.trusted_parties.emplace_back(Cat("Microsoft (paravisor firmware in ", level, ", closed, which runs the virtual TPM)"));
    boundary.not_proven.emplace_back(
        Cat("that the paravisor can be reviewed: no release with its ", measurement, " that says so was matched"));
  }
  if (facts.boot_covered && facts.launch_appraised) boundary.features.push_back(Feature::kMeasuredBoot);
  else boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  if (!facts.launch_appraised) {
    boundary.not_proven.emplace_back(Cat("which paravisor runs the virtual TPM: no rule or release names values of ", measurement));
    boundary.trusted_parties.emplace_back(
        "whoever made the code that the machine started: it may be anybody's, with a virtual TPM that says anything");
  }
  if (bundle.claims().Find("log.bank") == nullptr) {
    boundary.not_proven.emplace_back("what made the PCRs what they are: no event log was sent");
  }
  if (facts.provenance == evidence::Provenance::kInferred) {
    boundary.trusted_parties.emplace_back(
        "whoever operates the machine: neither a certificate of Microsoft's nor an allow-list says that it is Azure's");
  } else if (IsCertifiedByMicrosoft(bundle.claims())) {
    boundary.trusted_parties.emplace_back("Microsoft's certificate authority, for where the machine runs");
  }
  return boundary;
}

}  // namespace assay::platform

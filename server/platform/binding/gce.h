// Binding: on Google's confidential machines the hardware's report is the carrier; Google's virtual TPM and launch endorsement hang on it.
//
// The TPM: the report's data are the digest of a transcript with the attestation key in it, as the challenge has it, and the TPM's quote
// answers the same challenge. So the guest that this report is of named this key, and the key quoted for it. That the TPM is this guest's
// own nothing shows: two machines that cooperate, one of them Google's, can answer one challenge together. So Google's certificate, which
// counts as proof of the cloud, is of the machine that the TPM is in; of the hardware it says nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "evidence/gce_endorsement/authenticate.h"
#include "evidence/gce_endorsement/format.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/pcr_values.h"
#include "evidence/tpm/vouch.h"
#include "platform/binding/vtpm.h"
#include "platform/platform.h"
#include "trust/bundle.h"
#include "trust/challenge.h"

namespace assay::platform {

// Whether the transcript of the challenge has this key in it.
inline bool CheckAkBound(const tpm::PublicArea& area, const trust::Challenge& challenge, CheckLog& log) {
  const crypto::Sha256Digest digest = crypto::Sha256(area.Tpm2b());
  const std::optional<crypto::Sha256Digest> committed = challenge.demanded() ? challenge.values().tpm_ak_sha256 : std::nullopt;
  return log.Require(Check::kGcpAkBound, committed == digest, [&] {
    return Finding{.reason = Reason::kAkUncommitted,
                   .component = std::string(tpm::kAkComponent),
                   .claim = "TPM2B_PUBLIC",
                   .expected = committed ? Cat("the key of the binding transcript, SHA-256 ", ToHex(*committed))
                                         : std::string("a challenge whose binding transcript has the key in it"),
                   .actual = !challenge.demanded() ? std::string("no challenge")
                             : committed           ? ToHex(digest)
                                                   : std::string("one without an attestation key")};
  });
}

// Hangs quote and values on the bundle of a report that answers the challenge; the instance is the attestation key. nullopt: the log says
// why. The values, for an event log to hang on.
inline std::optional<trust::Authenticated<tpm::PcrValues>> AttachGceVtpm(std::span<const evidence::Item> items, trust::Bundle& bundle,
                                                                         const evidence::AuthenticationContext& context, CheckLog& log) {
  std::optional<tpm::TpmItems> parsed = tpm::ParseItems(items, context.caches, log);
  if (!parsed || !parsed->ak || !parsed->pcrs) return std::nullopt;  // the manifest saw to it that they are there
  if (!CheckAkBound(*parsed->ak, context.challenge, log)) return std::nullopt;
  const std::optional<crypto::Certificate> certificate = AkCertificate(*parsed, context.collateral);
  if (!certificate) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(tpm::kAkCertificateComponent),
                                .expected = "the certificate of the attestation key, with its issuers",
                                .actual = "none"});
    return std::nullopt;
  }
  auto ak = tpm::VouchByCertificate(*certificate, std::move(parsed->ak), tpm::kGoogleProfile, context, log);
  if (!ak) return std::nullopt;
  ak->name_vouched = true;  // the transcript has all of the public area
  const Bytes identity = tpm::IdentityOfAk(ak->key.key());
  const std::vector<tpm::PcrSelection> demanded = tpm::AllOfSha256();
  const auto quote = tpm::AttestAuthenticator::Authenticate(std::move(parsed->quote), *std::move(ak), &demanded, context.challenge, log);
  if (!quote || !bundle.AttachAnswer(*quote, context.challenge, log)) return std::nullopt;
  auto pcrs = tpm::PcrValuesAuthenticator::Authenticate(*std::move(parsed->pcrs), *quote, log);
  if (!pcrs || !bundle.Attach(*pcrs, log)) return std::nullopt;
  bundle.set_instance_identity(identity);
  return pcrs;
}

// Hangs the launch endorsement among the items, or that of the collateral for this measurement, if there is one and an operator pinned its
// root, on the report whose measurement it lists; `match` finds the entry; that there is none is told. False, and logged: it is malformed,
// not Google's, or of other firmware.
template <typename Match>
bool AttachEndorsement(std::span<const evidence::Item> items, std::string_view scope, ByteView measurement, trust::Bundle& bundle,
                       const evidence::AuthenticationContext& context, CheckLog& log, const Match& match) {
  bool sound = true;
  auto parsed = gce_endorsement::ParseEndorsement(items, sound, context.caches, log);
  if (!parsed && sound) parsed = gce_endorsement::FindEndorsement(context.collateral, scope, measurement, context.caches, log);
  if (!parsed && sound) {
    log.Skip(Check::kGceEndorsementMatch, {.reason = Reason::kEndorsementAbsent,
                                           .effect = Effect::kNote,
                                           .component = std::string(gce_endorsement::kEndorsementComponent),
                                           .expected = std::string(gce_endorsement::kEndorsementMediaType),
                                           .actual = "none"});
  }
  if (!parsed) return sound;
  if (!gce_endorsement::LaunchEndorsementAuthenticator::HasAnchor(context, log)) return true;
  const auto endorsement = gce_endorsement::LaunchEndorsementAuthenticator::Authenticate(*std::move(parsed), context, log);
  if (!endorsement) return false;
  const auto firmware = match(*endorsement);
  return firmware && bundle.Attach(*firmware, log);
}

// What Google's firmware logged, if it logged it, is the technology of the report; that it did not is told. `technology`: as the claim
// has it.
inline bool CheckTechnology(const trust::Bundle& bundle, std::string_view technology, CheckLog& log) {
  const auto* logged = bundle.claims().Get<std::string>("log.gce_technology");
  if (logged == nullptr) {
    const bool absent = bundle.claims().Find("log.bank") == nullptr;
    log.Skip(Check::kGceTechnology, {.reason = absent ? Reason::kLogAbsent : Reason::kTechnologyNotLogged,
                                     .effect = Effect::kNote,
                                     .component = std::string(tcg_log::kLogComponent),
                                     .claim = "log.gce_technology",
                                     .expected = Cat("a log that names ", technology),
                                     .actual = absent ? "no event log" : "an event log that names none, or more than one"});
    return true;
  }
  return log.Require(Check::kGceTechnology, *logged == technology, [&] {
    return Finding{.reason = Reason::kInconsistentClaims,
                   .component = std::string(tcg_log::kLogComponent),
                   .claim = "log.gce_technology",
                   .expected = std::string(technology),
                   .actual = *logged};
  });
}

// Authentication demanded a certificate under Google's pinned roots for the key that the report commits to.
inline evidence::Provenance GceProvenance(const trust::AuthenticatedClaims&, const evidence::JudgeContext&) {
  return evidence::Provenance::kProven;
}

// Of the boundary, what both have in common.
inline TrustBoundary GceBoundary(const trust::Bundle& bundle, const AppraisedFacts& facts) {
  TrustBoundary boundary;
  boundary.features = {Feature::kCustomImages, Feature::kMemoryEncryption, Feature::kRawGuestAttestation};
  boundary.not_proven = {
      "that the virtual TPM and its PCRs are this machine's own: Google's hypervisor runs it, and two machines that cooperate can answer one challenge",
      "what the guest's firmware does: its source is not published"};
  if (!facts.boot_covered) boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  if (bundle.claims().Find("gce.firmware_svn") == nullptr && !facts.release_matched) {
    boundary.not_proven.emplace_back(
        "that the firmware is Google's: no launch endorsement is believed, and no release of the reference values was matched");
  }
  return boundary;
}

}  // namespace assay::platform

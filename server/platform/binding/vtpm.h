// Binding: a quote by a virtual TPM is the carrier; the PCR values hang on it, and the event log on them. What vouches for its attestation
// key is the platform's matter: a cloud's CA, or the operator. Nothing here is bound to hardware: it is the word of whoever runs the TPM.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "crypto/certificate.h"
#include "evidence/tcg_log/format.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/pcr_values.h"
#include "evidence/tpm/vouch.h"
#include "platform/binding/event_log.h"
#include "platform/platform.h"
#include "trust/bundle.h"
#include "trust/challenge.h"
#include "trust/collateral.h"

namespace assay::platform {

// tpm::AllOfSha256() in text.
inline constexpr CollectionParameter kVtpmQuoteParameters[] = {
    {tpm::kSelectionParameter, "sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23"}};
inline constexpr auto kVtpmManifest = std::to_array<ManifestEntry>({
    {tpm::kQuoteMediaType, 1, 1, kVtpmQuoteParameters},
    {tpm::kPcrsMediaType, 1, 1},
    {tpm::kAkMediaType, 0, 1},
    {tcg_log::kTcgEventLogMediaType, 0, 1},
    {tpm::kCertificateMediaType, 0, 8},
    {tpm::kPemChainMediaType, 0, 2},
    {tpm::kCrlMediaType, 0, 4},
});
inline constexpr const evidence::Format* kVtpmFormats[] = {&tpm::kFormat, &tcg_log::kFormat};

// The certificate of the attestation key among the items is of that cloud's profile, by what it claims to be; or it is not among them.
inline bool FitsVtpm(std::span<const evidence::Item> items, const tpm::CertificateProfile& profile) {
  CheckLog unused;
  const auto parsed = tpm::ParseItems(items, nullptr, unused);
  return parsed && (parsed->certificates.empty() || &tpm::ProfileHint(parsed->certificates.front()) == &profile);
}

// The certificate that the node sent; if it sent none, one that was supplied: the one for its public area, or the only one. nullopt: none.
inline std::optional<crypto::Certificate> AkCertificate(const tpm::TpmItems& items, const trust::CollateralSnapshot& collateral) {
  if (!items.certificates.empty()) return items.certificates.front();
  std::vector<crypto::Certificate> supplied;
  for (const trust::CollateralItem& item : collateral.CandidatesOfKind(tpm::kAkKind)) {
    if (item.certificate && (!items.ak || item.certificate->public_key() == items.ak->key())) supplied.push_back(*item.certificate);
  }
  return supplied.size() == 1 || (items.ak && !supplied.empty()) ? std::optional(supplied.front()) : std::nullopt;
}

inline Bytes VtpmIdentityHint(std::span<const evidence::Item> items, const trust::Challenge&) { return tpm::AkHint(items); }

// The quote, which `ak` signed, as the carrier, and what hangs on it. nullopt: the log says why. `demanded`: the registers that must be
// quoted, nullptr: any.
inline std::optional<trust::Bundle> CarryVtpm(std::span<const evidence::Item> items, tpm::TpmItems parsed, tpm::VouchedAk ak,
                                              const std::vector<tpm::PcrSelection>* demanded,
                                              const evidence::AuthenticationContext& context, CheckLog& log) {
  const Bytes identity = tpm::IdentityOfAk(ak.key.key());
  const auto quote = tpm::AttestAuthenticator::Authenticate(std::move(parsed.quote), std::move(ak), demanded, context.challenge, log);
  if (!quote) return std::nullopt;
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(*quote, context.challenge, log);
  if (!bundle || !parsed.pcrs) return std::nullopt;  // the manifest saw to it that there are values
  const auto pcrs = tpm::PcrValuesAuthenticator::Authenticate(*std::move(parsed.pcrs), *quote, log);
  if (!pcrs || !bundle->Attach(*pcrs, log) || !AttachEventLog(items, *pcrs, *bundle, log)) return std::nullopt;
  bundle->set_instance_identity(identity);
  return bundle;
}

// The key by a cloud's certificate. nullopt: the log says why.
inline std::optional<trust::Bundle> AuthenticateVtpm(std::span<const evidence::Item> items, const tpm::CertificateProfile& profile,
                                                     const std::vector<tpm::PcrSelection>* demanded,
                                                     const evidence::AuthenticationContext& context, CheckLog& log) {
  std::optional<tpm::TpmItems> parsed = tpm::ParseItems(items, context.caches, log);
  if (!parsed) return std::nullopt;
  const std::optional<crypto::Certificate> certificate = AkCertificate(*parsed, context.collateral);
  if (!certificate) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(tpm::kAkCertificateComponent),
                                .expected = "the certificate of the attestation key, with its issuers",
                                .actual = "none"});
    return std::nullopt;
  }
  auto ak = tpm::VouchByCertificate(*certificate, std::move(parsed->ak), profile, context, log);
  if (!ak) return std::nullopt;
  tpm::AddEnrolledEk(*ak, context);
  return CarryVtpm(items, *std::move(parsed), *std::move(ak), demanded, context, log);
}

// Of the boundary, what all such platforms have in common.
inline TrustBoundary VtpmBoundary(const trust::Bundle& bundle, const AppraisedFacts& facts) {
  TrustBoundary boundary;
  boundary.features = {Feature::kCustomImages};
  boundary.not_proven = {
      "that memory is encrypted, or that whoever runs the TPM can't read it: no hardware report is part of this evidence",
      "which firmware runs: it measures itself"};
  if (!facts.boot_covered) boundary.not_proven.emplace_back("which kernel, initrd and command line were booted");
  if (bundle.claims().Find("log.bank") == nullptr) {
    boundary.not_proven.emplace_back("what made the PCRs what they are: no event log was sent");
  }
  return boundary;
}

// All of them, offline too: a register that a quote leaves out is one that somebody chose to leave out.
inline std::vector<tpm::PcrSelection> DemandedOfVtpm() { return tpm::AllOfSha256(); }

// A cloud that runs virtual TPMs and certifies their attestation keys: all that tells one from another.
struct VtpmCloud {
  std::string_view name, summary, cloud;
  const tpm::CertificateProfile* profile;
  std::string_view trusted_party;
};
template <const VtpmCloud& kCloud>
constexpr Platform CertifiedVtpm() {
  return {
      .name = kCloud.name,
      .summary = kCloud.summary,
      .cloud = kCloud.cloud,
      .strength_at_best = Strength::kD,
      .trusted_at_best = kCloud.trusted_party,
      .manifest = kVtpmManifest,
      .formats = kVtpmFormats,
      .fits = [](std::span<const evidence::Item> items) { return FitsVtpm(items, *kCloud.profile); },
      .identity_hint = &VtpmIdentityHint,
      .authenticate =
          [](std::span<const evidence::Item> items, const evidence::AuthenticationContext& context, CheckLog& log) {
            const std::vector<tpm::PcrSelection> demanded = DemandedOfVtpm();
            return AuthenticateVtpm(items, *kCloud.profile, &demanded, context, log);
          },
      // Authentication demanded a certificate under the cloud's pinned roots.
      .provenance = [](const trust::AuthenticatedClaims&, const evidence::JudgeContext&) { return evidence::Provenance::kProven; },
      .strength = [](const trust::Bundle&, const AppraisedFacts&) { return Strength::kD; },
      .trust_boundary =
          [](const trust::Bundle& bundle, const AppraisedFacts& facts) {
            TrustBoundary boundary = VtpmBoundary(bundle, facts);
            boundary.trusted_parties = {std::string(kCloud.trusted_party)};
            return boundary;
          },
  };
}

}  // namespace assay::platform

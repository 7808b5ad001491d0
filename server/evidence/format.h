// What an evidence format offers to the rest of Assay: one constexpr-like table of data and pure functions a folder.
//
// A format knows its layout, its claims, its vendor's endorsements, and what it needs of them. It never fetches, never
// reads a clock, and never decides by policy. The build lists all formats in one generated registry.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "base/clock.h"
#include "trust/activation.h"
#include "trust/anchors.h"
#include "trust/authentic_document.h"
#include "trust/bundle.h"
#include "trust/challenge.h"
#include "trust/claims.h"
#include "trust/collateral.h"
#include "trust/description.h"
#include "trust/enrolled_keys.h"
#include "trust/fact_caches.h"
#include "trust/untrusted_bytes.h"

namespace assay::evidence {

struct Item {
  std::string media_type;
  trust::UntrustedBytes body;
};

enum class ClaimType : std::uint8_t { kFlag, kNumber, kText, kOctets, kComponentVersion, kStatus, kDate, kNames };

// May a policy leave the claim unappraised? Absence of a rule never means "any value".
enum class Duty : std::uint8_t {
  kOptional,     // a policy may ignore it
  kMust,         // a policy must appraise it
  kMustOrWaive,  // must appraise it, or waive it with a written reason: then at most TRUSTED_WITH_WARNINGS
};

struct BitName {
  std::string_view name;
  unsigned bit;  // 0 = least significant
};

// A value of a status claim. Statuses are ordered in part: one is at most another if it leaves nothing open that the other
// does not leave open as well. Of two that each leave open something else, neither is at most the other.
struct StatusSpec {
  std::string_view name;      // as the claim's text has it
  std::uint32_t leaves_open;  // what is, or may be, wrong: one bit each
  bool never = false;         // passes under no policy
};
constexpr bool AtMost(const StatusSpec& status, const StatusSpec& limit) {
  return !status.never && !limit.never && (status.leaves_open & ~limit.leaves_open) == 0;
}

// The named check, and the reason of its failure, that a rule on a claim stands for where the field has a term for it.
struct RuleMeaning {
  Check check = Check::kRules;
  Reason failure = Reason::kRuleFailed;
  Effect effect = Effect::kReject;
  bool safe = false;                   // flags of duty kMustOrWaive: the one value that a rule may demand; the other takes a waiver
  Effect absent = Effect::kReject;     // of a rule when the evidence lacks the claim
  std::string_view explained_by = {};  // a text claim that says why the value is what it is; a failing rule shows it
};

struct ClaimSpec {
  std::string_view name;  // "snp.platform_info"
  ClaimType type;
  Duty duty;
  std::size_t size;               // octets: exact length, 0 = any
  std::span<const BitName> bits;  // numbers that are bit fields
  std::string_view meaning;       // with the specification's field name
  RuleMeaning rule = {};
  std::span<const StatusSpec> statuses = {};  // all values of a status, each behind those that are at most it
};

// The endorsement key of the attester's TPM, as its request named it. Nothing vouches for it yet.
struct NamedEndorsementKey {
  trust::UntrustedBytes public_area;  // TPM2B_PUBLIC
  trust::UntrustedBytes certificate;  // DER; empty: none was sent
};

// Inputs of authentication beyond the evidence itself. Caches change its cost, never its result.
struct AuthenticationContext {
  const trust::AnchorSet& anchors;
  const trust::CollateralSnapshot& collateral;
  const trust::Challenge& challenge;
  trust::FactCaches* caches;                                       // may be nullptr
  const trust::EnrolledKeys* enrolled = nullptr;                   // attestation keys; nullptr: no operator enrolled any
  const trust::Activation* activation = nullptr;                   // nullptr: no secret was sealed, or it did not come back
  const trust::EnrolledKeys* enrolled_endorsement_keys = nullptr;  // nullptr: no operator enrolled any
  const NamedEndorsementKey* endorsement_key = nullptr;            // that a secret was sealed to; nullptr: to none
  bool comes_again = false;  // the part was made once and is sent with every challenge: its signature is worth remembering

  // nullptr: the part's signature is verified each time.
  trust::ProvenSignatures* proven_signatures() const { return comes_again && caches != nullptr ? &caches->signatures : nullptr; }
};

// What the policy opted into explicitly, as far as a format's own judgement depends on it.
struct JudgeContext {
  // True if a rule of kind equals or one_of names this value of this claim.
  bool (*names_value)(const void* policy, std::string_view claim, const trust::Value& value);
  // True if the claim is appraised by equals or one_of (so that chance values cannot pass).
  bool (*pins_claim)(const void* policy, std::string_view claim);
  const void* policy;
  // True if every tuple of a release rule has a value of this claim. nullptr: there are no releases.
  bool (*released_claim)(const void* policy, std::string_view claim) = nullptr;

  bool NamesValue(std::string_view claim, const trust::Value& value) const { return names_value(policy, claim, value); }
  bool Pins(std::string_view claim) const { return pins_claim(policy, claim); }
  bool Releases(std::string_view claim) const { return released_claim != nullptr && released_claim(policy, claim); }
};

enum class Provenance : std::uint8_t { kInferred, kProven };

struct Format {
  std::string_view name;                          // "sev_snp"
  std::string_view claim_prefix;                  // "snp"
  std::span<const std::string_view> media_types;  // of its evidence and of its own containers of endorsements
  std::span<const ClaimSpec> claims;              // sorted by name
  std::span<const trust::Anchor> anchors;         // production pins

  // A display tree if the bytes are of this format, its endorsements or containers; nullopt if they are something else.
  std::optional<trust::Description> (*describe)(const trust::UntrustedBytes& bytes);
  // The media type if the bytes look like evidence of this format (recognised by content, for the CLI); "" otherwise.
  std::string_view (*media_type_of)(const trust::UntrustedBytes& bytes);
  // The vendor's endorsements and lists found in the bytes (DER or PEM certificate(s), CRL, container): empty if none.
  std::vector<trust::CollateralItem> (*recognise)(const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                                  trust::FactCaches* caches);
  // Collateral that these items need and the snapshot lacks; by hints only.
  std::vector<trust::CollateralKey> (*needs)(std::span<const Item> items, const trust::CollateralSnapshot& collateral);
  // Comparisons between claims, and what a policy must opt into by name: the part of appraisal that is code.
  void (*judge)(const trust::AuthenticatedClaims& claims, const JudgeContext& context, CheckLog& log);
  // Those of the documents that are signed under a root which `anchors` pins, over certificates among them; of this format's vendor
  // only. What they say about their time is reported, not judged, and nobody asks whether a signer was revoked. nullptr: no vendor
  // issues documents for this format.
  std::vector<trust::AuthenticDocument> (*authentic)(std::span<const trust::CollateralItem> documents, const trust::AnchorSet& anchors,
                                                     trust::FactCaches* caches) = nullptr;
  // When documents of the early channel begin to count for everybody, as far as an authentic document among `all` says so: the first of
  // `next`. nullptr: the vendor has no such channel.
  std::optional<Time> (*counts_from)(std::span<const trust::CollateralItem> next, std::span<const trust::CollateralItem> all,
                                     const trust::AnchorSet& anchors, Time at) = nullptr;
  // Evidence of other formats that stands whole inside an item of this one's, not authenticated: what it needs is needed. nullptr: none.
  std::vector<Item> (*contents)(const Item& item) = nullptr;
};

}  // namespace assay::evidence

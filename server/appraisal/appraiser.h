// The appraisal: a pure function of (evidence, challenge, collateral snapshot, policy set, anchors, state snapshot, time).
//
// Promises: no I/O, no clock, no randomness; the same inputs give the same Appraisal, byte for byte in its canonical form;
// all findings are collected, it does not stop at the first. Does not promise a verdict that stays true: valid_until says
// how long. Every argument is required: leaving one out does not compile.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appraisal/canonical.h"
#include "appraisal/policy.h"
#include "appraisal/registry.h"
#include "appraisal/tpm_state.h"
#include "assay/v1/verdict.pb.h"
#include "base/clock.h"
#include "evidence/format.h"
#include "trust/anchors.h"
#include "trust/authentic_document.h"
#include "trust/challenge.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"
#include "trust/floors.h"

namespace assay::appraisal {

// Which policies are in force, fixed before any evidence is opened.
class PolicyChoice {
 public:
  // By the challenge's context. The result also exists if no set covers it: the verdict is then REJECTED (policy_none).
  static PolicyChoice ForContext(const PolicyBook& book, std::string_view cluster, std::string_view role);
  // Offline: one policy for its platform, no set.
  static PolicyChoice ForPolicy(const PolicyBook& book, const Policy& policy);

  const PolicyBook& book() const { return *book_; }
  const PolicySet* set() const { return set_; }
  const Policy* PolicyFor(std::string_view platform) const;  // nullptr: not allowed
  bool HasAny() const { return set_ != nullptr || single_ != nullptr; }
  std::string Label() const;  // for messages: "set 'prod-workers'", "policy 'qemu-sev-snp'", "cluster 'x', role 'y'"

 private:
  PolicyChoice() = default;
  const PolicyBook* book_ = nullptr;
  const PolicySet* set_ = nullptr;
  const Policy* single_ = nullptr;
  std::string context_;
};

// What is remembered of the instance that the evidence hints at, and of the name and key that it comes with.
struct InstanceState {
  Bytes identity;            // hinted; what is authenticated has to be it. Empty: no hint
  std::string ban = {};      // why the operators banned it, its key or its name; empty: they did not
  std::string held_as = {};  // "cluster/name" that it holds, if that isn't the one asked for; empty otherwise
  friend bool operator==(const InstanceState&, const InstanceState&) = default;
};

// What the operators banned, whoever has it.
struct Denial {
  enum class Of : std::uint8_t { kCertificate, kMeasurement };
  Of of;
  Bytes value;      // SHA-256 of a certificate's SubjectPublicKeyInfo; or a signed value of the evidence, whole
  std::string why;  // by whom, when, why
  friend bool operator==(const Denial&, const Denial&) = default;
};

// What the verifier remembers, read once per appraisal.
struct StateSnapshot {
  // Latest time that the verifier has certainly passed (build date, last persisted time); a live appraisal before it is
  // not TRUSTED. Unset offline, where the time is given.
  std::optional<Time> not_before = {};
  // Unset offline, where nothing is remembered: bans and names are not looked at then, and no check says that they were.
  std::optional<InstanceState> instance = {};
  // The newest editions of vendors' documents that this verifier got itself, sorted; empty where nothing is remembered.
  std::vector<trust::Floor> floors = {};
  std::vector<Denial> denials = {};  // sorted by kind and value
  TpmState tpm = {};                 // empty where the node has no TPM and operators enrolled nothing about it
  crypto::Sha256Digest Digest() const;
};

// A Time that has to be given: it has no default.
class RequiredTime {
 public:
  RequiredTime(Time time) : time_(time) {}  // NOLINT(google-explicit-constructor)
  operator Time() const { return time_; }   // NOLINT(google-explicit-constructor)

 private:
  Time time_;
};

struct Inputs {
  const Registry& registry;
  std::span<const evidence::Item> items;
  std::string_view platform_hint;  // "" = infer from the items; picks a section inside the policy choice
  const trust::Challenge& challenge;
  bool channel_bound;  // the transcript behind the challenge names this TLS channel
  const trust::CollateralSnapshot& collateral;
  const PolicyChoice& policies;
  const trust::AnchorSet& anchors;
  const StateSnapshot& state;
  RequiredTime at;
  trust::FactCaches* caches = nullptr;  // cost only, never the result
};

v1::Appraisal Appraise(const Inputs& inputs);

// Names of the platforms whose manifest and hints fit the items, sorted. For the CLI: exactly one means inferred.
std::vector<std::string> FittingPlatforms(const Registry& registry, std::span<const evidence::Item> items);

// The collateral snapshot of these items and of more documents: what the items carry is recognised by all formats. Items
// that no format knows are left to the manifest check.
trust::CollateralSnapshot GatherCollateral(const Registry& registry, std::span<const evidence::Item> items,
                                           std::span<const trust::CollateralItem> more, trust::FactCaches* caches = nullptr);

// Vendors' documents in the bytes, whichever formats know them.
std::vector<trust::CollateralItem> RecogniseCollateral(const Registry& registry, const trust::UntrustedBytes& bytes,
                                                       trust::CollateralSource source, trust::FactCaches* caches = nullptr);

// Those of the documents that their vendor signed under a pinned root, over certificates among them.
std::vector<trust::AuthenticDocument> AuthenticCollateral(const Registry& registry, std::span<const trust::CollateralItem> documents,
                                                          const trust::AnchorSet& anchors, trust::FactCaches* caches = nullptr);

// SHA-256 of the instance identity that the items claim under this challenge, unauthenticated: to look up what is remembered,
// never to decide. Empty if they claim none.
Bytes HintedIdentity(const Registry& registry, std::span<const evidence::Item> items, const trust::Challenge& challenge);

// As it stands in an Appraisal: printable and bounded.
v1::Finding ToProto(const Finding& finding);
v1::Strength ToProto(platform::Strength strength);

// The finding that decided: the first of those with the worst effect. nullptr: nothing was found that changes a verdict.
const v1::Finding* DecidingFinding(const v1::Appraisal& appraisal);

// What is missing and could be fetched.
std::vector<trust::CollateralKey> Needs(const Registry& registry, std::span<const evidence::Item> items,
                                        const trust::CollateralSnapshot& collateral);

// What a policy makes of windows that are over.
struct WindowTolerance {
  const Waiver* revocation = nullptr;         // its waiver of revocation, if it has one
  Duration grace{0};                          // after the nextUpdate of what is issued again and again
  std::span<const trust::Floor> floors = {};  // what is older than its floor has no grace
};

// Judges validity windows at a time, as appraisal does: used there and by the conformance runner. A certificate outside of
// its window rejects; a revocation list outside of its own leaves revocation undecided, which a policy may waive; a
// vendor's document, or its signer, outside of its own leaves undecided what the document would have said. Within the grace
// it is a warning, which says how long it lasts.
void JudgeWindows(std::span<const trust::ValidityWindow> windows, Time at, CheckLog& log, const WindowTolerance& tolerance = {});

// Anti-rollback: no document used is older than the floor of its series in the standard channel. A series without floor is
// not looked at, and no check says that it was.
void JudgeFloors(std::span<const trust::ValidityWindow> windows, std::span<const trust::Floor> floors, CheckLog& log);

// Deny-lists: no certificate key and no signed value is among them. Where nothing of a kind is banned, nothing is looked at.
void JudgeDenials(const trust::AuthenticatedClaims& claims, std::span<const Denial> denials, CheckLog& log);

}  // namespace assay::appraisal

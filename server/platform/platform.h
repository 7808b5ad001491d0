// What a platform is: which items belong together, how they bind, what tells it from its siblings, and whom one still has
// to trust after its evidence has been verified. One folder a platform; pure functions only.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "evidence/format.h"
#include "trust/bundle.h"

namespace assay::platform {

// How an item is to be collected, as the node is told; authentication compares what it got with the same.
struct CollectionParameter {
  std::string_view name;  // "pcr_selection"
  std::string_view value;
};

struct ManifestEntry {
  std::string_view media_type;
  std::size_t least;
  std::size_t most;
  std::span<const CollectionParameter> parameters = {};
};

// Strength of the bindings performed (docs/threat-model.md), strongest first.
enum class Strength : std::uint8_t { kA, kB, kC, kD, kE };
std::string_view NameOf(Strength strength);  // "A"

// The features of the clouds table, as far as the evidence at hand shows them.
enum class Feature : std::uint8_t { kCustomImages, kMemoryEncryption, kRawGuestAttestation, kReviewableFirmware, kMeasuredBoot };
std::string_view NameOf(Feature feature);  // "custom_images"
std::optional<Feature> FeatureNamed(std::string_view name);
std::span<const Feature> AllFeatures();

struct TrustBoundary {
  std::vector<std::string> trusted_parties;
  std::vector<Feature> features;  // sorted, unique
  std::vector<std::string> not_proven;
};

// What appraisal found out that the boundary depends on.
struct AppraisedFacts {
  bool boot_covered = false;         // a signed, appraised value covers kernel, initrd and command line
  std::string_view boot_claim = {};  // which claim that is
  bool launch_appraised = false;     // a rule or release names values of one of the platform's launch claims
  bool release_matched = false;      // the measurement is that of a release in the reference values
  evidence::Provenance provenance = evidence::Provenance::kInferred;
  // Claims that matching releases demand which say of themselves that their firmware was built from source that can be reviewed.
  std::vector<std::string_view> reviewable = {};
};

struct Platform {
  std::string_view name;        // "qemu_sev_snp"
  std::string_view summary;     // one line for people
  std::string_view cloud = {};  // whose machines these are, as in clouds.h; empty: of nobody in particular
  // Any of these says which code the hardware started in its most privileged place. For platforms whose virtual TPM that code runs:
  // unless it is appraised, quotes are anybody's. Empty: nothing hangs on it.
  std::span<const std::string_view> launch_claims = {};
  // For the table of clouds alone: strength if everything that the platform can bind is there, and who has to be trusted even then.
  Strength strength_at_best = Strength::kE;
  std::string_view trusted_at_best = {};
  std::span<const ManifestEntry> manifest;
  std::span<const evidence::Format* const> formats;
  // Whether the items could be of this platform, by unauthenticated hints: chooses a section of the policy set and infers
  // the platform offline, decides nothing.
  bool (*fits)(std::span<const evidence::Item> items);
  // SHA-256 of the instance identity that the items claim, unauthenticated, as `authenticate` would set it; empty: none.
  // Where nothing in the evidence names one instance, it is the node's key, as the challenge has it.
  Bytes (*identity_hint)(std::span<const evidence::Item> items, const trust::Challenge& challenge);
  // Authenticates all items into one bundle and checks that it is of this platform. nullopt: the log says why.
  std::optional<trust::Bundle> (*authenticate)(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                               CheckLog& log);
  // Whether the node proves that it runs where it says, e.g. by CSP_ID or by a chip that the policy allow-lists.
  evidence::Provenance (*provenance)(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context);
  Strength (*strength)(const trust::Bundle& bundle, const AppraisedFacts& facts);
  TrustBoundary (*trust_boundary)(const trust::Bundle& bundle, const AppraisedFacts& facts);
  // Collateral that items of this platform can do with, beyond what their formats need by themselves, and the snapshot lacks; by hints
  // only, and asked only of items that fit. nullptr: none.
  std::vector<trust::CollateralKey> (*needs)(std::span<const evidence::Item> items, const trust::CollateralSnapshot& collateral) = nullptr;
  // Why the claim never means on this platform what it says, so that no policy may appraise it; empty: it does. nullptr: all do.
  std::string_view (*meaningless)(std::string_view claim) = nullptr;
  // Why the claim is no answer to the question ("boot.covered", "owner") on this platform; empty: it may be. nullptr: any may be.
  std::string_view (*no_answer)(std::string_view question, std::string_view claim) = nullptr;
  // What no policy of this platform may leave open, beyond what its formats judge themselves. nullptr: nothing.
  void (*judge)(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log) = nullptr;
};

// Checks the items against the manifest: unknown, unexpected, missing, surplus and empty items are each refused by name.
bool CheckManifest(const Platform& platform, std::span<const evidence::Item> items, CheckLog& log);

}  // namespace assay::platform

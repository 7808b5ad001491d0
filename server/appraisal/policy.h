// Appraisal policies as loaded: policy files turned into checked data. A Policy in memory has passed every lint rule;
// nothing about it has to be checked again while appraising.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "appraisal/registry.h"
#include "base/clock.h"
#include "base/outcome.h"
#include "crypto/digest.h"
#include "platform/platform.h"
#include "trust/claims.h"

namespace assay::appraisal {

// Floors of one CPU: the components named must be at least this; the others are not looked at.
struct ComponentFloor {
  std::string key;  // "19:11:1", or "19:11:*" (then without microcode); lower-case hex
  std::vector<trust::VersionComponent> components;
};

enum class RuleKind : std::uint8_t {
  kEquals,
  kOneOf,
  kSubsetOf,
  kAtLeast,
  kMaskedEquals,
  kBitsSet,
  kBitsClear,
  kPresent,
  kStatusAtMost,
  kAgeAtMost,
  kNotBefore,
  kNotAfter,
  kRelease,
  kAnyOf
};
std::string_view NameOf(RuleKind kind);  // "equals"

struct Rule {
  RuleKind kind = RuleKind::kEquals;
  std::string claim = {};                   // empty for release and any_of
  std::vector<trust::Value> values = {};    // equals: one; one_of: any number but none; status_at_most: all that pass, the limit last;
                                            // subset_of on names: those allowed, perhaps none
  std::uint64_t number = 0;                 // at_least on numbers; mask of masked_equals, subset_of, bits_set, bits_clear
  std::uint64_t masked_value = 0;           // masked_equals
  Bytes octet_mask = {};                    // masked_equals on octets; values[0] is the value
  std::vector<ComponentFloor> floors = {};  // at_least on component versions
  Time time{};                              // not_before, not_after
  Duration age{};                           // age_at_most
  std::string release = {};                 // name of the ReferenceValues
  std::vector<Rule> alternatives = {};      // any_of; depth 1
  std::string where = {};                   // "file:line:col"
};

struct Waiver {
  std::string claim;   // "snp.policy_debug", "boot.covered", …
  std::string reason;  // written by the policy's author
};

struct Policy {
  std::string name;
  std::string platform;
  platform::Strength strength_at_least = platform::Strength::kE;
  std::vector<platform::Feature> required_features;
  Duration max_validity{3600};
  Duration grace{0};  // for revocation lists and vendors' documents past their nextUpdate
  bool admit_with_warnings = false;
  std::vector<Rule> rules;
  std::optional<std::string> boot_covered;  // claim that covers the boot state
  std::optional<std::string> owner;         // claim that says whose VM it is
  std::vector<Waiver> waivers;

  const Waiver* FindWaiver(std::string_view claim) const;
};

struct Release {
  std::string name;
  std::optional<Time> sunset;                                  // from this second on it no longer counts
  bool reviewable_firmware = false;                            // its firmware was built from source that can be reviewed
  std::vector<std::pair<std::string, trust::Value>> values;    // sorted by claim; matched whole
  std::vector<std::pair<std::string, trust::Value>> warnings;  // sorted by claim; one that differs is told, and refuses nothing
};

struct ReferenceValues {
  std::string name;
  std::vector<Release> releases;
};

struct PolicySet {
  std::string name;
  std::string cluster;
  std::vector<std::string> roles;
  platform::Strength strength_at_least;
  std::vector<platform::Feature> required_features;
  std::vector<std::string> policies;  // names
};

// A source file as read, kept so that a verdict can be replayed.
struct PolicySource {
  std::string name;  // as shown in messages
  Bytes text;
  crypto::Sha256Digest sha256;
};

// All policy files of a server or command, loaded together and consistent with each other.
class PolicyBook {
 public:
  const PolicySet* FindSet(std::string_view cluster, std::string_view role) const;  // nullptr: policy_none
  const Policy* FindPolicy(std::string_view name) const;
  // The policy of `set` for this platform; nullptr: platform_not_allowed.
  const Policy* FindPolicy(const PolicySet& set, std::string_view platform) const;
  const ReferenceValues* FindReferenceValues(std::string_view name) const;
  const std::vector<PolicySource>& sources() const { return sources_; }
  const std::vector<Policy>& policies() const { return policies_; }
  const std::vector<PolicySet>& sets() const { return sets_; }
  const std::vector<ReferenceValues>& reference_values() const { return reference_values_; }
  const crypto::Sha256Digest& Digest() const { return digest_; }

 private:
  friend class PolicyLoader;
  std::vector<PolicySource> sources_;
  std::vector<Policy> policies_;
  std::vector<PolicySet> sets_;
  std::vector<ReferenceValues> reference_values_;
  crypto::Sha256Digest digest_{};
};

// A message of the loader: "policies/a.yaml:12:9: unknown key 'equal'; did you mean 'equals'?"
struct LintMessage {
  std::string where;  // "file:line:col"
  std::string text;
  std::string ToString() const { return where + ": " + text; }
};

struct LoadResult {
  std::optional<PolicyBook> book;     // only if there are no messages
  std::vector<LintMessage> messages;  // all that were found, not only the first
};

// (name shown in messages, text). Loads and lints all of them together.
LoadResult LoadPolicies(const std::vector<std::pair<std::string, std::string>>& files, const Registry& registry);

}  // namespace assay::appraisal

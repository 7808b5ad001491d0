// Rule evaluation: does a claim have a value that the policy allows? docs/policies.md says what each kind of rule means.
//
// Promises: an absent claim never passes; an empty list allows nothing; every rule is looked at, whatever became of those
// before it. Does not promise to know what a claim means: the format's claim table says which check a rule stands for.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appraisal/policy.h"
#include "appraisal/registry.h"
#include "base/check_log.h"
#include "base/clock.h"
#include "evidence/format.h"
#include "trust/claims.h"

namespace assay::appraisal {

inline constexpr std::string_view kProvenanceClaim = "cloud.provenance";
std::string_view NameOf(evidence::Provenance provenance);  // "proven", "inferred"

// What rules look at.
struct Subject {
  const trust::AuthenticatedClaims& claims;
  evidence::Provenance provenance;
  Time at;

  std::optional<trust::Value> Find(std::string_view claim) const;  // cloud.provenance included
};

struct RulesOutcome {
  std::string release;                   // name of the release that matched; empty without release rule, or if none did
  std::vector<const Release*> matched;   // of every release rule the release that matched, in the book
  std::vector<std::string_view> passed;  // claims that a rule outside any_of other than `present`, or a release, let pass
  std::vector<std::string_view> failed;  // claims on which some rule failed
  std::optional<Time> until;             // last second at which every rule that holds still does: ages grow, sunsets come; nullopt: no end

  bool Appraised(std::string_view claim) const;  // passed, and not failed
  void EndBy(Time end) { until = until ? std::min(*until, end) : end; }
};

// Judges every rule of the policy. A failing rule whose claim is waived shows as waived; a waiver that no rule needed shows
// as well: what a policy waives is never hidden.
RulesOutcome JudgeRules(const Policy& policy, const PolicyBook& book, const Registry& registry, const Subject& subject, CheckLog& log);

// Whether the policy appraises the claim at all: by a rule outside any_of other than `present`, or by every tuple of a
// release rule.
bool Appraises(const Policy& policy, const PolicyBook& book, std::string_view claim);

struct PolicyInBook {
  const Policy& policy;
  const PolicyBook& book;
};
// For formats' own judgement: what the policy names, pins and has in its releases. `judged` outlives the result.
evidence::JudgeContext JudgeContextOf(const PolicyInBook& judged);

}  // namespace assay::appraisal

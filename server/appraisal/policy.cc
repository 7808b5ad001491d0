#include "appraisal/policy.h"

#include <algorithm>

namespace assay::appraisal {
namespace {

template <typename T>
const T* FindNamed(const std::vector<T>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [name](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string_view NameOf(RuleKind kind) {
  switch (kind) {
    case RuleKind::kEquals: return "equals";
    case RuleKind::kOneOf: return "one_of";
    case RuleKind::kSubsetOf: return "subset_of";
    case RuleKind::kAtLeast: return "at_least";
    case RuleKind::kMaskedEquals: return "masked_equals";
    case RuleKind::kBitsSet: return "bits_set";
    case RuleKind::kBitsClear: return "bits_clear";
    case RuleKind::kPresent: return "present";
    case RuleKind::kStatusAtMost: return "status_at_most";
    case RuleKind::kAgeAtMost: return "age_at_most";
    case RuleKind::kNotBefore: return "not_before";
    case RuleKind::kNotAfter: return "not_after";
    case RuleKind::kRelease: return "release";
    case RuleKind::kAnyOf: return "any_of";
  }
  return "unknown";
}

const Waiver* Policy::FindWaiver(std::string_view claim) const {
  const auto found = std::find_if(waivers.begin(), waivers.end(), [claim](const Waiver& waiver) { return waiver.claim == claim; });
  return found == waivers.end() ? nullptr : &*found;
}

const PolicySet* PolicyBook::FindSet(std::string_view cluster, std::string_view role) const {
  const auto found = std::find_if(sets_.begin(), sets_.end(), [&](const PolicySet& set) {
    return set.cluster == cluster && std::find(set.roles.begin(), set.roles.end(), role) != set.roles.end();
  });
  return found == sets_.end() ? nullptr : &*found;
}

const Policy* PolicyBook::FindPolicy(std::string_view name) const { return FindNamed(policies_, name); }

const Policy* PolicyBook::FindPolicy(const PolicySet& set, std::string_view platform) const {
  for (const std::string& name : set.policies) {
    const Policy* policy = FindPolicy(name);
    if (policy != nullptr && policy->platform == platform) return policy;
  }
  return nullptr;
}

const ReferenceValues* PolicyBook::FindReferenceValues(std::string_view name) const { return FindNamed(reference_values_, name); }

}  // namespace assay::appraisal

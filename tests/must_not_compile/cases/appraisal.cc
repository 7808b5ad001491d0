// An appraisal takes all of its inputs: policy, state and time can't be left out.
#include "appraisal/appraiser.h"

namespace assay {

struct Everything {
  const appraisal::Registry& registry;
  std::vector<evidence::Item> items;
  const trust::Challenge& challenge;
  const trust::CollateralSnapshot& collateral;
  const appraisal::PolicyChoice& policies;
  const trust::AnchorSet& anchors;
  const appraisal::StateSnapshot& state;
  Time at;
};

v1::Appraisal Whole(const Everything& all) {
  return appraisal::Appraise({.registry = all.registry,
                              .items = all.items,
                              .platform_hint = "",
                              .challenge = all.challenge,
                              .channel_bound = true,
                              .collateral = all.collateral,
                              .policies = all.policies,
                              .anchors = all.anchors,
                              .state = all.state,
                              .at = all.at});
}

#ifdef CASE_without_policy
// expect: (uninitialized reference member|reference member.*(uninitialized|not initialized)|member .*policies.* is uninitialized reference|could not convert)
v1::Appraisal WithoutPolicy(const Everything& all) {
  return appraisal::Appraise(appraisal::Inputs{.registry = all.registry,
                                               .items = all.items,
                                               .platform_hint = "",
                                               .challenge = all.challenge,
                                               .channel_bound = true,
                                               .collateral = all.collateral,
                                               .anchors = all.anchors,
                                               .state = all.state,
                                               .at = all.at});
}
#endif

#ifdef CASE_without_state
// expect: (uninitialized reference member|reference member.*(uninitialized|not initialized)|member .*state.* is uninitialized reference|could not convert)
v1::Appraisal WithoutState(const Everything& all) {
  return appraisal::Appraise(appraisal::Inputs{.registry = all.registry,
                                               .items = all.items,
                                               .platform_hint = "",
                                               .challenge = all.challenge,
                                               .channel_bound = true,
                                               .collateral = all.collateral,
                                               .policies = all.policies,
                                               .anchors = all.anchors,
                                               .at = all.at});
}
#endif

#ifdef CASE_without_time
// expect: (no matching function for call to .*RequiredTime|no matching constructor for initialization of .*RequiredTime|could not convert .* to .*RequiredTime|use of deleted function|default constructor)
v1::Appraisal WithoutTime(const Everything& all) {
  return appraisal::Appraise(appraisal::Inputs{.registry = all.registry,
                                               .items = all.items,
                                               .platform_hint = "",
                                               .challenge = all.challenge,
                                               .channel_bound = true,
                                               .collateral = all.collateral,
                                               .policies = all.policies,
                                               .anchors = all.anchors,
                                               .state = all.state});
}
#endif

#ifdef CASE_unauthenticated_items_appraised
// expect: (invalid initialization of reference|no viable conversion from|no matching function for call|no known conversion) .*
v1::Appraisal FromAReport(const trust::UntrustedBytes& report) { return appraisal::Appraise(report); }
#endif

}  // namespace assay

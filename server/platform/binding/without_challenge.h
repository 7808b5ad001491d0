// Binding: a part that does not carry the challenge itself. It was made when the machine started, or carries a digest over the challenge and
// more; the platform ties it to the part that does.
#pragma once

#include "evidence/format.h"
#include "trust/challenge.h"

namespace assay::platform {

inline evidence::AuthenticationContext WithoutChallenge(const evidence::AuthenticationContext& context) {
  static const trust::Challenge none = trust::Challenge::NotDemanded(true);
  return {.anchors = context.anchors,
          .collateral = context.collateral,
          .challenge = none,
          .caches = context.caches,
          .enrolled = context.enrolled,
          .activation = context.activation,
          .enrolled_endorsement_keys = context.enrolled_endorsement_keys,
          .endorsement_key = context.endorsement_key};
}

// The same of a part that was made when the machine started, and comes again unchanged with every challenge.
inline evidence::AuthenticationContext MadeAtStart(const evidence::AuthenticationContext& context) {
  evidence::AuthenticationContext made_at_start = WithoutChallenge(context);
  made_at_start.comes_again = true;
  return made_at_start;
}

}  // namespace assay::platform

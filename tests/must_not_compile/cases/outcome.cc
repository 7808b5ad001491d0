// Outcome<T>: there is a value, or there is a reason why not.
#include <utility>

#include "base/outcome.h"

namespace assay {

Outcome<int> AValue() { return 7; }
Outcome<int> ARejection() { return Finding{Reason::kLengthWrong}; }
bool IsOk(const Outcome<int>& outcome) { return static_cast<bool>(outcome); }

#ifdef CASE_from_thin_air
// expect: no matching (function for call to|constructor for initialization of).*Outcome
Outcome<int> FromThinAir() { return Outcome<int>(); }
#endif

#ifdef CASE_from_a_bare_reason
// expect: (could not convert|no viable conversion from).*Reason
Outcome<int> FromABareReason() { return Reason::kLengthWrong; }
#endif

#ifdef CASE_used_as_the_value
// expect: (cannot convert|no viable conversion from) .*Outcome<int>.* to .(const )?int
int UsedAsTheValue() {
  const int value = AValue();
  return value;
}
#endif

#ifdef CASE_silently_true
// expect: (cannot convert|no viable conversion from) .*Outcome.* to (function return type )?.bool
bool SilentlyTrue() { return ARejection(); }
#endif

}  // namespace assay

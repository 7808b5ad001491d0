// Layout tables: a slip in a field's name or offset is found by the compiler.
#include <array>

#include "base/layout.h"

namespace assay {

constexpr std::array<Field, 3> kLayout{{
    {"VERSION", 0, 4},
    {"RESERVED", 4, 4, FieldUse::kReservedZero},
    {"NONCE", 8, 32},
}};
static_assert(IsContiguous(kLayout, 40));
constexpr Field kNonce = FieldNamed(kLayout, "NONCE");

#ifdef CASE_misspelt_field
// expect: (is not a constant expression|must be initialized by a constant expression)
constexpr Field kNounce = FieldNamed(kLayout, "NOUNCE");
#endif

#ifdef CASE_field_named_at_run_time
// expect: is not a constant expression
Field Named(std::string_view name) { return FieldNamed(kLayout, name); }
#endif

#ifdef CASE_hole
// expect: static.assert(ion)? failed
constexpr std::array<Field, 2> kWithHole{{{"VERSION", 0, 4}, {"NONCE", 8, 32}}};
static_assert(IsContiguous(kWithHole, 40));
#endif

#ifdef CASE_overlap
// expect: static.assert(ion)? failed
constexpr std::array<Field, 2> kWithOverlap{{{"VERSION", 0, 4}, {"NONCE", 2, 38}}};
static_assert(IsContiguous(kWithOverlap, 40));
#endif

#ifdef CASE_short
// expect: static.assert(ion)? failed
static_assert(IsContiguous(kLayout, 44));
#endif

}  // namespace assay

// Canonical JSON, RFC 8785 (JCS), restricted to what is exact: no fractions, no integer beyond 53 bits.
//
// Promises: equal trees give equal bytes, and those are the bytes that any JCS implementation gives for them. Members
// are sorted by the UTF-16 code units of their names (section 3.2.3). Refuses, with a finding: numbers that are not
// integers of at most 53 bits (section 3.2.2.3 would round them; write wider integers as strings), strings that are not
// valid UTF-8, and a name that stands twice.
#pragma once

#include <string>
#include <string_view>

#include "base/outcome.h"
#include "codec/json.h"

namespace assay::json {

Outcome<std::string> Canonical(const Value& value);

// The string as canonical JSON has it, behind what is in `out`. False, and `out` is of no use: not valid UTF-8.
[[nodiscard]] bool AppendCanonical(std::string_view text, std::string& out);

// The order of names in canonical JSON; both in valid UTF-8.
bool PrecedesInUtf16(std::string_view a, std::string_view b);

}  // namespace assay::json

// Verdict ids: 26 characters of Crockford's base32 (digits and capital letters without I, L, O, U); 48 bits of Unix
// milliseconds, then 80 random bits, so that they sort by time and cannot be guessed.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace assay::store {

std::string NewVerdictId(Time now, Random& random);
bool IsVerdictId(std::string_view text);

}  // namespace assay::store

// From what production code says of a case's inputs to the observation that the runner compares.
#pragma once

#include <optional>
#include <span>

#include "base/check_log.h"
#include "base/clock.h"
#include "evidence/format.h"
#include "tests/vectors/checker.h"
#include "trust/bundle.h"
#include "trust/challenge.h"
#include "trust/claims.h"

namespace assay::vectors {

trust::Challenge ChallengeOf(const Bind& bind);

// What speaks against authenticity: every rejection, and every window that does not hold. Skipped checks become notes.
void Conclude(const CheckLog& log, std::span<const trust::ValidityWindow> windows, Time at, Observation& observation);

std::optional<CheckResult> ResultOf(const CheckLog& log, Check check);

// The claims of that format, without its prefix.
void NoteClaims(const trust::Bundle& bundle, const evidence::Format& format, Observation& observation);

}  // namespace assay::vectors

#include "client/cli/invocation.h"

#include <algorithm>
#include <iterator>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "client/lib/refusal_reason.h"

namespace assay::cli {
namespace {

// Nothing is wrong with the command line: run again, the same command may succeed. A challenge is one of this very run.
constexpr std::string_view kOfTheMoment[] = {"rate_limited",       "overloaded",        "shutting_down",    "store_unavailable",
                                             "challenge_consumed", "challenge_expired", "challenge_forged", "context_mismatch"};

}  // namespace

ExitCode Invocation::Fail(const absl::Status& status) const {
  Say(MessageOf(status));
  if (std::count(std::begin(kOfTheMoment), std::end(kOfTheMoment), client::ReasonIn(status)) > 0) return ExitCode::kUnreachable;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied: return ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnauthenticated: return ExitCode::kUnreachable;
    default: return ExitCode::kInternal;
  }
}

}  // namespace assay::cli

#include "client/cli/invocation.h"

#include "base/absl_bridge.h"
#include "base/strings.h"

namespace assay::cli {

ExitCode Invocation::Fail(const absl::Status& status) const {
  Say(MessageOf(status));
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

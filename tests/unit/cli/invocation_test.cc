#include "client/cli/invocation.h"

#include <gtest/gtest.h>

#include <sstream>

#include "client/lib/refusal_reason.h"
#include "registry/builtin_registry.h"

namespace assay::cli {
namespace {

ExitCode CodeOf(const absl::Status& status) {
  std::ostringstream out, err;
  const SystemClock clock;
  const Invocation invocation{
      .out = out, .err = err, .style = Style(false), .clock = clock, .registry = BuiltinRegistry(), .program_directory = ""};
  const ExitCode code = invocation.Fail(status);
  EXPECT_EQ(out.str(), "") << "data, and nothing else";
  EXPECT_EQ(err.str(), "assay: why\n");
  return code;
}

TEST(Fail, TellsWhoseFaultItIs) {
  EXPECT_EQ(CodeOf(absl::InvalidArgumentError("why")), ExitCode::kUsage);
  EXPECT_EQ(CodeOf(absl::FailedPreconditionError("why")), ExitCode::kUsage);
  EXPECT_EQ(CodeOf(absl::UnavailableError("why")), ExitCode::kUnreachable);
  EXPECT_EQ(CodeOf(absl::UnauthenticatedError("why")), ExitCode::kUnreachable);
  EXPECT_EQ(CodeOf(absl::InternalError("why")), ExitCode::kInternal);
}

// Whoever runs it again may well succeed, without any change to the command line.
TEST(Fail, WhatTheServerCannotDoAtTheMomentIsNoDefectAndNoMisuse) {
  for (const std::string_view reason : {"rate_limited", "overloaded"}) {
    EXPECT_EQ(CodeOf(client::WithReason(absl::ResourceExhaustedError("why"), reason)), ExitCode::kUnreachable) << reason;
  }
  for (const std::string_view reason : {"challenge_consumed", "challenge_expired", "challenge_forged", "context_mismatch"}) {
    EXPECT_EQ(CodeOf(client::WithReason(absl::FailedPreconditionError("why"), reason)), ExitCode::kUnreachable) << reason;
  }
  EXPECT_EQ(CodeOf(client::WithReason(absl::FailedPreconditionError("why"), "enrolment_taken")), ExitCode::kUsage);
  EXPECT_EQ(CodeOf(absl::ResourceExhaustedError("why")), ExitCode::kInternal) << "gRPC's own: an answer that is too large";
}

}  // namespace
}  // namespace assay::cli

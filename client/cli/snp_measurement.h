// The two ways to a launch digest of SEV-SNP, and how the command says what went into it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "base/bytes.h"
#include "client/cli/invocation.h"
#include "client/cli/measure.h"
#include "client/cli/structured_output.h"
#include "crypto/digest.h"

namespace assay::cli {

struct SnpMeasurement {
  crypto::Sha384Digest digest{};
  std::string text;                 // for people: from what it follows, and what it does not cover
  json::Value tree;                 // the same, and the digest, as an object
  std::vector<Finding> objections;  // of the file itself to being launched so
};

// Anything but kOk was said already, and `measurement` is as it was.
ExitCode MeasureOvmf(const MeasureSnpOptions& options, ByteView image, const Invocation& invocation, SnpMeasurement& measurement);
ExitCode MeasureIgvm(const MeasureSnpOptions& options, ByteView file, const Invocation& invocation, SnpMeasurement& measurement);

// An option that is not what it must be. InvalidArgument.
absl::Status Misuse(std::string_view option, std::string_view expected, std::string_view actual);

// Says each finding about the file that the option names; returns `code`.
ExitCode Refuse(std::string_view option, const std::string& file, const std::vector<Finding>& findings, ExitCode code,
                const Invocation& invocation);

}  // namespace assay::cli

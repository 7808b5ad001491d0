// `assay verify`: appraises evidence offline, with the same core as the server.
#pragma once

#include <string>
#include <vector>

#include "client/cli/invocation.h"
#include "client/cli/option_values.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct VerifyOptions {
  std::vector<std::string> files;        // evidence and endorsements in any mix
  std::vector<std::string> collateral;   // directories
  std::vector<std::string> policies;     // none: the shipped policy of the platform
  std::string platform = {};             // "": inferred if exactly one fits
  std::string at = {};                   // "": now
  FreshnessOptions freshness = {};
  std::string cluster = {};
  std::string role = {};
  std::string insecure_test_anchors = {};  // "": the built-in pins
  OutputFormat output = OutputFormat::kTable;
  bool verbose = false;
};

ExitCode Verify(const VerifyOptions& options, const Invocation& invocation);

}  // namespace assay::cli

// `assay verify`: appraises evidence offline, with the same core as the server.
#pragma once

#include <string>
#include <vector>

#include "client/cli/evidence_files.h"
#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct VerifyOptions : EvidenceOptions {
  std::vector<std::string> policies;  // none: the shipped policy of the platform
  std::string cluster = {};
  std::string role = {};
  OutputFormat output = OutputFormat::kTable;
};

ExitCode Verify(const VerifyOptions& options, const Invocation& invocation);

}  // namespace assay::cli

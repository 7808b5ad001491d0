// `assay inspect`: what files say, unauthenticated.
#pragma once

#include <string>
#include <vector>

#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct InspectOptions {
  std::vector<std::string> files;
  OutputFormat output = OutputFormat::kTable;
  bool verbose = false;  // values in full
};

// Every file is looked at, whatever comes of the others; the worst exit code is returned.
ExitCode Inspect(const InspectOptions& options, const Invocation& invocation);

}  // namespace assay::cli

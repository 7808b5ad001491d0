// `assay verdict get`: one recorded verdict.
#pragma once

#include <string>

#include "client/cli/connections.h"
#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct VerdictGetOptions {
  std::string id;
  ServerOptions server;
  OperatorOptions credentials;
  OutputFormat output = OutputFormat::kTable;
  bool verbose = false;
};

// 0 if there is such a record, whatever its verdict: this is a look into the store, not an appraisal.
ExitCode GetVerdict(const VerdictGetOptions& options, const Invocation& invocation);

}  // namespace assay::cli

// `assay verdict replay|export`: a recorded verdict appraised once more, by the server or from a file.
//
// Exit codes of a plain replay: 0 the same bytes · 7 they differ · 6 inputs are missing. With another time or other policies:
// that of the new verdict.
#pragma once

#include <string>
#include <vector>

#include "client/cli/connections.h"
#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct ReplayOptions {
  std::string id;  // through the server
  ServerOptions server;
  OperatorOptions credentials;
  bool current_policies = false;          // through the server: those in force there
  std::string from;                       // offline: a file that `export` wrote
  std::vector<std::string> policies;      // offline: instead of those of the record
  std::string insecure_test_anchors;      // offline
  std::vector<std::string> tpm_ek_roots;  // offline: those of the server
  std::string at;
  std::string to;  // export: the file to write
  OutputFormat output = OutputFormat::kTable;
};

ExitCode ReplayVerdict(const ReplayOptions& options, const Invocation& invocation);
ExitCode ExportVerdict(const ReplayOptions& options, const Invocation& invocation);

}  // namespace assay::cli

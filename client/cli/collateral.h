// `assay collateral …`: the vendors' documents that a server lives on, and what the next ones will do to the fleet.
//
// Exit codes: 0 done, and of a forecast: nobody falls · 4 some node will fall · otherwise as the connection or the server's answer has it.
#pragma once

#include <string>
#include <vector>

#include "client/cli/connections.h"
#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct CollateralOptions {
  ServerOptions server;
  OperatorOptions credentials;
  OutputFormat output = OutputFormat::kTable;
  std::string filter;                   // AIP-160
  int limit = 100;                      // elements of a list; 0 = no limit
  std::vector<std::string> names;       // refresh: "KIND[/SCOPE[/DETAIL]]"
  bool early = false;                   // refresh: in the early channel
  std::vector<std::string> evidence;    // fetch: files
  std::string file;                     // export: to write; import: to read
  std::vector<std::string> tcb_floors;  // forecast
  std::string tcb_floors_file;          // forecast: one a line
  // Forecast without a server:
  std::string database;
  std::vector<std::string> collateral, early_collateral;  // directories
  std::vector<std::string> policies;
  std::string insecure_test_anchors;
  std::vector<std::string> tpm_ek_roots;
  std::string at;
};

ExitCode ListCollateral(const CollateralOptions& options, const Invocation& invocation);
ExitCode RefreshCollateral(const CollateralOptions& options, const Invocation& invocation);
ExitCode FetchCollateral(const CollateralOptions& options, const Invocation& invocation);
ExitCode ExportCollateral(const CollateralOptions& options, const Invocation& invocation);
ExitCode ImportCollateral(const CollateralOptions& options, const Invocation& invocation);
ExitCode ForecastCollateral(const CollateralOptions& options, const Invocation& invocation);

}  // namespace assay::cli

// `assay measure`: the values that a node's launch must show, computed from what it is launched with.
#pragma once

#include <string>

#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct MeasureTdxOptions {
  std::string firmware;             // "-": standard input
  std::string ccel = {};            // event log whose replay are the RTMRs; "": none are said
  std::string page_add_order = {};  // "single", "two-pass"; "": both
  OutputFormat output = OutputFormat::kTable;
};

// MRTD of trust domains that start with this firmware, and the RTMRs of those that boot as the log says. Exit code 5: no such value follows from it.
ExitCode MeasureTdx(const MeasureTdxOptions& options, const Invocation& invocation);

}  // namespace assay::cli

// `assay clouds`: the table of clouds, for people, for programs, and as the Markdown of docs/clouds.md.
#pragma once

#include <string>
#include <vector>

#include "assay/v1/cloud.pb.h"
#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

// With what a fleet's verdicts show where that is in it.
ExitCode PrintClouds(const std::vector<v1::Cloud>& clouds, OutputFormat output, const Invocation& invocation);

// docs/clouds.md, the whole file. Deterministic.
std::string CloudsMarkdown(const appraisal::Registry& registry);

}  // namespace assay::cli

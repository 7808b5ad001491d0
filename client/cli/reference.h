// Reference tables of this build: reasons, checks, claims; for people, for programs, and as the Markdown of docs/.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

ExitCode PrintReasons(OutputFormat output, const Invocation& invocation);

// The generated Markdown, whole files: docs/reasons.md (reasons and checks) and docs/claims.md. Deterministic.
std::string ReasonsMarkdown();
std::string ClaimsMarkdown(const appraisal::Registry& registry);
// `which`: "reasons", "checks" (the same file: checks stand in it), "claims" or "clouds" (clouds.h).
ExitCode PrintDocs(std::string_view which, const Invocation& invocation);

}  // namespace assay::cli

// Policies for offline commands: from --policy files, or those shipped with this build.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "appraisal/appraiser.h"
#include "appraisal/policy.h"
#include "client/cli/invocation.h"

namespace assay::cli {

// All files loaded together. An unreadable file is an error; what the loader complains about is in the result.
absl::StatusOr<appraisal::LoadResult> LoadPolicyFiles(const std::vector<std::string>& files, const appraisal::Registry& registry);

// The policies that apply to a platform. With cluster and role the context chooses the set; without, exactly one policy of
// the book has to be for the platform, and no set may be left unasked: its demands would be lost.
absl::StatusOr<appraisal::PolicyChoice> ChoosePolicy(const appraisal::PolicyBook& book, std::string_view platform, std::string_view cluster,
                                                     std::string_view role);

// `assay policy lint`: every message on `out`, exit 7 if there is one.
ExitCode LintPolicies(const std::vector<std::string>& files, const Invocation& invocation);

}  // namespace assay::cli

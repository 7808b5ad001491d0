#include "client/cli/verify.h"

#include <memory>
#include <optional>
#include <utility>

#include "appraisal/appraiser.h"
#include "appraisal/shipped_policies.h"
#include "base/absl_bridge.h"
#include "base/strings.h"
#include "client/cli/evidence_files.h"
#include "client/cli/policy_files.h"
#include "client/cli/verdict_view.h"

namespace assay::cli {
namespace {

// A policy book that outlives the choice made from it.
struct ChosenPolicies {
  std::unique_ptr<appraisal::PolicyBook> book;
  std::optional<appraisal::PolicyChoice> choice;
  std::string origin;  // for the view
};

ExitCode ChoosePolicies(const VerifyOptions& options, const Invocation& invocation, std::string_view platform, ChosenPolicies& chosen) {
  const bool shipped = options.policies.empty();
  if (shipped && !options.cluster.empty()) {
    invocation.Say(
        "--cluster, --role: expected --policy with the policy sets that they choose from, actual: none. "
        "Give the policy files, or leave --cluster and --role out for the shipped policy.");
    return ExitCode::kUsage;
  }
  absl::StatusOr<appraisal::LoadResult> loaded =
      shipped ? absl::StatusOr<appraisal::LoadResult>(appraisal::LoadShippedPolicies(invocation.registry))
              : LoadPolicyFiles(options.policies, invocation.registry);
  if (!loaded.ok()) return invocation.Fail(loaded.status());
  if (!loaded->book) {
    for (const appraisal::LintMessage& message : loaded->messages) invocation.Say(message.ToString());
    return ExitCode::kFailed;
  }
  chosen.book = std::make_unique<appraisal::PolicyBook>(*std::move(loaded->book));
  absl::StatusOr<appraisal::PolicyChoice> choice = ChoosePolicy(*chosen.book, platform, options.cluster, options.role);
  if (!choice.ok()) return invocation.Fail(choice.status());
  chosen.choice = *std::move(choice);
  if (shipped) chosen.origin = "shipped with assay; give your own with --policy";
  return ExitCode::kOk;
}

}  // namespace

ExitCode Verify(const VerifyOptions& options, const Invocation& invocation) {
  std::optional<EvidenceInHand> taken;
  if (const ExitCode code = TakeEvidence(options, invocation, taken); code != ExitCode::kOk) return code;
  ChosenPolicies policies;
  if (const ExitCode code = ChoosePolicies(options, invocation, taken->platform, policies); code != ExitCode::kOk) return code;

  const v1::Appraisal appraisal = AppraiseOffline(*taken, *policies.choice, invocation.registry);
  if (options.output == OutputFormat::kTable) {
    invocation.out << VerdictText(appraisal, {options.verbose, taken->platform_origin, policies.origin}, invocation.style);
  } else {
    if (!policies.origin.empty()) invocation.Say(Cat("policy ", appraisal.policy(), ": ", policies.origin));
    invocation.out << StructuredAppraisal(options.output, appraisal);
  }
  return ExitCodeOf(appraisal);
}

}  // namespace assay::cli

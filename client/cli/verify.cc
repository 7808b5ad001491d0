#include "client/cli/verify.h"

#include <memory>
#include <optional>
#include <utility>

#include "appraisal/anchors_file.h"
#include "appraisal/appraiser.h"
#include "appraisal/shipped_policies.h"
#include "base/absl_bridge.h"
#include "base/strings.h"
#include "base/files.h"
#include "client/cli/policy_files.h"
#include "client/cli/recognise.h"
#include "client/cli/verdict_view.h"

namespace assay::cli {
namespace {

// Evidence and endorsements out of FILE… and --collateral. Any file that is named and isn't known is an error; files that
// merely lie in a directory are skipped.
class Gathering {
 public:
  Gathering(const VerifyOptions& options, const Invocation& invocation) : options_(options), invocation_(invocation) {}

  ExitCode Gather() {
    ExitCode worst = ExitCode::kOk;
    for (const std::string& file : options_.files) worst = WorstOf(worst, AddFile(file));
    for (const std::string& directory : options_.collateral) worst = WorstOf(worst, AddDirectory(directory));
    if (worst == ExitCode::kOk && pile_.evidence.empty()) {
      invocation_.Say(Cat("FILE: expected evidence, e.g. an attestation report, actual: only ", pile_.collateral.size(),
                          " endorsements. Give the report too."));
      return ExitCode::kUsage;
    }
    return worst;
  }

  const Pile& pile() const { return pile_; }

 private:
  ExitCode AddFile(const std::string& file) {
    absl::StatusOr<Bytes> bytes = ReadFile("FILE", file);
    if (!bytes.ok()) return invocation_.Fail(bytes.status());
    if (const auto finding = Sort(invocation_.registry, Printable(file), trust::UntrustedBytes(*std::move(bytes)), pile_)) {
      invocation_.Say(Describe(*finding));
      return ExitCode::kMalformed;
    }
    return ExitCode::kOk;
  }

  ExitCode AddDirectory(const std::string& directory) {
    const absl::StatusOr<std::vector<std::string>> files = FilesBelow("--collateral", directory);
    if (!files.ok()) return invocation_.Fail(files.status());
    for (const std::string& file : *files) {
      absl::StatusOr<Bytes> bytes = ReadFile("--collateral", file);
      if (!bytes.ok()) {
        invocation_.Say(Cat("skipped: ", MessageOf(bytes.status())));  // a hole in the collateral is worth a word, always
        continue;
      }
      AddCollateral(file, trust::UntrustedBytes(*std::move(bytes)));
    }
    return ExitCode::kOk;
  }

  // Certificate tables are endorsements here, and evidence that happens to lie in the directory is none.
  void AddCollateral(const std::string& file, const trust::UntrustedBytes& bytes) {
    bool known = false;
    for (const evidence::Format* format : invocation_.registry.formats) {
      std::vector<trust::CollateralItem> items = format->recognise(bytes, trust::CollateralSource::kSupplied, nullptr);
      known |= !items.empty();
      for (trust::CollateralItem& item : items) pile_.collateral.push_back(std::move(item));
    }
    if (!known && options_.verbose) invocation_.Say(Cat("skipped: '", Printable(file), "' is no endorsement that this build knows"));
  }

  const VerifyOptions& options_;
  const Invocation& invocation_;
  Pile pile_;
};

struct PlatformChoice {
  std::string name;
  std::string origin;  // for the view
};

absl::StatusOr<PlatformChoice> ChoosePlatform(const VerifyOptions& options, const Invocation& invocation, const Pile& pile) {
  std::vector<std::string> all;
  for (const platform::Platform* platform : invocation.registry.platforms) all.emplace_back(platform->name);
  if (!options.platform.empty()) {
    if (invocation.registry.FindPlatform(options.platform) != nullptr) return PlatformChoice{options.platform, {}};
    const std::string_view nearest = NearestOf(options.platform, all);
    return absl::InvalidArgumentError(Cat("--platform: expected one of ", Join(all, ", "), ", actual '", Printable(options.platform, 64), "'",
                                          nearest.empty() ? "" : Cat("; did you mean '", nearest, "'?"), ". Name a platform that this build knows."));
  }
  const std::vector<std::string> fitting = appraisal::FittingPlatforms(invocation.registry, pile.evidence);
  if (fitting.size() == 1) return PlatformChoice{fitting.front(), "inferred from the evidence"};
  std::string items;
  for (std::size_t i = 0; i < pile.evidence.size(); ++i) {
    items += Cat(i == 0 ? "" : ", ", pile.evidence_names[i], " (", pile.evidence[i].media_type, ")");
  }
  return absl::InvalidArgumentError(
      Cat("--platform: expected exactly one platform to fit ", items, ", actual: ",
          fitting.empty() ? Cat("none of ", Join(all, ", ")) : Join(fitting, ", "),
          ". Name the platform, and check that all items of one node and no others were given."));
}

// A policy book that outlives the choice made from it.
struct ChosenPolicies {
  std::unique_ptr<appraisal::PolicyBook> book;
  std::optional<appraisal::PolicyChoice> choice;
  std::string origin;  // for the view
};

ExitCode ChoosePolicies(const VerifyOptions& options, const Invocation& invocation, std::string_view platform, ChosenPolicies& chosen) {
  const bool shipped = options.policies.empty();
  if (shipped && !options.cluster.empty()) {
    invocation.Say("--cluster, --role: expected --policy with the policy sets that they choose from, actual: none. "
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
  // Options first: they are cheap to judge, and a slip in one should not wait for the files.
  const absl::StatusOr<trust::Challenge> challenge = ChallengeOf(options.freshness);
  if (!challenge.ok()) return invocation.Fail(challenge.status());
  absl::StatusOr<Time> at = options.at.empty() ? absl::StatusOr<Time>(invocation.clock.Now()) : ParseAtOption(options.at);
  if (!at.ok()) return invocation.Fail(at.status());
  absl::StatusOr<trust::AnchorSet> anchors = options.insecure_test_anchors.empty()
                                                 ? absl::StatusOr<trust::AnchorSet>(appraisal::BuiltinAnchors(invocation.registry))
                                                 : appraisal::LoadTestAnchors(options.insecure_test_anchors);
  if (!anchors.ok()) return invocation.Fail(anchors.status());

  Gathering gathering(options, invocation);
  if (const ExitCode code = gathering.Gather(); code != ExitCode::kOk) return code;
  const Pile& pile = gathering.pile();
  const absl::StatusOr<PlatformChoice> platform = ChoosePlatform(options, invocation, pile);
  if (!platform.ok()) return invocation.Fail(platform.status());
  ChosenPolicies policies;
  if (const ExitCode code = ChoosePolicies(options, invocation, platform->name, policies); code != ExitCode::kOk) return code;

  const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(invocation.registry, pile.evidence, pile.collateral);
  const v1::Appraisal appraisal = appraisal::Appraise({
      .registry = invocation.registry,
      .items = pile.evidence,
      .platform_hint = platform->name,
      .challenge = *challenge,
      .channel_bound = false,
      .collateral = collateral,
      .policies = *policies.choice,
      .anchors = *anchors,
      .state = {},
      .at = *at,
  });
  if (options.output == OutputFormat::kTable) {
    invocation.out << VerdictText(appraisal, {options.verbose, platform->origin, policies.origin}, invocation.style);
  } else {
    if (!policies.origin.empty()) invocation.Say(Cat("policy ", appraisal.policy(), ": ", policies.origin));
    invocation.out << StructuredAppraisal(options.output, appraisal);
  }
  return ExitCodeOf(appraisal);
}

}  // namespace assay::cli

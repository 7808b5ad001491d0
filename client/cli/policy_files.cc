#include "client/cli/policy_files.h"

#include <utility>

#include "base/files.h"
#include "base/strings.h"

namespace assay::cli {
namespace {

std::string ShowSets(const appraisal::PolicyBook& book) {
  std::string text;
  for (const appraisal::PolicySet& set : book.sets()) {
    text += Cat(text.empty() ? "" : "; ", set.name, " (cluster ", set.cluster, ", role ", Join(set.roles, "|"), ")");
  }
  return text;
}

std::string ShowPolicies(const std::vector<const appraisal::Policy*>& policies) {
  std::string text;
  for (const appraisal::Policy* policy : policies) text += Cat(text.empty() ? "" : ", ", policy->name, " (", policy->platform, ")");
  return text;
}

}  // namespace

absl::StatusOr<appraisal::LoadResult> LoadPolicyFiles(const std::vector<std::string>& files, const appraisal::Registry& registry) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const std::string& file : files) {
    const absl::StatusOr<Bytes> bytes = ReadFile("policy", file);
    if (!bytes.ok()) return bytes.status();
    texts.emplace_back(Printable(file, 4096), std::string(AsText(*bytes)));
  }
  return appraisal::LoadPolicies(texts, registry);
}

absl::StatusOr<appraisal::PolicyChoice> ChoosePolicy(const appraisal::PolicyBook& book, std::string_view platform, std::string_view cluster,
                                                     std::string_view role) {
  if (!cluster.empty() || !role.empty()) return appraisal::PolicyChoice::ForContext(book, cluster, role);
  if (!book.sets().empty()) {
    return absl::InvalidArgumentError(Cat("--policy: expected --cluster and --role, for the files hold policy sets: ", ShowSets(book),
                                          "; actual: neither. Name the context that the verdict is for."));
  }
  std::vector<const appraisal::Policy*> all;
  std::vector<const appraisal::Policy*> fitting;
  for (const appraisal::Policy& policy : book.policies()) {
    all.push_back(&policy);
    if (policy.platform == platform) fitting.push_back(&policy);
  }
  if (fitting.size() == 1) return appraisal::PolicyChoice::ForPolicy(book, *fitting.front());
  return absl::InvalidArgumentError(Cat(
      "--policy: expected exactly one policy for platform ", platform,
      ", actual: ", fitting.empty() ? Cat("none; the files hold ", all.empty() ? "no policy" : ShowPolicies(all)) : ShowPolicies(fitting),
      ". Give the one policy file that applies, or policy sets with --cluster and --role."));
}

ExitCode LintPolicies(const std::vector<std::string>& files, const Invocation& invocation) {
  const absl::StatusOr<appraisal::LoadResult> loaded = LoadPolicyFiles(files, invocation.registry);
  if (!loaded.ok()) return invocation.Fail(loaded.status());
  for (const appraisal::LintMessage& message : loaded->messages) invocation.out << message.ToString() << '\n';
  if (!loaded->book) return ExitCode::kFailed;
  const appraisal::PolicyBook& book = *loaded->book;
  invocation.out << book.policies().size() << (book.policies().size() == 1 ? " policy, " : " policies, ") << book.sets().size()
                 << (book.sets().size() == 1 ? " set, " : " sets, ") << book.reference_values().size() << " reference values: ok\n";
  return ExitCode::kOk;
}

}  // namespace assay::cli

// Policy files: whatever the files say, either every defect has its place, or the book answers all that it must. A line
// "%%" in the input begins another file.
#include <algorithm>

#include "appraisal/policy.h"
#include "appraisal/rules.h"
#include "base/bug.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

using appraisal::LoadResult;
using appraisal::Policy;
using appraisal::PolicyBook;
using Files = std::vector<std::pair<std::string, std::string>>;

Files FilesIn(std::string_view text) {
  constexpr std::string_view kSeparator = "\n%%\n";
  Files files;
  for (;;) {
    const std::size_t end = text.find(kSeparator);
    files.emplace_back(Cat("fuzz-", files.size(), ".yaml"), text.substr(0, end));
    if (end == std::string_view::npos) return files;
    text.remove_prefix(end + kSeparator.size());
  }
}

// No rule allows a status that never passes; ages and limits are ones that evidence can miss.
void CheckOperand(const appraisal::Rule& rule) {
  using appraisal::RuleKind;
  ASSAY_CHECK((rule.kind == RuleKind::kAgeAtMost) == (rule.age > Duration(0)) && rule.age <= std::chrono::days(3650));
  ASSAY_CHECK(rule.kind != RuleKind::kStatusAtMost || !rule.values.empty());
  const evidence::ClaimSpec* claim = BuiltinRegistry().FindClaim(rule.claim);
  if (claim == nullptr) return;
  for (const evidence::StatusSpec& status : claim->statuses) {
    const bool allowed = std::find(rule.values.begin(), rule.values.end(), trust::Value(std::string(status.name))) != rule.values.end();
    ASSAY_CHECK(!allowed || !status.never);
  }
}

void CheckPolicy(const Policy& policy, const PolicyBook& book) {
  const platform::Platform* platform = BuiltinRegistry().FindPlatform(policy.platform);
  ASSAY_CHECK(platform != nullptr && book.FindPolicy(policy.name) == &policy);
  ASSAY_CHECK(policy.max_validity > Duration(0) && policy.max_validity <= std::chrono::hours(24));
  ASSAY_CHECK(policy.grace >= Duration(0) && policy.grace <= std::chrono::hours(7 * 24));
  ASSAY_CHECK(policy.boot_covered.has_value() != (policy.FindWaiver("boot.covered") != nullptr));
  ASSAY_CHECK(policy.owner.has_value() != (policy.FindWaiver("owner") != nullptr));
  for (const auto& answer : {policy.boot_covered, policy.owner}) { ASSAY_CHECK(!answer || appraisal::Appraises(policy, book, *answer)); }
  for (const evidence::Format* format : platform->formats) {
    for (const evidence::ClaimSpec& claim : format->claims) {
      const bool waived = policy.FindWaiver(claim.name) != nullptr;
      ASSAY_CHECK(!waived || claim.duty == evidence::Duty::kMustOrWaive);
      ASSAY_CHECK(claim.duty == evidence::Duty::kOptional || waived || appraisal::Appraises(policy, book, claim.name));
    }
  }
  for (const appraisal::Rule& rule : policy.rules) {
    ASSAY_CHECK(rule.where.starts_with("fuzz-"));
    CheckOperand(rule);
    for (const appraisal::Rule& alternative : rule.alternatives) CheckOperand(alternative);
    if (rule.kind == appraisal::RuleKind::kRelease) ASSAY_CHECK(book.FindReferenceValues(rule.release) != nullptr);
  }
}

void CheckBook(const PolicyBook& book) {
  for (const Policy& policy : book.policies()) CheckPolicy(policy, book);
  for (const appraisal::ReferenceValues& values : book.reference_values()) {
    ASSAY_CHECK(!values.releases.empty());
    for (const appraisal::Release& release : values.releases) ASSAY_CHECK(!release.values.empty());
  }
  for (const appraisal::PolicySet& set : book.sets()) {
    ASSAY_CHECK(!set.roles.empty() && !set.policies.empty());
    for (const std::string& role : set.roles) ASSAY_CHECK(book.FindSet(set.cluster, role) == &set);
    for (const std::string& name : set.policies) {
      const Policy* policy = book.FindPolicy(name);
      ASSAY_CHECK(policy != nullptr && book.FindPolicy(set, policy->platform) == policy);
    }
  }
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Files files = FilesIn(AsText({data, size}));
  const LoadResult loaded = appraisal::LoadPolicies(files, BuiltinRegistry());
  ASSAY_CHECK(loaded.book.has_value() == loaded.messages.empty());
  for (const appraisal::LintMessage& message : loaded.messages) {
    ASSAY_CHECK(message.where.starts_with("fuzz-") && !message.text.empty() && Utf8SequenceLength(message.text) > 0);
  }
  if (!loaded.book) return 0;
  CheckBook(*loaded.book);
  std::reverse(files.begin(), files.end());
  const LoadResult again = appraisal::LoadPolicies(files, BuiltinRegistry());
  ASSAY_CHECK(again.book.has_value() && again.book->Digest() == loaded.book->Digest());
  return 0;
}

}  // namespace assay

// What we ship is what operators copy: it loads without a message, and says what its comments say.
#include "appraisal/shipped_policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/places/places.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

using testing::IsEmpty;

std::vector<std::string> Messages(const std::vector<LintMessage>& messages) {
  std::vector<std::string> shown;
  for (const LintMessage& message : messages) shown.push_back(message.ToString());
  return shown;
}

std::vector<std::pair<std::string, std::string>> FilesOf(const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : std::filesystem::directory_iterator(Cat(test::SourceDir(), "/", folder))) {
    if (entry.path().extension() != ".yaml") continue;
    const auto text = ReadFile("policy", entry.path().string());
    EXPECT_TRUE(text.ok());
    files.emplace_back(entry.path().filename().string(), std::string(AsText(*text)));
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(ShippedPolicies, AreThoseOfTheFolder) {
  EXPECT_EQ(ShippedPolicyTexts(), FilesOf("policies"));
  EXPECT_FALSE(ShippedPolicyTexts().empty());
}

TEST(ShippedPolicies, LoadWithoutAMessageOnePerPlatform) {
  const LoadResult loaded = LoadShippedPolicies(BuiltinRegistry());
  ASSERT_THAT(Messages(loaded.messages), IsEmpty());
  for (const platform::Platform* platform : BuiltinRegistry().platforms) {
    EXPECT_EQ(std::count_if(loaded.book->policies().begin(), loaded.book->policies().end(),
                            [&](const Policy& policy) { return policy.platform == platform->name; }),
              1)
        << platform->name;
  }
}

TEST(ShippedPolicies, TheExampleLoadsWithoutAMessage) {
  const LoadResult loaded = LoadPolicies(FilesOf("policies/example"), BuiltinRegistry());
  ASSERT_THAT(Messages(loaded.messages), IsEmpty());
  const PolicySet* workers = loaded.book->FindSet("prod", "worker");
  ASSERT_NE(workers, nullptr);
  for (const std::string_view platform : {"qemu_sev_snp", "qemu_tdx"}) {
    EXPECT_NE(loaded.book->FindPolicy(*workers, platform), nullptr) << platform;
  }
  EXPECT_EQ(loaded.book->FindSet("prod", "control-plane"), nullptr);
}

TEST(ShippedPolicies, GiveAtMostTrustedWithWarnings) {
  Appraising appraising;
  appraising.policies.clear();
  for (const auto& [name, text] : ShippedPolicyTexts()) appraising.policies.push_back(text);
  appraising.policy = "qemu-sev-snp";
  const v1::Appraisal qemu = appraising.Run();
  EXPECT_EQ(qemu.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(qemu);
  EXPECT_EQ(qemu.strength(), v1::STRENGTH_C);
  appraising.evidence.signing_key = softtee::SigningKey::kVlek;
  appraising.policy = "aws-sev-snp-report";
  const v1::Appraisal aws = appraising.Run();
  EXPECT_EQ(aws.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(aws);
}

}  // namespace
}  // namespace assay::appraisal

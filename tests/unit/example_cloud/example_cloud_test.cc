// That one folder and one policy file are all that a further cloud takes, and that docs/new-platform.md says so truly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "appraisal/anchors_file.h"
#include "appraisal/appraiser.h"
#include "appraisal/clouds_table.h"
#include "base/hex.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/places/places.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/unit/example_cloud/platform.h"

namespace assay::example_cloud {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string FileText(const std::string& path) {
  std::ifstream file(test::SourceDir() + "/" + path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// As the build would list it, had it a folder in server/platform/.
struct WithExample {
  WithExample() {
    const appraisal::Registry& builtin = BuiltinRegistry();
    platforms.assign(builtin.platforms.begin(), builtin.platforms.end());
    platforms.push_back(&kPlatform);
    std::sort(platforms.begin(), platforms.end(),
              [](const platform::Platform* a, const platform::Platform* b) { return a->name < b->name; });
    registry = {builtin.formats, platforms};
  }
  std::vector<const platform::Platform*> platforms;
  appraisal::Registry registry;
};

softtee::SnpOptions OfTenant(std::uint8_t tenant) {
  softtee::SnpOptions options;
  options.report_data = softtee::Ramp<64>(0x80);
  options.host_data = {};
  const std::string_view mark = "example-cloud/1:";
  std::copy(mark.begin(), mark.end(), options.host_data.begin());
  options.host_data.back() = tenant;
  return options;
}

v1::Appraisal Appraise(const softtee::SnpOptions& options) {
  static const WithExample with;
  std::string policy = FileText("tests/unit/example_cloud/example_cloud.yaml");
  policy.replace(policy.find("MEASUREMENT"), 11, ToHex(softtee::kDefaultMeasurement));
  policy.replace(policy.find("CHIP"), 4, ToHex(softtee::kDefaultChipId));
  const appraisal::LoadResult loaded = appraisal::LoadPolicies({{"example_cloud.yaml", policy}}, with.registry);
  for (const appraisal::LintMessage& message : loaded.messages) ADD_FAILURE() << message.ToString();
  if (!loaded.book) return {};
  const auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
  std::vector<evidence::Item> items;
  for (const softtee::Item& item : minted->items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  const auto anchors = appraisal::ParseTestAnchors("anchors.yaml", softtee::SnpPki::Shared().AnchorsYaml());
  const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(with.registry, items, {});
  return appraisal::Appraise({.registry = with.registry,
                              .items = items,
                              .platform_hint = "",
                              .challenge = trust::Challenge::Demanded({.report_data = softtee::Ramp<64>(0x80), .nonce = std::nullopt}),
                              .channel_bound = true,
                              .collateral = collateral,
                              .policies = appraisal::PolicyChoice::ForPolicy(*loaded.book, loaded.book->policies().front()),
                              .anchors = *anchors,
                              .state = {},
                              .at = softtee::kDefaultNow});
}

std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}

TEST(ExampleCloud, ItsTenantIsTrusted) {
  const v1::Appraisal appraisal = Appraise(OfTenant(0xa7));
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << testing::PrintToString(Reasons(appraisal));
  EXPECT_EQ(appraisal.platform(), "example_cloud");
  EXPECT_EQ(appraisal.strength(), v1::STRENGTH_A);
  EXPECT_THAT(appraisal.trust_boundary().trusted_parties(), Contains(HasSubstr("Example Cloud")));
}

TEST(ExampleCloud, NobodyElseIs) {
  const v1::Appraisal other_tenant = Appraise(OfTenant(0xa8));
  EXPECT_EQ(other_tenant.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(other_tenant), Contains("rule_failed"));
  softtee::SnpOptions unmarked = OfTenant(0xa7);
  unmarked.host_data[0] = 'E';
  const v1::Appraisal elsewhere = Appraise(unmarked);
  EXPECT_EQ(elsewhere.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(elsewhere), Contains("platform_unrecognised"));
  EXPECT_EQ(elsewhere.claims_size(), 0);
  softtee::SnpOptions debugged = OfTenant(0xa7);
  debugged.fault = softtee::Fault::kDebug;
  EXPECT_THAT(Reasons(Appraise(debugged)), Contains("debug_enabled")) << "what the format judges comes with it";
}

TEST(ExampleCloud, StandsInTheTableOfClouds) {
  const WithExample with;
  bool found = false;
  for (const v1::Cloud& cloud : appraisal::CloudsTable(with.registry)) {
    found |= cloud.name() == "example" && cloud.platforms(0).name() == "example_cloud";
  }
  EXPECT_TRUE(found);
}

// Every block of the walk-through that names a file stands in it, letter by letter.
TEST(ExampleCloud, TheWalkThroughShowsWhatIsTested) {
  const std::string page = FileText("docs/new-platform.md");
  int blocks = 0;
  for (std::size_t at = page.find("\n```"); at != std::string::npos;) {
    const std::size_t line = page.find('\n', at + 1), end = page.find("\n```", line);
    ASSERT_NE(end, std::string::npos);
    const std::string info = page.substr(at + 4, line - at - 4), body = page.substr(line + 1, end - line);
    if (const std::size_t space = info.find(' '); space != std::string::npos) {
      ++blocks;
      EXPECT_THAT(FileText(info.substr(space + 1)), HasSubstr(body)) << info;
    }
    at = page.find("\n```", end + 4);
  }
  EXPECT_GE(blocks, 4);
}

}  // namespace
}  // namespace assay::example_cloud

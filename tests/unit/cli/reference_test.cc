// docs/reasons.md and docs/claims.md are what this build generates.
#include "client/cli/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "client/cli/clouds.h"
#include "registry/builtin_registry.h"
#include "tests/places/places.h"

namespace assay::cli {
namespace {

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Reference, ReasonsPageIsUpToDate) {
  EXPECT_TRUE(FileText(test::SourceDir() + "/docs/reasons.md") == ReasonsMarkdown()) << "run: assay docs reasons > docs/reasons.md";
}

TEST(Reference, ClaimsPageIsUpToDate) {
  EXPECT_TRUE(FileText(test::SourceDir() + "/docs/claims.md") == ClaimsMarkdown(BuiltinRegistry()))
      << "run: assay docs claims > docs/claims.md";
}

TEST(Reference, CloudsPageIsUpToDate) {
  EXPECT_TRUE(FileText(test::SourceDir() + "/docs/clouds.md") == CloudsMarkdown(BuiltinRegistry()))
      << "run: assay docs clouds > docs/clouds.md";
}

TEST(Clouds, WhatAFleetShowsStandsInTheTable) {
  v1::Cloud cloud;
  cloud.set_name("azure");
  cloud.set_title("Azure");
  v1::CloudPlatform& platform = *cloud.add_platforms();
  platform.set_name("azure_sev_snp");
  platform.set_strength_at_best(v1::STRENGTH_B);
  platform.set_trusted_at_best("AMD, Microsoft");
  const auto text = [&] {
    std::ostringstream out, err;
    const SystemClock clock;
    EXPECT_EQ(PrintClouds({cloud}, OutputFormat::kTable, {out, err, Style(false), clock, BuiltinRegistry(), ""}), ExitCode::kOk);
    return out.str();
  };
  EXPECT_EQ(text().find("last day"), std::string::npos) << "nobody was asked: " << text();
  v1::VerdictCount& count = *platform.mutable_last_day()->add_counts();
  count.set_verdict(v1::VERDICT_TRUSTED);
  count.set_strength(v1::STRENGTH_B);
  count.set_count(118);
  platform.mutable_last_day()->mutable_latest_boundary()->add_features("memory_encryption");
  EXPECT_NE(text().find("118 TRUSTED at B"), std::string::npos) << text();
  EXPECT_NE(text().find("memory_encryption  AMD, Microsoft"), std::string::npos) << text();
  platform.mutable_last_day()->Clear();
  EXPECT_NE(text().find("no verdicts"), std::string::npos) << text();
}

TEST(Reference, ReasonsPageHasEveryReasonAndCheckOnce) {
  const std::string page = ReasonsMarkdown();
  const auto count = [&](std::string_view text) {
    std::size_t found = 0;
    for (std::size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("| `length_wrong` |"), 1U);
  EXPECT_EQ(count("| `store_unavailable` |"), 1U);
  EXPECT_EQ(count("| `snp.hwid` |"), 1U);
}

}  // namespace
}  // namespace assay::cli

// docs/reasons.md and docs/claims.md are what this build generates.
#include "client/cli/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "registry/builtin_registry.h"

namespace assay::cli {
namespace {

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Reference, ReasonsPageIsUpToDate) {
  EXPECT_TRUE(FileText(ASSAY_SOURCE_DIR "/docs/reasons.md") == ReasonsMarkdown()) << "run: assay docs reasons > docs/reasons.md";
}

TEST(Reference, ClaimsPageIsUpToDate) {
  EXPECT_TRUE(FileText(ASSAY_SOURCE_DIR "/docs/claims.md") == ClaimsMarkdown(BuiltinRegistry())) << "run: assay docs claims > docs/claims.md";
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

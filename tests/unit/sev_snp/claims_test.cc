#include "evidence/sev_snp/claims.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "tests/places/places.h"

namespace assay::sev_snp {
namespace {

// The folder's README is where people look up what a policy must appraise; the loader reads the table. They must agree.
TEST(SnpClaimsTest, ReadmeListsWhatMustBeAppraised) {
  std::ifstream file(test::SourceDir() + "/server/evidence/sev_snp/README.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string readme = text.str();
  const std::string begin = "<!-- must-appraise: begin -->\n";
  const auto from = readme.find(begin);
  const auto to = readme.find("<!-- must-appraise: end -->");
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  std::string expected;
  for (const evidence::ClaimSpec& claim : ClaimTable()) {
    if (claim.duty == evidence::Duty::kOptional) continue;
    expected += Cat("- ", claim.name, claim.duty == evidence::Duty::kMustOrWaive ? " (waivable)" : "", "\n");
  }
  EXPECT_EQ(readme.substr(from + begin.size(), to - from - begin.size()), expected);
}

TEST(SnpClaimsTest, TableIsSortedUniqueAndDescribed) {
  const auto claims = ClaimTable();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    EXPECT_TRUE(claims[i].name.starts_with("snp."));
    EXPECT_FALSE(claims[i].meaning.empty());
    if (i > 0) { EXPECT_LT(claims[i - 1].name, claims[i].name); }
  }
}

}  // namespace
}  // namespace assay::sev_snp

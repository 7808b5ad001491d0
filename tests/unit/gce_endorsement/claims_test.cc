// README.md and the claim table name the same claims that a policy must appraise.
#include "evidence/gce_endorsement/claims.h"

#include <gtest/gtest.h>

#include <string>

#include "base/files.h"
#include "base/strings.h"
#include "tests/places/places.h"

namespace assay::gce_endorsement {
namespace {

TEST(GceEndorsementClaims, NoneHasToBeAppraisedAndTheReadmeSaysSo) {
  std::string listed;
  for (const evidence::ClaimSpec& claim : ClaimTable()) {
    EXPECT_TRUE(claim.name.starts_with("gce.firmware_")) << claim.name;
    EXPECT_FALSE(claim.meaning.empty()) << claim.name;
    if (claim.duty != evidence::Duty::kOptional) listed += Cat("- ", claim.name, "\n");
  }
  const auto readme = ReadFile("README", Cat(test::SourceDir(), "/server/evidence/gce_endorsement/README.md"));
  ASSERT_TRUE(readme.ok());
  EXPECT_NE(AsText(*readme).find(Cat("<!-- must-appraise: begin -->\n", listed, "<!-- must-appraise: end -->")), std::string_view::npos);
}

}  // namespace
}  // namespace assay::gce_endorsement

#include "evidence/dcap/claims.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "evidence/dcap/tcb_documents.h"
#include "tests/places/places.h"

namespace assay::dcap {
namespace {

// The folder's README is where people look up what a policy must appraise; the loader reads the table. They must agree.
TEST(DcapClaims, ReadmeListsWhatMustBeAppraised) {
  std::ifstream file(test::SourceDir() + "/server/evidence/dcap/README.md");
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

TEST(DcapClaims, TableIsSortedUniqueAndDescribed) {
  const auto claims = ClaimTable();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    EXPECT_TRUE(claims[i].name.starts_with("dcap."));
    EXPECT_FALSE(claims[i].meaning.empty());
    if (i > 0) { EXPECT_LT(claims[i - 1].name, claims[i].name); }
  }
}

// Rules name statuses by their text: the table has each that evaluation can give, and no other.
TEST(DcapClaims, StatusesAreThoseOfTheEvaluation) {
  std::set<std::string_view> given, never;
  for (int status = 0; status <= static_cast<int>(TcbStatus::kNotSupported); ++status) given.insert(NameOf(static_cast<TcbStatus>(status)));
  for (const evidence::ClaimSpec& claim : ClaimTable()) {
    EXPECT_EQ(claim.type == evidence::ClaimType::kStatus, !claim.statuses.empty()) << claim.name;
    EXPECT_EQ(claim.type == evidence::ClaimType::kStatus, claim.name.ends_with("_status")) << claim.name;
    std::set<std::string_view> listed;
    for (const evidence::StatusSpec& status : claim.statuses) {
      EXPECT_TRUE(listed.insert(status.name).second) << status.name;
      if (status.never) never.insert(status.name);
    }
    if (!claim.statuses.empty()) { EXPECT_EQ(listed, given) << claim.name; }
  }
  EXPECT_EQ(never, (std::set<std::string_view>{"NotSupported", "Revoked"}));
}

TEST(DcapClaims, AtMostIsAnOrderInWhichNothingIsAtMostWhatNeverPasses) {
  const auto table = ClaimTable();
  const auto claim = std::find_if(table.begin(), table.end(), [](const evidence::ClaimSpec& one) { return one.name == "dcap.tcb_status"; });
  for (const evidence::StatusSpec& a : claim->statuses) {
    EXPECT_EQ(evidence::AtMost(a, a), !a.never) << a.name;
    for (const evidence::StatusSpec& b : claim->statuses) {
      EXPECT_FALSE((a.never || b.never) && evidence::AtMost(a, b)) << a.name << " " << b.name;
      EXPECT_FALSE(a.name != b.name && evidence::AtMost(a, b) && evidence::AtMost(b, a)) << a.name << " " << b.name;
      for (const evidence::StatusSpec& c : claim->statuses) {
        EXPECT_FALSE(evidence::AtMost(a, b) && evidence::AtMost(b, c) && !evidence::AtMost(a, c)) << a.name << " " << c.name;
      }
    }
  }
}

}  // namespace
}  // namespace assay::dcap

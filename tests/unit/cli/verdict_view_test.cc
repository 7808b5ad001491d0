#include "client/cli/verdict_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Style kPlain(false);

v1::Appraisal Rejected(std::initializer_list<std::pair<v1::Stage, v1::Effect>> findings) {
  v1::Appraisal appraisal;
  appraisal.set_verdict(v1::VERDICT_REJECTED);
  for (const auto& [stage, effect] : findings) {
    v1::Finding* finding = appraisal.add_findings();
    finding->set_stage(stage);
    finding->set_effect(effect);
  }
  return appraisal;
}

TEST(Badge, IsWordsAlways) {
  const struct {
    v1::Verdict verdict;
    bool simulated;
    std::string_view badge;
  } cases[] = {
      {v1::VERDICT_TRUSTED, false, "TRUSTED"},
      {v1::VERDICT_TRUSTED, true, "TRUSTED (simulated)"},
      {v1::VERDICT_TRUSTED_WITH_WARNINGS, false, "TRUSTED WITH WARNINGS"},
      {v1::VERDICT_TRUSTED_WITH_WARNINGS, true, "TRUSTED WITH WARNINGS (simulated)"},
      {v1::VERDICT_REJECTED, false, "REJECTED"},
      {v1::VERDICT_INDETERMINATE, true, "INDETERMINATE (simulated)"},
      {v1::VERDICT_UNSPECIFIED, false, "REJECTED"},  // never produced; and if it were, never trusted
  };
  for (const auto& c : cases) {
    v1::Appraisal appraisal;
    appraisal.set_verdict(c.verdict);
    appraisal.set_simulated(c.simulated);
    EXPECT_EQ(Badge(appraisal), c.badge);
  }
}

TEST(ExitCodeOf, Verdicts) {
  v1::Appraisal appraisal;
  EXPECT_EQ(ExitCodeOf(appraisal), ExitCode::kNotTrusted);
  appraisal.set_verdict(v1::VERDICT_TRUSTED);
  EXPECT_EQ(ExitCodeOf(appraisal), ExitCode::kOk);
  appraisal.set_verdict(v1::VERDICT_TRUSTED_WITH_WARNINGS);
  EXPECT_EQ(ExitCodeOf(appraisal), ExitCode::kOk);
  appraisal.set_verdict(v1::VERDICT_INDETERMINATE);
  EXPECT_EQ(ExitCodeOf(appraisal), ExitCode::kIndeterminate);
}

TEST(ExitCodeOf, MalformedOnlyIfParsingRejects) {
  EXPECT_EQ(ExitCodeOf(Rejected({{v1::STAGE_AUTHENTICATE, v1::EFFECT_REJECT}})), ExitCode::kNotTrusted);
  EXPECT_EQ(ExitCodeOf(Rejected({{v1::STAGE_PARSE, v1::EFFECT_REJECT}})), ExitCode::kMalformed);
  EXPECT_EQ(ExitCodeOf(Rejected({{v1::STAGE_APPRAISE, v1::EFFECT_REJECT}, {v1::STAGE_PARSE, v1::EFFECT_REJECT}})), ExitCode::kMalformed);
  EXPECT_EQ(ExitCodeOf(Rejected({{v1::STAGE_PARSE, v1::EFFECT_NOTE}, {v1::STAGE_APPRAISE, v1::EFFECT_REJECT}})), ExitCode::kNotTrusted);
}

TEST(VerdictText, ReadsFromTheTop) {
  v1::Appraisal appraisal;
  appraisal.set_verdict(v1::VERDICT_REJECTED);
  appraisal.set_authenticity(v1::AUTHENTICITY_AUTHENTIC);
  appraisal.set_platform("qemu_sev_snp");
  appraisal.set_policy("prod");
  appraisal.set_strength(v1::STRENGTH_C);
  appraisal.set_freshness(v1::FRESHNESS_PROVEN);
  appraisal.mutable_appraised_at()->set_seconds(1795485600);
  appraisal.mutable_trust_boundary()->add_trusted_parties("AMD");
  appraisal.mutable_trust_boundary()->add_not_proven("what runs after boot");
  v1::Finding* finding = appraisal.add_findings();
  finding->set_reason("tcb_below_floor");
  finding->set_code(3011);
  finding->set_effect(v1::EFFECT_REJECT);
  finding->set_claim("snp.reported_tcb");
  finding->set_expected("snp 24");
  finding->set_actual("snp 8");
  finding->set_remedy("Update the host.");
  EXPECT_EQ(VerdictText(appraisal, {false, "inferred from the evidence", "shipped"}, kPlain),
            "REJECTED\n"
            "authentication  authentic\n"
            "platform        qemu_sev_snp  (inferred from the evidence)\n"
            "policy          prod  (shipped)\n"
            "strength        C  hardware report, but the boot state is not covered\n"
            "freshness       proven: the evidence answers this challenge\n"
            "appraised at    2026-11-24T02:00:00Z\n"
            "valid until     never: rely on no part of this\n"
            "\n"
            "trust boundary\n"
            "  must trust    AMD\n"
            "  not proven    what runs after boot\n"
            "\n"
            "findings\n"
            "  rejected  tcb_below_floor (3011)\n"
            "            where     snp.reported_tcb\n"
            "            expected  snp 24\n"
            "            actual    snp 8\n"
            "            remedy    Update the host.\n");
}

TEST(VerdictText, ClaimsAndChecksOnlyOnRequest) {
  v1::Appraisal appraisal;
  v1::Claim* claim = appraisal.add_claims();
  claim->set_name("snp.vmpl");
  claim->set_number(0);
  claim->set_component("report");
  v1::Check* check = appraisal.add_checks();
  check->set_name("snp.hwid");
  check->set_result(v1::CHECK_RESULT_SKIPPED);
  EXPECT_THAT(VerdictText(appraisal, {}, kPlain), Not(HasSubstr("snp.")));
  const std::string verbose = VerdictText(appraisal, {.verbose = true}, kPlain);
  EXPECT_THAT(verbose, HasSubstr("  snp.vmpl  0  report\n"));
  EXPECT_THAT(verbose, HasSubstr("  skipped  snp.hwid\n"));
}

// Evidence chooses some of these texts; none of them may drive the terminal or fake a line.
TEST(VerdictText, ForeignTextStaysInItsPlace) {
  v1::Appraisal appraisal;
  v1::Finding* finding = appraisal.add_findings();
  finding->set_actual("\x1b[2J\nTRUSTED");
  v1::Claim* claim = appraisal.add_claims();
  claim->set_text("x\nTRUSTED");
  const std::string text = VerdictText(appraisal, {.verbose = true}, kPlain);
  EXPECT_THAT(text, StartsWith("REJECTED\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nTRUSTED")));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace assay::cli

// Levels and their convergence, on documents written by hand: what no real quote shows (Revoked, relaunch, no level).
#include "evidence/dcap/tcb_status.h"

#include <gtest/gtest.h>

namespace assay::dcap {
namespace {

using enum TcbStatus;

const Time kOld = *ParseTime("2023-08-09T00:00:00Z");
const Time kNew = *ParseTime("2025-05-14T00:00:00Z");

ByteArray<16> Svn(std::uint8_t first, std::uint8_t second = 0, std::uint8_t third = 0) { return {first, second, third}; }

PlatformLevel Level(std::uint8_t sgx, std::uint8_t tdx, std::uint16_t pce, TcbStatus status) {
  PlatformLevel level;
  level.sgx_components.fill(sgx);
  level.tdx_components = Svn(tdx, 0, tdx);
  level.pce_svn = pce;
  level.verdict = {status, kNew, {}};
  return level;
}

struct Setting {
  TcbInfo info;
  QeIdentity identity;
  TcbSubject subject{};

  Setting() {
    info.tee = Tee::kTdx;
    info.levels = {Level(5, 5, 13, kUpToDate), Level(3, 3, 11, kOutOfDate)};
    TdxModule module;
    module.id = "TDX_01";
    module.levels = {{6, {kUpToDate, kNew, {}}}, {4, {kOutOfDate, kOld, {"INTEL-SA-2", "INTEL-SA-1"}}}, {2, {kRevoked, kOld, {}}}};
    info.modules = {module};
    identity.levels = {{4, {kUpToDate, kNew, {}}}, {2, {kOutOfDate, kOld, {"INTEL-SA-1"}}}};
    subject.pck_components.fill(5);
    subject.pce_svn = 13;
    subject.qe_isv_svn = 4;
    subject.tee_tcb_svn = Svn(6, 1, 5);
  }
  TcbStatus Status() const { return Evaluate(info, identity, subject).status; }
};

TEST(TcbStatusTest, EveryComponentCounts) {
  EXPECT_EQ(Setting().Status(), kUpToDate);
  for (std::size_t i = 0; i < 16; ++i) {
    Setting setting;
    setting.subject.pck_components[i] = 4;
    EXPECT_EQ(setting.Status(), kOutOfDate) << i;
    setting.subject.pck_components[i] = 2;
    EXPECT_EQ(setting.Status(), kNotSupported) << i;
  }
  Setting pce;
  pce.subject.pce_svn = 12;
  EXPECT_EQ(pce.Status(), kOutOfDate);
  pce.subject.pce_svn = 10;
  EXPECT_EQ(pce.Status(), kNotSupported);
  Setting tdx;
  tdx.subject.tee_tcb_svn = Svn(6, 1, 4);
  EXPECT_EQ(tdx.Status(), kOutOfDate);
}

TEST(TcbStatusTest, FirstTwoTdxComponentsBelongToTheModuleFromVersion1_5On) {
  Setting setting;
  setting.info.levels.front().tdx_components = {255, 255, 5};
  EXPECT_EQ(setting.Status(), kUpToDate);
  // Before that they are the platform's, and there is no module to judge.
  setting.subject.tee_tcb_svn = Svn(6, 0, 5);
  EXPECT_EQ(setting.Status(), kOutOfDate);
  EXPECT_FALSE(Evaluate(setting.info, setting.identity, setting.subject).tdx_module);
  setting.subject.tee_tcb_svn = Svn(2, 0, 5);
  EXPECT_EQ(setting.Status(), kNotSupported);
}

TEST(TcbStatusTest, EveryPartNeedsALevel) {
  Setting module;
  module.subject.tee_tcb_svn = Svn(1, 1, 5);
  EXPECT_EQ(module.Status(), kNotSupported);
  module.subject.tee_tcb_svn = Svn(6, 3, 5);  // no TDX_03
  EXPECT_EQ(module.Status(), kNotSupported);
  Setting qe;
  qe.subject.qe_isv_svn = 1;
  const TcbEvaluation evaluation = Evaluate(qe.info, qe.identity, qe.subject);
  EXPECT_EQ(evaluation.status, kNotSupported);
  EXPECT_FALSE(evaluation.platform || evaluation.qe || evaluation.tdx_module);
}

TEST(TcbStatusTest, TheModuleAndTheQuotingEnclaveDragThePlatformDown) {
  struct Row {
    TcbStatus platform, with_out_of_date;
  };
  for (const Row& row : {Row{kUpToDate, kOutOfDate}, Row{kSwHardeningNeeded, kOutOfDate}, Row{kConfigurationNeeded, kOutOfDateConfigurationNeeded},
                         Row{kConfigurationAndSwHardeningNeeded, kOutOfDateConfigurationNeeded}, Row{kOutOfDate, kOutOfDate},
                         Row{kOutOfDateConfigurationNeeded, kOutOfDateConfigurationNeeded}, Row{kRevoked, kRevoked}}) {
    Setting setting;
    setting.info.levels.front().verdict.status = row.platform;
    EXPECT_EQ(setting.Status(), row.platform);
    setting.subject.tee_tcb_svn = Svn(5, 1, 5);
    EXPECT_EQ(setting.Status(), row.with_out_of_date);
    setting.subject.tee_tcb_svn = Svn(2, 1, 5);
    EXPECT_EQ(setting.Status(), kRevoked);
    setting.subject.tee_tcb_svn = Svn(6, 1, 5);
    setting.subject.qe_isv_svn = 3;
    EXPECT_EQ(setting.Status(), row.with_out_of_date);
  }
}

// A peer took the module's level in place of the platform's: an outdated platform passed.
TEST(TcbStatusTest, AnUpToDateModuleDoesNotLiftThePlatform) {
  Setting setting;
  setting.subject.pck_components.fill(3);
  EXPECT_EQ(setting.Status(), kOutOfDate);
}

TEST(TcbStatusTest, DateIsTheOldestAndAdvisoriesAreThoseOfAllParts) {
  Setting setting;
  setting.subject.tee_tcb_svn = Svn(4, 1, 5);
  setting.subject.qe_isv_svn = 2;
  setting.info.levels.front().verdict.advisory_ids = {"INTEL-SA-3"};
  const TcbEvaluation evaluation = Evaluate(setting.info, setting.identity, setting.subject);
  EXPECT_EQ(evaluation.date, kOld);
  EXPECT_EQ(evaluation.advisory_ids, (std::vector<std::string>{"INTEL-SA-1", "INTEL-SA-2", "INTEL-SA-3"}));
}

TEST(TcbStatusTest, AModuleUpdatedUnderTheTdAdvisesRelaunch) {
  Setting setting;
  setting.subject.tee_tcb_svn = Svn(4, 1, 5);
  setting.subject.tee_tcb_svn2 = Svn(4, 1, 5);
  EXPECT_EQ(setting.Status(), kOutOfDate);
  setting.subject.tee_tcb_svn2 = Svn(6, 1, 5);
  EXPECT_EQ(setting.Status(), kTdRelaunchAdvised);
  setting.info.levels.front().verdict.status = kConfigurationNeeded;
  EXPECT_EQ(setting.Status(), kTdRelaunchAdvisedConfigurationNeeded);
  setting.subject.tee_tcb_svn2 = Svn(2, 1, 5);
  EXPECT_EQ(setting.Status(), kRevoked);
  setting.subject.tee_tcb_svn2 = Svn(1, 1, 5);
  EXPECT_EQ(setting.Status(), kNotSupported);
  Setting launched_well;
  launched_well.subject.tee_tcb_svn2 = Svn(6, 1, 5);
  EXPECT_EQ(launched_well.Status(), kUpToDate);
}

TEST(TcbStatusTest, ModuleIdsAreTwoUpperCaseDigits) {
  EXPECT_EQ(ModuleId(Svn(6, 0)), "");
  EXPECT_EQ(ModuleId(Svn(6, 3)), "TDX_03");
  EXPECT_EQ(ModuleId(Svn(6, 0x0A)), "TDX_0A");
  EXPECT_EQ(ModuleId(Svn(6, 0xFF)), "TDX_FF");
}

}  // namespace
}  // namespace assay::dcap

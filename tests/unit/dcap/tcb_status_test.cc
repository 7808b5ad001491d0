// Levels and their convergence, on documents written by hand: what no real quote shows (Revoked, relaunch, no level).
#include "evidence/dcap/tcb_status.h"

#include <gtest/gtest.h>

#include <string>

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
  for (const Row& row :
       {Row{kUpToDate, kOutOfDate}, Row{kSwHardeningNeeded, kOutOfDate}, Row{kConfigurationNeeded, kOutOfDateConfigurationNeeded},
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

// --- why ---

std::string Why(const Setting& setting) { return ShortfallOf(setting.info, setting.identity, setting.subject); }

TEST(TcbShortfallTest, NamesTheComponentAndWhatTheLevelDemands) {
  EXPECT_EQ(Why(Setting()), "");
  Setting setting;
  setting.subject.pck_components[3] = 4;
  EXPECT_EQ(Why(setting), "sgxtcbcomponents[3] is 4, UpToDate of 2025-05-14 demands 5");
  setting.subject.pck_components[3] = 5;
  setting.subject.pce_svn = 12;
  EXPECT_EQ(Why(setting), "pcesvn is 12, UpToDate of 2025-05-14 demands 13");
  setting.subject.pce_svn = 13;
  setting.subject.tee_tcb_svn = Svn(6, 1, 4);
  EXPECT_EQ(Why(setting), "tdxtcbcomponents[2] is 4, UpToDate of 2025-05-14 demands 5");
  setting.subject.tee_tcb_svn = Svn(5, 1, 5);
  EXPECT_EQ(Why(setting), "TDX module TDX_01 isvsvn is 5, UpToDate of 2025-05-14 demands 6; advisories INTEL-SA-1, INTEL-SA-2");
  setting.subject.tee_tcb_svn = Svn(6, 1, 5);
  setting.subject.qe_isv_svn = 3;
  EXPECT_EQ(Why(setting), "QE isvsvn is 3, UpToDate of 2025-05-14 demands 4; advisories INTEL-SA-1");
}

TEST(TcbShortfallTest, NotSupportedSaysWhatHasNoLevel) {
  Setting platform;
  platform.subject.pck_components[0] = 2;
  EXPECT_EQ(Why(platform), "sgxtcbcomponents[0] is 2, UpToDate of 2025-05-14 demands 5");
  Setting module;
  module.subject.tee_tcb_svn = Svn(6, 3, 5);
  EXPECT_EQ(Why(module), "no identity of TDX module TDX_03");
  module.subject.tee_tcb_svn = Svn(1, 1, 5);
  EXPECT_EQ(Why(module), "TDX module TDX_01 isvsvn is 1, UpToDate of 2025-05-14 demands 6");
  Setting qe;
  qe.subject.qe_isv_svn = 1;
  EXPECT_EQ(Why(qe), "QE isvsvn is 1, UpToDate of 2025-05-14 demands 4");
}

TEST(TcbShortfallTest, WhereNothingFallsShortTheLevelIsNamed) {
  Setting setting;
  setting.info.levels.front().verdict = {kSwHardeningNeeded, kNew, {"INTEL-SA-9"}};
  setting.info.levels.pop_back();
  EXPECT_EQ(Why(setting), "the level of the platform, of 2025-05-14, is SWHardeningNeeded; advisories INTEL-SA-9");
  // Of two levels that are UpToDate the lesser is what is demanded.
  setting.info.levels = {Level(9, 9, 13, kUpToDate), Level(5, 5, 13, kUpToDate), Level(3, 3, 11, kOutOfDate)};
  setting.subject.pck_components[15] = 4;
  EXPECT_EQ(Why(setting), "sgxtcbcomponents[15] is 4, UpToDate of 2025-05-14 demands 5");
}

TEST(TcbShortfallTest, TellsTheModuleAtLaunchFromTheOneNow) {
  Setting setting;
  setting.subject.tee_tcb_svn = Svn(4, 1, 5);
  setting.subject.tee_tcb_svn2 = Svn(6, 1, 5);
  EXPECT_EQ(setting.Status(), kTdRelaunchAdvised);
  EXPECT_EQ(Why(setting), "TDX module TDX_01 isvsvn is 4, UpToDate of 2025-05-14 demands 6; advisories INTEL-SA-1, INTEL-SA-2");
  setting.subject.tee_tcb_svn = Svn(6, 1, 5);
  setting.subject.tee_tcb_svn2 = Svn(2, 1, 5);
  EXPECT_EQ(setting.Status(), kRevoked);
  EXPECT_EQ(Why(setting), "now: TDX module TDX_01 isvsvn is 2, UpToDate of 2025-05-14 demands 6");
}

TEST(TcbShortfallTest, IsBoundedAndPrintable) {
  Setting setting;
  setting.subject.pck_components.fill(3);
  setting.subject.tee_tcb_svn = Svn(4, 1, 3);
  setting.subject.qe_isv_svn = 2;
  setting.info.levels.back().verdict.advisory_ids.assign(200, "INTEL-SA-\x1b[31m");
  for (std::size_t i = 0; i < 200; ++i) setting.info.levels.back().verdict.advisory_ids[i] += std::to_string(i);
  const std::string why = Why(setting);
  EXPECT_LE(why.size(), kMaxShortfall + 32);
  EXPECT_EQ(why.find('\x1b'), std::string::npos);
  EXPECT_NE(why.find("sgxtcbcomponents[0] is 3"), std::string::npos);
  EXPECT_NE(why.find(" more; advisories"), std::string::npos) << why;
}

// --- the TCB under which a TD was initialised ---

TEST(TcbInitialTest, TheWholeIsNeverBetter) {
  const auto with = [](std::uint8_t components, const ByteArray<16>& svn) {
    Setting setting;
    setting.subject.initial = TcbSubject::Initial{.components = {}, .tee_tcb_svn = svn};
    setting.subject.initial->components.fill(components);
    return setting;
  };
  EXPECT_EQ(with(5, Svn(6, 1, 5)).Status(), kUpToDate);
  const Setting old = with(3, Svn(6, 1, 5));
  EXPECT_EQ(old.Status(), kOutOfDate);
  EXPECT_EQ(Evaluate(old.info, old.identity, old.subject).initial, kOutOfDate);
  EXPECT_EQ(Evaluate(old.info, old.identity, old.subject).platform, kUpToDate);
  EXPECT_TRUE(Why(old).starts_with("when initialised: sgxtcbcomponents[0] is 3, UpToDate of 2025-05-14 demands 5; ")) << Why(old);
  EXPECT_EQ(with(5, Svn(4, 1, 5)).Status(), kOutOfDate);
  EXPECT_EQ(with(5, Svn(2, 1, 5)).Status(), kRevoked);
  // A better one then lifts nothing now.
  Setting now = with(5, Svn(6, 1, 5));
  now.subject.pck_components.fill(3);
  EXPECT_EQ(now.Status(), kOutOfDate);
  now.subject.pck_components.fill(2);
  EXPECT_EQ(now.Status(), kNotSupported);
  // What no level knows is not evaluated, and does not change the status: the caller must not trust it.
  for (const Setting& unknown : {with(2, Svn(6, 1, 5)), with(5, Svn(6, 3, 5)), with(5, Svn(1, 1, 5)), with(0, Svn(0))}) {
    EXPECT_FALSE(Evaluate(unknown.info, unknown.identity, unknown.subject).initial);
    EXPECT_EQ(unknown.Status(), kUpToDate);
  }
}

TEST(TcbInitialTest, TwoComplaintsMakeTheStatusThatHasBoth) {
  struct Row {
    TcbStatus here, initial, whole;
  };
  for (const Row& row : {Row{kUpToDate, kSwHardeningNeeded, kSwHardeningNeeded}, Row{kUpToDate, kConfigurationNeeded, kConfigurationNeeded},
                         Row{kSwHardeningNeeded, kConfigurationNeeded, kConfigurationAndSwHardeningNeeded},
                         Row{kConfigurationNeeded, kOutOfDate, kOutOfDateConfigurationNeeded}, Row{kOutOfDate, kUpToDate, kOutOfDate},
                         Row{kOutOfDate, kConfigurationNeeded, kOutOfDateConfigurationNeeded}, Row{kUpToDate, kRevoked, kRevoked},
                         Row{kRevoked, kUpToDate, kRevoked}}) {
    Setting setting;
    setting.info.levels = {Level(5, 5, 13, row.here), Level(3, 3, 11, row.initial)};
    setting.subject.initial = TcbSubject::Initial{.components = {}, .tee_tcb_svn = Svn(6, 1, 5)};
    setting.subject.initial->components.fill(4);
    EXPECT_EQ(setting.Status(), row.whole) << NameOf(row.here) << " " << NameOf(row.initial);
  }
  Setting relaunch;
  relaunch.info.levels = {Level(5, 5, 13, kUpToDate), Level(3, 3, 11, kConfigurationNeeded)};
  relaunch.subject.tee_tcb_svn = Svn(4, 1, 5);
  relaunch.subject.tee_tcb_svn2 = Svn(6, 1, 5);
  relaunch.subject.initial = TcbSubject::Initial{.components = {}, .tee_tcb_svn = Svn(6, 1, 5)};
  relaunch.subject.initial->components.fill(4);
  EXPECT_EQ(relaunch.Status(), kTdRelaunchAdvisedConfigurationNeeded);
}

TEST(TcbStatusTest, ModuleIdsAreTwoUpperCaseDigits) {
  EXPECT_EQ(ModuleId(Svn(6, 0)), "");
  EXPECT_EQ(ModuleId(Svn(6, 3)), "TDX_03");
  EXPECT_EQ(ModuleId(Svn(6, 0x0A)), "TDX_0A");
  EXPECT_EQ(ModuleId(Svn(6, 0xFF)), "TDX_FF");
}

}  // namespace
}  // namespace assay::dcap

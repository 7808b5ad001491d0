// A TPM's log is believed exactly as far as it replays to PCRs that something signs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/unit/tcg_log/bound_pcrs.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::tcg_log {
namespace {

using test::BindPcrs;
using test::Measured;
using test::PcrValues;
using test::PlainEvent;
using test::PlainLog;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

PcrValues Banks(const PlainLog& log, const std::vector<std::uint16_t>& algorithms = {4, 11, 12}) {
  PcrValues values;
  for (const std::uint16_t algorithm : algorithms) values[algorithm] = log.Pcrs(algorithm);
  return values;
}

const Finding* FindingOf(const CheckLog& log, Reason reason) {
  for (const Finding& finding : log.findings()) {
    if (finding.reason == reason) return &finding;
  }
  return nullptr;
}

std::string TextOf(const test::BoundLog& bound, std::string_view claim) {
  const auto* text = bound.bundle.claims().Get<std::string>(claim);
  return text == nullptr ? "absent" : *text;
}
std::vector<std::string> NamesOf(const test::BoundLog& bound, std::string_view claim) {
  const auto* names = bound.bundle.claims().Get<trust::Names>(claim);
  return names == nullptr ? std::vector<std::string>{"absent"} : names->names;
}

PlainEvent Locality(std::uint8_t locality) {
  std::string data("StartupLocality\0", 16);
  data += static_cast<char>(locality);
  return Measured(0, 3, data);
}

TEST(PcrAuthenticate, HangsOnWhatContainsThePcrs) {
  CheckLog log;
  const auto bound = BindPcrs(test::PcrLog().Write(), Banks(test::PcrLog()), log);
  ASSERT_TRUE(bound);
  EXPECT_TRUE(log.findings().empty());
  ASSERT_EQ(bound->bundle.parts().size(), 3U);
  EXPECT_EQ(bound->bundle.parts()[2].component, "event-log");
  EXPECT_EQ(bound->bundle.parts()[2].authenticated_by, "commitment");
  EXPECT_EQ(bound->bundle.parts()[2].vouched_by, "pcr-sheet");
  EXPECT_THAT(NamesOf(*bound, "log.unlogged_pcrs"), ElementsAre());
}

TEST(PcrAuthenticate, EveryPcrOfEveryBankMustBeEqual) {
  for (const std::uint16_t algorithm : std::vector<std::uint16_t>{4, 11, 12}) {
    for (const std::uint32_t index : {0U, 4U, 5U, 7U, 8U, 9U, 14U}) {
      for (const bool last : {false, true}) {
        PcrValues values = Banks(test::PcrLog());
        (last ? values[algorithm][index].back() : values[algorithm][index].front()) ^= 1;
        CheckLog log;
        EXPECT_FALSE(BindPcrs(test::PcrLog().Write(), values, log));
        const Finding* finding = FindingOf(log, Reason::kEventLogMismatch);
        ASSERT_NE(finding, nullptr) << index;
        EXPECT_EQ(finding->claim, Cat("PCR ", index, " ", ShowAlgorithm(algorithm)));
        EXPECT_THAT(finding->expected, HasSubstr("as signed"));
      }
    }
  }
}

TEST(PcrAuthenticate, Attack030_EveryEventCounts) {
  const PlainLog whole = test::PcrLog();
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    PlainLog without = whole, twice = whole, unmeasured = whole, elsewhere = whole;
    without.events.erase(without.events.begin() + static_cast<std::ptrdiff_t>(i));
    twice.events.insert(twice.events.begin() + static_cast<std::ptrdiff_t>(i), whole.events[i]);
    unmeasured.events[i].type = 3;
    elsewhere.events[i].index = whole.events[i].index == 4 ? 5 : 4;
    for (const PlainLog& told : {without, twice, unmeasured, elsewhere}) {
      CheckLog log;
      const auto bound = BindPcrs(told.Write(), Banks(whole), log);
      // The only event of its PCR: without it nothing is told of that PCR, and that is told.
      if (bound) EXPECT_THAT(NamesOf(*bound, "log.unlogged_pcrs"), ElementsAre(Cat("pcr", whole.events[i].index))) << i;
      else EXPECT_NE(FindingOf(log, Reason::kEventLogMismatch), nullptr) << i;
      EXPECT_FALSE(bound && whole.events[i].index != 14) << i;
    }
  }
}

TEST(PcrAuthenticate, SwappedEventsOfOnePcrDoNotReplay) {
  PlainLog told = test::PcrLog();
  std::swap(told.events[test::kPcrShim], told.events[test::kPcrGrub]);
  CheckLog log;
  EXPECT_FALSE(BindPcrs(told.Write(), Banks(test::PcrLog()), log));
  EXPECT_NE(FindingOf(log, Reason::kEventLogMismatch), nullptr);
  // Order among different PCRs is covered by nothing.
  told = test::PcrLog();
  std::swap(told.events[test::kPcrGpt], told.events[test::kDbAuthority]);
  CheckLog quiet;
  EXPECT_TRUE(BindPcrs(told.Write(), Banks(test::PcrLog()), quiet));
}

TEST(PcrAuthenticate, BanksThatTheLogLacksAreNotCompared) {
  PlainLog log = test::PcrLog();
  log.algorithms = {{0x0B, 32}};
  PcrValues values = Banks(log, {11});
  values[12][0] = Bytes(48, 7);
  CheckLog checks;
  const auto bound = BindPcrs(log.Write(), values, checks);
  ASSERT_TRUE(bound);
  EXPECT_EQ(TextOf(*bound, "log.bank"), "sha256");
}

TEST(PcrAuthenticate, ALogWithoutASignedBankIsRefused) {
  PlainLog log = test::PcrLog();
  log.algorithms = {{0x0B, 32}};
  for (const PcrValues& values : {PcrValues{}, Banks(log, {12}), Banks(log, {4, 12}), PcrValues{{11, {}}}}) {
    CheckLog checks;
    EXPECT_FALSE(BindPcrs(log.Write(), values, checks));
    EXPECT_NE(FindingOf(checks, Reason::kLogBankMissing), nullptr);
  }
  // One that this build can't compute is none, though both have it.
  log.algorithms = {{0x12, 32}};
  CheckLog checks;
  EXPECT_FALSE(BindPcrs(log.Write(), {{0x12, {{0, Bytes(32, 0)}}}}, checks));
  EXPECT_NE(FindingOf(checks, Reason::kLogBankMissing), nullptr);
}

TEST(PcrAuthenticate, ClaimsStandOnTheBestKnownBank) {
  for (const auto& [signed_banks, bank] : std::vector<std::pair<std::vector<std::uint16_t>, std::string>>{
           {{4, 11, 12}, "sha256"}, {{4, 12}, "sha384"}, {{4}, "sha1"}, {{12}, "sha384"}}) {
    CheckLog checks;
    const auto bound = BindPcrs(test::PcrLog().Write(), Banks(test::PcrLog(), signed_banks), checks);
    ASSERT_TRUE(bound);
    EXPECT_EQ(TextOf(*bound, "log.bank"), bank);
  }
}

// An event whose digests of two banks are of two things: each bank tells its own, and a claim stands on one of them alone.
TEST(PcrAuthenticate, Attack029_OneBankDoesNotSpeakForAnother) {
  PlainLog log = test::PcrLog();
  log.algorithms = {{0x0B, 32}, {0x0C, 48}};
  PlainLog other = log;
  other.events[test::kPcrSecureBoot] = test::InPcr(7, test::Variable(test::kGlobal, "SecureBoot", std::string_view("\0", 1)));
  const Bytes raw = log.Write();
  Bytes mixed = raw;
  const Bytes good = ToBytes(crypto::Sha256(log.events[test::kPcrSecureBoot].data));
  const Bytes bad = ToBytes(crypto::Sha256(other.events[test::kPcrSecureBoot].data));
  const auto at = std::search(mixed.begin(), mixed.end(), good.begin(), good.end());
  ASSERT_NE(at, mixed.end());
  std::copy(bad.begin(), bad.end(), at);
  CheckLog checks;
  const auto bound = BindPcrs(mixed, {{11, other.Pcrs(11)}, {12, log.Pcrs(12)}}, checks);
  ASSERT_TRUE(bound);
  EXPECT_EQ(TextOf(*bound, "log.secure_boot"), "unknown");
}

TEST(PcrAuthenticate, AnEventOfAPcrThatIsNotSignedIsRefused) {
  for (const std::uint32_t index : {0U, 7U, 14U}) {
    PcrValues values = Banks(test::PcrLog());
    values[11].erase(index);
    CheckLog checks;
    EXPECT_FALSE(BindPcrs(test::PcrLog().Write(), values, checks));
    const Finding* finding = FindingOf(checks, Reason::kEventUncovered);
    ASSERT_NE(finding, nullptr) << index;
    EXPECT_THAT(finding->actual, HasSubstr(Cat("of PCR ", index)));
    EXPECT_THAT(finding->remedy, HasSubstr("Quote every PCR"));
  }
}

TEST(PcrAuthenticate, Attack030_WhatWasExtendedWithoutAnEventIsToldToBeUnlogged) {
  PcrValues values = Banks(test::PcrLog());
  for (const std::uint32_t index : {10U, 15U, 17U, 23U}) values[11][index] = Bytes(32, 0x5A);
  values[11][18] = Bytes(32, 0);  // a dynamic launch took place, and no log says what of
  CheckLog checks;
  const auto bound = BindPcrs(test::PcrLog().Write(), values, checks);
  ASSERT_TRUE(bound);
  EXPECT_THAT(NamesOf(*bound, "log.unlogged_pcrs"), ElementsAre("pcr10", "pcr15", "pcr17", "pcr18", "pcr23"));
}

TEST(PcrAuthenticate, ALogThatSaysNothingHangsOnNothing) {
  PlainLog log = test::PcrLog();
  log.events = {Measured(0, 3, "hint")};
  PcrValues values;
  for (std::uint32_t index = 0; index < 24; ++index) values[11][index] = Bytes(32, 0x5A);
  CheckLog checks;
  EXPECT_FALSE(BindPcrs(log.Write(), values, checks));
  const Finding* finding = FindingOf(checks, Reason::kEventLogMismatch);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->actual, "none");
  // Where no PCR was extended, that is what it says.
  CheckLog quiet;
  EXPECT_TRUE(BindPcrs(log.Write(), Banks(log, {11}), quiet));
}

TEST(PcrAuthenticate, ValuesOfAnotherSizeAreNotEqual) {
  for (const std::size_t size : {0U, 31U, 33U, 48U}) {
    PcrValues values = Banks(test::PcrLog());
    values[11][7].resize(size, 0);
    CheckLog checks;
    EXPECT_FALSE(BindPcrs(test::PcrLog().Write(), values, checks));
    EXPECT_NE(FindingOf(checks, Reason::kEventLogMismatch), nullptr) << size;
  }
}

TEST(PcrAuthenticate, PcrZeroStartsAtTheLocalityThatTheLogTells) {
  for (const std::uint8_t locality : std::vector<std::uint8_t>{0, 3, 4}) {
    PlainLog log = test::PcrLog();
    log.events.insert(log.events.begin(), Locality(locality));
    PcrValues values = Banks(log, {11});
    values[11] = log.Pcrs(11, locality);
    CheckLog checks;
    EXPECT_TRUE(BindPcrs(log.Write(), values, checks)) << locality;
    if (locality == 0) continue;
    CheckLog other;
    EXPECT_FALSE(BindPcrs(log.Write(), Banks(log, {11}), other));
    EXPECT_NE(FindingOf(other, Reason::kEventLogMismatch), nullptr);
  }
}

TEST(PcrAuthenticate, Attack030_ALocalityIsToldOnceAndFirst) {
  struct Told {
    const char* name;
    std::vector<std::pair<std::ptrdiff_t, PlainEvent>> events;
    std::uint8_t signed_locality;
  };
  for (const Told& c : {
           Told{"one that does not exist", {{0, Locality(2)}}, 2},
           Told{"a reserved one", {{0, Locality(0xFF)}}, 0xFF},
           Told{"twice", {{0, Locality(3)}, {0, Locality(3)}}, 3},
           Told{"two of them", {{0, Locality(3)}, {0, Locality(0)}}, 3},
           Told{"behind what it would have changed", {{1, Locality(3)}}, 0},
       }) {
    PlainLog log = test::PcrLog();
    for (const auto& [at, event] : c.events) log.events.insert(log.events.begin() + at, event);
    PcrValues values = Banks(log, {11});
    values[11] = log.Pcrs(11, c.signed_locality);
    CheckLog checks;
    EXPECT_FALSE(BindPcrs(log.Write(), values, checks)) << c.name;
    EXPECT_NE(FindingOf(checks, Reason::kStartupLocalityWrong), nullptr) << c.name;
  }
  // In another PCR, or longer, it is a hint like any other.
  for (PlainEvent event : {test::InPcr(1, Locality(3)), Measured(0, 3, std::string_view("StartupLocality\0\3\0", 18))}) {
    PlainLog log = test::PcrLog();
    log.events.insert(log.events.begin(), event);
    CheckLog checks;
    EXPECT_TRUE(BindPcrs(log.Write(), Banks(log), checks));
  }
}

TEST(PcrAuthenticate, PcrsOfTheDynamicRootStartAtOnes) {
  PlainLog log = test::PcrLog();
  log.events.push_back(Measured(17, 0x0D, "dynamic"));
  log.events.push_back(Measured(16, 0x0D, "debug"));
  log.events.push_back(Measured(23, 0x0D, "application"));
  CheckLog checks;
  EXPECT_TRUE(BindPcrs(log.Write(), Banks(log), checks));
  PcrValues values = Banks(log);
  Bytes from_zero(32, 0);
  Append(from_zero, crypto::Sha256(AsBytes("dynamic")));
  values[11][17] = ToBytes(crypto::Sha256(from_zero));
  CheckLog other;
  EXPECT_FALSE(BindPcrs(log.Write(), values, other));
  EXPECT_NE(FindingOf(other, Reason::kEventLogMismatch), nullptr);
}

// systemd extends PCR 11 on, when the firmware's log has ended.
PcrValues WithPhases(const PlainLog& log, const std::vector<std::string_view>& phases) {
  PlainLog longer = log;
  for (const std::string_view phase : phases) longer.events.push_back(Measured(11, 0x0D, phase));
  return Banks(longer);
}

TEST(PcrAuthenticate, PhasesOfTheBootAreFoundOut) {
  const PlainLog log = test::UkiLog();
  for (const auto& [phases, name] : std::vector<std::pair<std::vector<std::string_view>, std::string>>{
           {{}, ""},
           {{"enter-initrd"}, "enter-initrd"},
           {{"enter-initrd", "leave-initrd", "sysinit", "ready"}, "enter-initrd:leave-initrd:sysinit:ready"},
           {{"sysinit", "ready"}, "sysinit:ready"},
       }) {
    CheckLog checks;
    const auto bound = BindPcrs(log.Write(), WithPhases(log, phases), checks);
    ASSERT_TRUE(bound) << name;
    EXPECT_EQ(TextOf(*bound, "log.boot_phase"), name);
    EXPECT_EQ(*bound->bundle.claims().Get<Bytes>("log.uki"), log.Pcrs(11).at(11));
  }
}

TEST(PcrAuthenticate, WhatIsNoPhaseDoesNotReplay) {
  const PlainLog log = test::UkiLog();
  for (const std::vector<std::string_view>& phases : std::vector<std::vector<std::string_view>>{{"evil"},
                                                                                                {"leave-initrd"},
                                                                                                {"ready"},
                                                                                                {"enter-initrd", "ready"},
                                                                                                {"sysinit", "sysinit"},
                                                                                                {"enter-initrd", "leave-initrd", "evil"}}) {
    CheckLog checks;
    EXPECT_FALSE(BindPcrs(log.Write(), WithPhases(log, phases), checks)) << phases.front();
    EXPECT_NE(FindingOf(checks, Reason::kEventLogMismatch), nullptr);
  }
  // The same phases in every bank; and of a log without such an image none are looked for.
  PcrValues mixed = WithPhases(log, {"enter-initrd"});
  mixed[12] = WithPhases(log, {"sysinit"})[12];
  CheckLog checks;
  EXPECT_FALSE(BindPcrs(log.Write(), mixed, checks));
  CheckLog without;
  const auto bound = BindPcrs(test::PcrLog().Write(), WithPhases(test::PcrLog(), {"enter-initrd"}), without);
  ASSERT_TRUE(bound);
  EXPECT_THAT(NamesOf(*bound, "log.unlogged_pcrs"), ElementsAre("pcr11"));
  EXPECT_EQ(TextOf(*bound, "log.boot_phase"), "absent");
}

// What a log of a TDX guest says is about other registers.
TEST(PcrAuthenticate, TheLogOfATdxGuestIsNoneOfATpm) {
  CheckLog checks;
  const Bytes raw = test::BootLog().Write();
  const auto parsed = EventLogParser::Parse(trust::UntrustedBytes(raw), Registers::kRtmrs, checks);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(raw)), kCcelMediaType);
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(test::PcrLog().Write())), kTcgEventLogMediaType);
}

}  // namespace
}  // namespace assay::tcg_log

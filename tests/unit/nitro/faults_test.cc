// Documents with exactly one thing wrong, each refused for the reason that it owes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "appraisal/appraiser.h"
#include "evidence/nitro/claims.h"
#include "tests/unit/nitro/minted_document.h"

namespace assay::nitro {
namespace {

using softtee::NitroFault;
using softtee::NitroOptions;

std::set<std::string> Reasons(const CheckLog& log) {
  std::set<std::string> names;
  for (const Finding& finding : log.findings()) {
    if (finding.effect == Effect::kReject) names.insert(std::string(NameOf(finding.reason)));
  }
  return names;
}

// What authentication says, the windows at the time of minting, and the rule that every policy has.
bool Accepted(const Bytes& document, CheckLog& log, trust::FactCaches* caches = nullptr) {
  const auto bundle = test::Take(document, log, caches);
  if (!bundle) return false;
  appraisal::JudgeWindows(bundle->claims().windows(), softtee::kDefaultNow, log);
  const bool* debug = bundle->claims().Get<bool>(kDebugClaim);
  log.Require(Check::kNitroDebug, debug != nullptr && !*debug, [] { return Finding{.reason = Reason::kDebugEnabled}; });
  return !log.HasRejection();
}

TEST(NitroFaults, WithoutAFaultDocumentsOfEitherKindAndFormAreAccepted) {
  for (const NitroOptions& options : {NitroOptions{}, NitroOptions{.tpm = true}, NitroOptions{.indefinite = true},
                                      NitroOptions{.tpm = true, .public_key = Bytes(91, 4), .user_data = Bytes{}, .indefinite = true}}) {
    CheckLog log;
    EXPECT_TRUE(Accepted(test::Mint(options), log)) << test::Show(log);
    EXPECT_TRUE(log.findings().empty());
  }
  CheckLog tagged;
  EXPECT_TRUE(
      Accepted(test::Mint({.change = [](softtee::NitroParts& p) { p.document = [](Bytes& b) { b.insert(b.begin(), 0xD2); }; }}), tagged))
      << test::Show(tagged);
}

TEST(NitroFaults, EachIsRefusedForTheReasonThatItOwes) {
  for (const softtee::NitroFaultEntry& entry : softtee::AllNitroFaults()) {
    CheckLog log;
    EXPECT_FALSE(Accepted(test::Mint({.fault = entry.fault}), log)) << entry.name;
    EXPECT_TRUE(Reasons(log).contains(std::string(entry.reason))) << entry.name << " owes " << entry.reason << ": " << test::Show(log);
  }
}

TEST(NitroFaults, EachHasANameOfItsOwnAndAReasonThatExists) {
  std::set<std::string_view> names;
  for (const softtee::NitroFaultEntry& entry : softtee::AllNitroFaults()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    const auto all = AllReasons();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const ReasonEntry& one) { return one.name == entry.reason; })) << entry.reason;
    EXPECT_EQ(static_cast<std::size_t>(entry.fault), names.size() - 1) << entry.name;
  }
}

TEST(NitroFaults, AreRefusedAlikeWithWarmCaches) {
  trust::FactCaches caches(64);
  CheckLog first, second;
  ASSERT_TRUE(Accepted(test::Mint(), first, &caches));
  ASSERT_TRUE(Accepted(test::Mint(), second, &caches));
  EXPECT_EQ(first.records().size(), second.records().size());
  for (const softtee::NitroFaultEntry& entry : softtee::AllNitroFaults()) {
    CheckLog log;
    EXPECT_FALSE(Accepted(test::Mint({.fault = entry.fault}), log, &caches)) << entry.name;
    EXPECT_TRUE(Reasons(log).contains(std::string(entry.reason))) << entry.name;
  }
}

// Numbers that no key could have made are not even tried.
TEST(NitroFaults, ASignatureOutOfRangeIsRefusedBeforeItIsVerified) {
  CheckLog log;
  EXPECT_FALSE(test::Take(test::Mint({.fault = NitroFault::kSignatureZero}), log));
  const auto result = [&](Check check) {
    const auto found =
        std::find_if(log.records().begin(), log.records().end(), [check](const CheckRecord& one) { return one.check == check; });
    return found == log.records().end() ? std::nullopt : std::optional(found->result);
  };
  EXPECT_EQ(result(Check::kNitroSignatureEncoding), CheckResult::kFailed);
  EXPECT_EQ(result(Check::kNitroSignature), std::nullopt);
}

// Attack 31: CVE-2025-64186 compared some registers only; others took documents without a certificate, or in any order, or of debug mode.
TEST(NitroFaults, Attack031_WhatOthersTookIsRefused) {
  for (const NitroFault fault :
       {NitroFault::kDebug, NitroFault::kCertificateMissing, NitroFault::kCabundleReversed, NitroFault::kIssuerNotCa,
        NitroFault::kLeafNoUsage, NitroFault::kIssuerPathLength, NitroFault::kLeafP256, NitroFault::kTimestampZero}) {
    CheckLog log;
    EXPECT_FALSE(Accepted(test::Mint({.fault = fault}), log)) << static_cast<int>(fault);
    EXPECT_TRUE(log.HasRejection());
  }
}

// Attack 62: every rule of AWS's specification.
TEST(NitroFaults, Attack062_MembersKeepToTheSpecification) {
  std::size_t members = 0;
  for (const softtee::NitroFaultEntry& entry : softtee::AllNitroFaults()) {
    if (entry.reason != "nitro_member_invalid") continue;
    ++members;
    CheckLog log;
    EXPECT_FALSE(test::Take(test::Mint({.fault = entry.fault}), log)) << entry.name;
    ASSERT_FALSE(log.findings().empty());
    EXPECT_EQ(log.findings().front().reason, Reason::kNitroMemberInvalid) << entry.name;
    EXPECT_EQ(log.findings().size(), 1U) << entry.name << "\n" << test::Show(log);
  }
  EXPECT_GE(members, 25U);
}

// Attacks 63 and 67: what a path leaves open, a profile checks.
TEST(NitroFaults, Attack063_PathLengthsKeyUsageAndAlgorithmsAreThoseOfAws) {
  for (const NitroFault fault : {NitroFault::kIssuerNoPathLength, NitroFault::kLeafCertSign, NitroFault::kLeafCa, NitroFault::kLeafSha256,
                                 NitroFault::kLeafOfRoot}) {
    CheckLog log;
    EXPECT_FALSE(test::Take(test::Mint({.fault = fault}), log));
    EXPECT_NE(test::FindingOf(log, Reason::kCertificateProfile), nullptr) << test::Show(log);
  }
}

// Attack 64: the length decides nothing before it is known to be there.
TEST(NitroFaults, Attack064_ALengthOfFourGigabytesAllocatesNothing) {
  for (const Bytes& huge :
       {Bytes{0x84, 0x5A, 0xFF, 0xFF, 0xFF, 0xFF}, Bytes{0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xA0, 0x5A, 0xFF, 0xFF, 0xFF, 0xFF},
        Bytes{0x9A, 0xFF, 0xFF, 0xFF, 0xFF}, Bytes{0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xBA, 0xFF, 0xFF, 0xFF, 0xFF}}) {
    CheckLog log;
    EXPECT_FALSE(test::Take(huge, log));
    EXPECT_TRUE(log.HasRejection());
  }
}

// Attack 65: a document of another time is none of now, whatever its certificate says.
TEST(NitroFaults, Attack065_StaleDatesAreRefused) {
  for (const NitroFault fault : {NitroFault::kDatedBefore, NitroFault::kDatedAfter, NitroFault::kLeafExpired, NitroFault::kLeafNotYetValid,
                                 NitroFault::kTimestampZero}) {
    CheckLog log;
    EXPECT_FALSE(Accepted(test::Mint({.fault = fault}), log)) << static_cast<int>(fault);
  }
}

// Attack 68: notAfter is inclusive (RFC 5280 section 4.1.2.5), to the second.
TEST(NitroFaults, Attack068_BothEndsOfTheCertificatesValidityAreInside) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint(), log);
  ASSERT_TRUE(bundle);
  const trust::ValidityWindow leaf = bundle->claims().windows().front();
  EXPECT_EQ(leaf.component, "nitro-certificate");
  EXPECT_EQ(leaf.not_after - leaf.not_before, std::chrono::hours(3) + std::chrono::seconds(3));
  struct {
    Time at;
    bool holds;
  } const cases[] = {
      {leaf.not_before - Duration(1), false}, {leaf.not_before, true}, {leaf.not_after, true}, {leaf.not_after + Duration(1), false}};
  for (const auto& one : cases) {
    CheckLog judged;
    appraisal::JudgeWindows(bundle->claims().windows(), one.at, judged);
    EXPECT_EQ(!judged.HasRejection(), one.holds) << FormatTime(one.at);
  }
}

}  // namespace
}  // namespace assay::nitro

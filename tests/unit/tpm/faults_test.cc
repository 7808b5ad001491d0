// Evidence with exactly one thing wrong, each refused for the reason that it owes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "appraisal/appraiser.h"
#include "evidence/tpm/claims.h"
#include "tests/unit/tpm/minted_quote.h"

namespace assay::tpm {
namespace {

using softtee::TpmAk;
using softtee::TpmOptions;
using softtee::TpmShape;

std::set<std::string> Reasons(const CheckLog& log) {
  std::set<std::string> names;
  for (const Finding& finding : log.findings()) {
    if (finding.effect == Effect::kReject) names.insert(std::string(NameOf(finding.reason)));
  }
  return names;
}

// What authentication and the format's own judgement say, and the windows at the time of minting.
bool Accepted(const softtee::TpmEvidence& evidence, CheckLog& log, const test::Road& road = {}) {
  const auto bundle = test::Take(evidence, log, road);
  if (!bundle) return false;
  const auto names = [](const void*, std::string_view, const trust::Value&) { return false; };
  const auto pins = [](const void*, std::string_view) { return false; };
  kFormat.judge(bundle->claims(), {.names_value = names, .pins_claim = pins, .policy = nullptr}, log);
  appraisal::JudgeWindows(bundle->claims().windows(), softtee::kDefaultNow, log);
  return !log.HasRejection();
}

TEST(TpmFaults, WithoutAFaultEveryKindOfKeyAndShapeIsAccepted) {
  for (const TpmAk ak : {TpmAk::kRsassa, TpmAk::kRsapss, TpmAk::kRsapssMostSalt, TpmAk::kP256, TpmAk::kP384}) {
    CheckLog log;
    EXPECT_TRUE(Accepted(test::Mint({.ak = ak}), log))
        << static_cast<int>(ak) << " " << (log.findings().empty() ? "" : Describe(log.findings().front()));
  }
  for (const auto& [ak, shape] :
       {std::pair(TpmAk::kRsassa, TpmShape::kRaw), {TpmAk::kRsapss, TpmShape::kRaw}, {TpmAk::kP256, TpmShape::kDer}}) {
    CheckLog log;
    EXPECT_TRUE(Accepted(test::Mint({.ak = ak, .shape = shape}), log))
        << static_cast<int>(ak) << " " << (log.findings().empty() ? "" : Describe(log.findings().front()));
  }
}

TEST(TpmFaults, EachIsRefusedForTheReasonThatItOwes) {
  for (const softtee::TpmFaultEntry& entry : softtee::AllTpmFaults()) {
    if (entry.vouching != softtee::TpmVouching::kAkCertificate) continue;  // tests/unit/platform/qemu_vtpm_test.cc
    CheckLog log;
    EXPECT_FALSE(Accepted(test::Mint({.fault = entry.fault}), log)) << entry.name;
    EXPECT_TRUE(Reasons(log).contains(std::string(entry.reason)))
        << entry.name << " owes " << entry.reason << ": " << testing::PrintToString(Reasons(log));
  }
}

TEST(TpmFaults, EachHasANameOfItsOwnAndAReasonThatExists) {
  std::set<std::string_view> names;
  for (const softtee::TpmFaultEntry& entry : softtee::AllTpmFaults()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    const auto all = AllReasons();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const ReasonEntry& one) { return one.name == entry.reason; })) << entry.reason;
    EXPECT_EQ(static_cast<std::size_t>(entry.fault), names.size() - 1) << entry.name;
  }
}

TEST(TpmFaults, AreRefusedAlikeWithWarmCaches) {
  trust::FactCaches caches(64);
  CheckLog first, second;
  ASSERT_TRUE(Accepted(test::Mint(), first, {.caches = &caches}));
  ASSERT_TRUE(Accepted(test::Mint(), second, {.caches = &caches}));
  EXPECT_EQ(first.records().size(), second.records().size());
  for (const softtee::TpmFaultEntry& entry : softtee::AllTpmFaults()) {
    if (entry.vouching != softtee::TpmVouching::kAkCertificate) continue;  // tests/unit/platform/qemu_vtpm_test.cc
    CheckLog log;
    EXPECT_FALSE(Accepted(test::Mint({.fault = entry.fault}), log, {.caches = &caches})) << entry.name;
    EXPECT_TRUE(Reasons(log).contains(std::string(entry.reason))) << entry.name;
  }
}

// Attack 32: no certificate of the path counts out of its time, whichever it is.
TEST(TpmFaults, Attack032_NoCertificateOfThePathCountsOutOfItsTime) {
  const auto ended = [](softtee::Certificate& certificate) { certificate.not_after = softtee::kDefaultNow - std::chrono::seconds(1); };
  const auto to_come = [](softtee::Certificate& certificate) { certificate.not_before = softtee::kDefaultNow + std::chrono::seconds(1); };
  for (const auto& one :
       {std::pair<std::function<void(softtee::Certificate&)>, const char*>(ended, "expired"), {to_come, "not_yet_valid"}}) {
    const auto& change = one.first;
    const char* const reason = one.second;
    for (const int which : {0, 1, 2}) {
      CheckLog log;
      EXPECT_FALSE(Accepted(test::Mint({.change =
                                            [&](softtee::TpmParts& parts) {
                                              if (which == 0) change(parts.certificate);
                                              if (which == 1) change(parts.issuer);
                                              if (which == 2) parts.root_certificate = change;
                                            }}),
                            log))
          << which;
      EXPECT_EQ(Reasons(log), std::set<std::string>{reason}) << which;
    }
  }
  // At the very second they still do.
  CheckLog log;
  EXPECT_TRUE(Accepted(test::Mint({.change =
                                       [](softtee::TpmParts& parts) {
                                         parts.certificate.not_after = parts.issuer.not_after = parts.issuer.not_before =
                                             softtee::kDefaultNow;
                                       }}),
                       log));
}

// CVE-2022-0317, CVE-2024-29038, CVE-2024-29039, CVE-2024-29040.
TEST(TpmFaults, Attack025_AQuoteOfFewerRegistersOrNotOfATpmIsRefused) {
  for (const softtee::TpmFault fault :
       {softtee::TpmFault::kNoPcrs, softtee::TpmFault::kSelectionFewer, softtee::TpmFault::kSelectionOtherBank, softtee::TpmFault::kMagic,
        softtee::TpmFault::kCreationAsQuote, softtee::TpmFault::kPcrsOfOtherSelection}) {
    CheckLog log;
    EXPECT_FALSE(test::Take(test::Mint({.fault = fault}), log));
    EXPECT_TRUE(log.HasRejection());
  }
}

// tss2-mu takes a wrong magic, takes bytes behind a structure, and fills structures in part when it fails.
TEST(TpmFaults, Attack136_WhatTheLibraryLeavesOpenIsChecked) {
  struct {
    softtee::TpmFault fault;
    Reason reason;
  } const cases[] = {{softtee::TpmFault::kMagic, Reason::kTpmNotGenerated},
                     {softtee::TpmFault::kTrailingByteInAttest, Reason::kTpmStructureMalformed},
                     {softtee::TpmFault::kSignatureTrailing, Reason::kTpmStructureMalformed},
                     {softtee::TpmFault::kAkTrailing, Reason::kTpmStructureMalformed},
                     {softtee::TpmFault::kPcrsTrailing, Reason::kTpmStructureMalformed},
                     {softtee::TpmFault::kQuoteTruncated, Reason::kTpmStructureMalformed}};
  for (const auto& one : cases) {
    CheckLog log;
    EXPECT_FALSE(test::Take(test::Mint({.fault = one.fault}), log));
    EXPECT_NE(test::FindingOf(log, one.reason), nullptr) << NameOf(one.reason);
  }
}

}  // namespace
}  // namespace assay::tpm

// Launch endorsements, minted: what is read, what is refused, and what is believed only under a root that an operator pinned.
#include "evidence/gce_endorsement/endorsement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/gce_endorsement/authenticate.h"
#include "evidence/gce_endorsement/format.h"
#include "tests/softtee/gce_evidence.h"

namespace assay::gce_endorsement {
namespace {

using softtee::GceFault;
using ::testing::HasSubstr;

Bytes Minted(std::optional<GceFault> fault = {}, Time now = softtee::kDefaultNow) {
  return softtee::MintGce({.now = now, .fault = fault}).value().endorsement;
}

trust::AnchorSet Anchors(bool endorsements = true) {
  std::vector<trust::Anchor> anchors;
  for (const softtee::Anchor& one : softtee::GcePki::Shared().Anchors(endorsements)) {
    trust::Anchor anchor{std::string(one.vendor), std::string(one.product), {}};
    std::copy(one.spki_sha256.begin(), one.spki_sha256.end(), anchor.spki_sha256.begin());
    anchors.push_back(anchor);
  }
  return {anchors, true};
}

std::string Show(const CheckLog& log) {
  std::string text;
  for (const Finding& finding : log.findings()) text += Describe(finding) + "\n";
  return text;
}

std::optional<trust::Authenticated<LaunchEndorsement>> Believed(const Bytes& bytes, CheckLog& log,
                                                                const trust::AnchorSet& anchors = Anchors()) {
  auto parsed = LaunchEndorsementParser::Parse(trust::UntrustedBytes(bytes), log);
  if (!parsed) return std::nullopt;
  const trust::CollateralSnapshot nothing;
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  const evidence::AuthenticationContext context{.anchors = anchors, .collateral = nothing, .challenge = challenge, .caches = nullptr};
  if (!LaunchEndorsementAuthenticator::HasAnchor(context, log)) return std::nullopt;
  return LaunchEndorsementAuthenticator::Authenticate(*std::move(parsed), context, log);
}

TEST(GceEndorsement, SaysWhatItIsOf) {
  CheckLog log;
  const auto endorsement = Believed(Minted(), log);
  ASSERT_TRUE(endorsement) << Show(log);
  const Golden& golden = (*endorsement)->golden();
  EXPECT_EQ(golden.timestamp, softtee::kDefaultNow - std::chrono::days(60));
  EXPECT_EQ(golden.cl_spec, 700000000u);
  EXPECT_EQ(golden.commit.size(), 20u);
  EXPECT_EQ(golden.snp_svn, 5u);
  EXPECT_EQ(golden.tdx_svn, 6u);
  ASSERT_EQ(golden.snp.size(), 3u);
  EXPECT_EQ(golden.snp[0].vmsas, 2u);
  EXPECT_EQ(golden.snp[0].measurement, softtee::kDefaultMeasurement);
  EXPECT_EQ(golden.snp[1].vmsas, 4u);
  EXPECT_FALSE(golden.snp[2].vmsas);
  ASSERT_EQ(golden.td.size(), 2u);
  EXPECT_EQ(golden.td[0].ram_gib, 16u);
  EXPECT_TRUE(golden.td[0].early_accept);
  EXPECT_EQ(golden.td[0].mrtd, softtee::kDefaultMrtd);
  EXPECT_FALSE(golden.td[1].early_accept);
  EXPECT_EQ(endorsement->windows().size(), 2u);
}

// Every fault of an endorsement by itself; what only other parts show is tested with the platforms.
TEST(GceEndorsement, IsRefusedForItsReason) {
  std::size_t seen = 0;
  for (const softtee::GceFaultEntry& entry : softtee::AllGceFaults()) {
    if (entry.fault < GceFault::kEndorsementCutOff || entry.fault == GceFault::kEndorsementExpired ||
        entry.fault == GceFault::kEndorsementOfOtherFirmware) {
      continue;
    }
    CheckLog log;
    EXPECT_FALSE(Believed(Minted(entry.fault), log)) << entry.name;
    const bool named = std::any_of(log.findings().begin(), log.findings().end(),
                                   [&](const Finding& finding) { return NameOf(finding.reason) == entry.reason; });
    EXPECT_TRUE(named) << entry.name << "\n" << Show(log);
    ++seen;
  }
  EXPECT_EQ(seen, 20u);
}

TEST(GceEndorsement, ASignatureIsAsLongAsTheModulus) {
  CheckLog log;
  EXPECT_FALSE(Believed(Minted(GceFault::kEndorsementSignatureShort), log));
  const auto record = std::find_if(log.records().begin(), log.records().end(),
                                   [](const CheckRecord& one) { return one.check == Check::kGceEndorsementSignatureEncoding; });
  ASSERT_NE(record, log.records().end());
  EXPECT_EQ(record->result, CheckResult::kFailed);
}

TEST(GceEndorsement, EveryLengthButTheWholeIsRefused) {
  const Bytes whole = Minted();
  for (std::size_t size = 0; size < whole.size(); size += size < 64 ? 1 : 37) {
    CheckLog log;
    EXPECT_FALSE(LaunchEndorsementParser::Parse(trust::UntrustedBytes(ToBytes(ByteView(whole).first(size))), log)) << size;
    EXPECT_EQ(log.findings().front().reason, Reason::kEndorsementMalformed) << size;
  }
}

// Every bit of the signed message counts, and of the signature.
TEST(GceEndorsement, NoBitMayChange) {
  const Bytes whole = Minted();
  for (std::size_t at = 0; at < whole.size(); at += 61) {
    Bytes changed = whole;
    changed[at] ^= 0x10;
    CheckLog log;
    EXPECT_FALSE(Believed(changed, log)) << at;
  }
}

TEST(GceEndorsement, Attack119_WithoutAnOperatorsRootNothingIsBelieved) {
  CheckLog log;
  EXPECT_FALSE(Believed(Minted(), log, Anchors(false)));
  ASSERT_EQ(log.findings().size(), 1u) << Show(log);
  EXPECT_EQ(log.findings().front().reason, Reason::kEndorsementUnanchored);
  EXPECT_EQ(log.findings().front().effect, Effect::kNote);
  const auto record = std::find_if(log.records().begin(), log.records().end(),
                                   [](const CheckRecord& one) { return one.check == Check::kGceEndorsementRoot; });
  ASSERT_NE(record, log.records().end());
  EXPECT_EQ(record->result, CheckResult::kSkipped);
}

// A pin for TPMs is none for endorsements.
TEST(GceEndorsement, RootsOfOtherThingsDoNotCount) {
  const trust::AnchorSet right = Anchors();
  std::vector<trust::Anchor> anchors(right.anchors().begin(), right.anchors().end());
  for (trust::Anchor& anchor : anchors) anchor.product = anchor.product == "tpm" ? "launch_endorsement" : "tpm";
  CheckLog log;
  EXPECT_FALSE(Believed(Minted(), log, {anchors, true}));
  const bool unpinned = std::any_of(log.findings().begin(), log.findings().end(),
                                    [](const Finding& finding) { return finding.reason == Reason::kRootNotPinned; });
  EXPECT_TRUE(unpinned) << Show(log);
}

TEST(GceEndorsement, OldOnesNeedNotNameTheirSource) {
  CheckLog log;
  EXPECT_TRUE(Believed(Minted(GceFault::kEndorsementNoSource, *ParseTime("2024-09-30T00:00:00Z")), log))
      << Show(log);  // made on 2024-08-01
  EXPECT_FALSE(Believed(Minted(GceFault::kEndorsementNoSource, *ParseTime("2024-10-01T00:00:00Z")), log));
  EXPECT_THAT(Show(log), HasSubstr("cl_spec, commit"));
}

TEST(GceEndorsement, IsRecognisedAndShown) {
  const trust::UntrustedBytes bytes(Minted());
  EXPECT_EQ(kFormat.media_type_of(bytes), kEndorsementMediaType);
  const auto description = kFormat.describe(bytes);
  ASSERT_TRUE(description);
  EXPECT_EQ(description->name(), "Google launch endorsement");
  EXPECT_FALSE(description->malformed());
  const auto malformed = kFormat.describe(trust::UntrustedBytes(Minted(GceFault::kEndorsementVmsasTwice)));
  ASSERT_TRUE(malformed);
  EXPECT_TRUE(malformed->malformed());
  for (const Bytes& other :
       {Bytes{}, Bytes{0x0A, 0x01, 'x', 0x12, 0x01, 'y'}, Bytes(1184, 0), softtee::MintGce({}).value().items.front().body}) {
    EXPECT_FALSE(kFormat.describe(trust::UntrustedBytes(other)));
    EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(other)), "");
  }
}

}  // namespace
}  // namespace assay::gce_endorsement

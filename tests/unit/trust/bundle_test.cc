#include "trust/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/trust/parts.h"

namespace assay::trust {
namespace {

using test::Annex;
using test::AnnexOfAnnex;
using test::Commit;
using test::NonceStatement;
using test::Sign;
using test::Statement;
using testing::ElementsAre;

constexpr ByteArray<64> kDemanded = softtee::Ramp<64>(0x80);
const Bytes kNonce = ToBytes(softtee::Ramp<32>(0x20));

Challenge DemandsReportData(const ByteArray<64>& value = kDemanded) {
  return Challenge::Demanded({.report_data = value, .nonce = std::nullopt});
}
Challenge DemandsNonce(Bytes nonce) { return Challenge::Demanded({.report_data = std::nullopt, .nonce = std::move(nonce)}); }

template <typename T>
Authenticated<T> Carrier(Bytes carried, std::vector<ValidityWindow> windows = {}) {
  CheckLog log;
  auto carrier = test::Authenticate(Sign<T>(std::move(carried)), log, std::move(windows));
  ASSAY_CHECK(carrier.has_value());
  return *std::move(carrier);
}

// Expects a refusal for the binding; true if there was none.
template <typename T>
bool Answers(const Authenticated<T>& carrier, const Challenge& challenge) {
  CheckLog log;
  const bool may = Bundle::MayAnswer(T::kCarrierKind, carrier->CarriedValue(), T::kComponent, challenge, log);
  const auto bundle = Bundle::Carry(carrier, challenge, log);
  EXPECT_EQ(may, bundle.has_value()) << "the early refusal and the real one must agree";
  if (!bundle) {
    EXPECT_EQ(log.findings().size(), 2U);
    for (const Finding& finding : log.findings()) {
      EXPECT_EQ(finding.reason, Reason::kBindingMismatch);
      EXPECT_EQ(finding.effect, Effect::kReject);
      EXPECT_EQ(finding.component, "statement");
      EXPECT_EQ(finding.claim, T::kCarrierKind == CarrierKind::kNonce ? "nonce" : "report_data");
      EXPECT_FALSE(finding.expected.empty());
    }
    EXPECT_EQ(log.records().at(0).result, CheckResult::kFailed);
  } else {
    EXPECT_TRUE(log.findings().empty());
    EXPECT_EQ(bundle->freshness(), Freshness::kProven);
  }
  return bundle.has_value();
}

TEST(BundleFreshness, TheCarrierAnswersInFullLength) {
  EXPECT_TRUE(Answers(Carrier<Statement>(ToBytes(kDemanded)), DemandsReportData()));
  EXPECT_TRUE(Answers(Carrier<NonceStatement>(kNonce), DemandsNonce(kNonce)));
}

// Attacks 1 and 49: evidence that answered another challenge.
TEST(BundleFreshness, Attack001_OneBitOffIsAnotherChallenge) {
  const auto carrier = Carrier<Statement>(ToBytes(kDemanded));
  for (std::size_t bit = 0; bit < 512; ++bit) {
    ByteArray<64> other = kDemanded;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(Answers(carrier, DemandsReportData(other))) << bit;
  }
  const auto nonce_carrier = Carrier<NonceStatement>(kNonce);
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Bytes other = kNonce;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(Answers(nonce_carrier, DemandsNonce(other))) << bit;
  }
}

TEST(BundleFreshness, Attack001_EvidenceWithoutAnyBindingIsNotFresh) {
  EXPECT_FALSE(Answers(Carrier<Statement>(Bytes(64, 0)), DemandsReportData()));
  EXPECT_FALSE(Answers(Carrier<Statement>({}), DemandsReportData(ByteArray<64>{})));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(Bytes(32, 0)), DemandsNonce(kNonce)));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>({}), DemandsNonce(kNonce)));
}

TEST(BundleFreshness, Attack006_NeitherPaddedNorTruncated) {
  const Bytes whole = ToBytes(kDemanded);
  for (const std::size_t length : {std::size_t{1}, std::size_t{32}, std::size_t{48}, std::size_t{63}}) {
    EXPECT_FALSE(
        Answers(Carrier<Statement>(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))), DemandsReportData()))
        << length;
  }
  Bytes padded = whole;
  padded.push_back(0);
  EXPECT_FALSE(Answers(Carrier<Statement>(padded), DemandsReportData()));

  Bytes padded_nonce = kNonce;
  padded_nonce.resize(64, 0);
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(padded_nonce), DemandsNonce(kNonce)));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(kNonce), DemandsNonce(padded_nonce)));
  const Bytes prefix(kNonce.begin(), kNonce.begin() + 31);
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(prefix), DemandsNonce(kNonce)));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(kNonce), DemandsNonce(prefix)));
}

// An empty nonce is in everybody's evidence.
TEST(BundleFreshness, Attack001_AZeroLengthDemandIsNoDemand) {
  EXPECT_FALSE(Answers(Carrier<NonceStatement>({}), DemandsNonce({})));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(kNonce), DemandsNonce({})));
}

TEST(BundleFreshness, ADemandOfAnotherCarrierKindIsNotMet) {
  EXPECT_FALSE(Answers(Carrier<Statement>(ToBytes(kDemanded)), DemandsNonce(ToBytes(kDemanded))));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(ToBytes(kDemanded)), DemandsReportData()));
  EXPECT_FALSE(Answers(Carrier<Statement>(ToBytes(kDemanded)), Challenge::Demanded({})));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>({}), Challenge::Demanded({})));
}

TEST(BundleFreshness, EachKindIsComparedWithItsOwnValue) {
  const Challenge both = Challenge::Demanded({.report_data = kDemanded, .nonce = kNonce});
  EXPECT_TRUE(Answers(Carrier<Statement>(ToBytes(kDemanded)), both));
  EXPECT_TRUE(Answers(Carrier<NonceStatement>(kNonce), both));
  EXPECT_FALSE(Answers(Carrier<Statement>(kNonce), both));
  EXPECT_FALSE(Answers(Carrier<NonceStatement>(ToBytes(kDemanded)), both));
}

TEST(BundleFreshness, NotDemandedIsSkippedAndNeverProven) {
  for (const bool accepted : {false, true}) {
    SCOPED_TRACE(accepted);
    const auto carrier = Carrier<Statement>(ToBytes(kDemanded));
    CheckLog log;
    EXPECT_TRUE(Bundle::MayAnswer(CarrierKind::kReportData, carrier->CarriedValue(), "statement", Challenge::NotDemanded(accepted), log));
    EXPECT_TRUE(log.records().empty()) << "what was not looked at is not shown";
    const auto bundle = Bundle::Carry(carrier, Challenge::NotDemanded(accepted), log);
    ASSERT_TRUE(bundle);
    EXPECT_EQ(bundle->freshness(), Freshness::kSkipped);
    ASSERT_EQ(log.findings().size(), 1U);
    EXPECT_EQ(log.findings()[0].reason, Reason::kFreshnessSkipped);
    EXPECT_EQ(log.findings()[0].effect, accepted ? Effect::kWarn : Effect::kIndeterminate);
    ASSERT_EQ(log.records().size(), 1U);
    EXPECT_EQ(log.records()[0].check, Check::kFreshness);
    EXPECT_EQ(log.records()[0].result, CheckResult::kSkipped);
  }
}

TEST(BundleParts, ListsPartsClaimsAndWindows) {
  const ValidityWindow window{"vcek", Time(), Time(Duration(60))};
  const auto carrier = Carrier<Statement>(ToBytes(kDemanded), {window});
  const auto annex = Commit<Annex>({1, 2, 3}, carrier);
  const auto second = Commit<AnnexOfAnnex>({4}, annex);
  CheckLog log;
  auto bundle = Bundle::Carry(carrier, DemandsReportData(), log);
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(bundle->Attach(annex, log));
  EXPECT_TRUE(bundle->Attach(second, log));
  EXPECT_TRUE(log.findings().empty());

  ASSERT_EQ(bundle->parts().size(), 3U);
  EXPECT_TRUE(bundle->parts()[0].carrier);
  EXPECT_EQ(bundle->parts()[0].authenticated_by, "signature");
  EXPECT_EQ(bundle->parts()[0].vouched_by, "vcek");
  EXPECT_FALSE(bundle->parts()[1].carrier);
  EXPECT_EQ(bundle->parts()[1].authenticated_by, "commitment");
  EXPECT_EQ(bundle->parts()[2].vouched_by, "annex");

  std::vector<std::string_view> names;
  for (const Claim& claim : bundle->claims().all()) names.push_back(claim.name);
  EXPECT_THAT(names, ElementsAre("a.first", "annex.content", "annex2.content", "statement.text"));
  EXPECT_EQ(bundle->claims().Find("annex.content")->component, "annex");
  ASSERT_EQ(bundle->claims().windows().size(), 1U);
  EXPECT_EQ(bundle->claims().windows()[0].component, "vcek");

  EXPECT_TRUE(bundle->instance_identity().empty()) << "nobody has said which instance this is";
  bundle->set_instance_identity({7});
  EXPECT_EQ(bundle->instance_identity(), Bytes{7});
}

// Attaching must fail, and leave neither part nor claims behind.
template <typename T>
void ExpectUnbound(Bundle& bundle, const Authenticated<T>& part) {
  const std::size_t parts = bundle.parts().size(), claims = bundle.claims().all().size(), windows = bundle.claims().windows().size();
  CheckLog log;
  EXPECT_FALSE(bundle.Attach(part, log));
  ASSERT_EQ(log.findings().size(), 1U);
  EXPECT_EQ(log.findings()[0].reason, Reason::kPartUnbound);
  EXPECT_EQ(log.findings()[0].effect, Effect::kReject);
  EXPECT_EQ(log.findings()[0].component, part.component());
  ASSERT_EQ(log.records().size(), 1U);
  EXPECT_EQ(log.records()[0].check, Check::kBundleConnected);
  EXPECT_EQ(log.records()[0].result, CheckResult::kFailed);
  EXPECT_EQ(bundle.parts().size(), parts);
  EXPECT_EQ(bundle.claims().all().size(), claims);
  EXPECT_EQ(bundle.claims().windows().size(), windows);
}

class BundleAttach : public testing::Test {
 protected:
  const Authenticated<Statement> carrier_ = Carrier<Statement>(ToBytes(kDemanded));
  const Authenticated<Annex> annex_ = Commit<Annex>({1, 2, 3}, carrier_);
  CheckLog log_;
  Bundle bundle_ = *Bundle::Carry(carrier_, DemandsReportData(), log_);
};

// Attack 42: a genuine signature alone ties nothing to this node.
TEST_F(BundleAttach, APartSignedOnItsOwnHangsOnNothing) {
  ExpectUnbound(bundle_, Carrier<NonceStatement>(kNonce));
  ExpectUnbound(bundle_, Carrier<Statement>(ToBytes(kDemanded)));
}

TEST_F(BundleAttach, AGrandchildNeedsItsParentFirst) {
  const auto second = Commit<AnnexOfAnnex>({4}, annex_);
  ExpectUnbound(bundle_, second);
  EXPECT_TRUE(bundle_.Attach(annex_, log_));
  EXPECT_TRUE(bundle_.Attach(second, log_));
}

// Attacks 26 and 92: one part is verified and another of the same name is used. The replayed statement is genuine, its
// annex really hangs on it, and neither has to do with the carrier that answered this challenge.
TEST_F(BundleAttach, Attack092_APartOfAnotherCarrierOfTheSameKindIsRefused) {
  const auto replayed = Carrier<Statement>(Bytes(64, 0x55));
  ExpectUnbound(bundle_, Commit<Annex>({1, 2, 3}, replayed));
  const auto same_content = Carrier<Statement>(ToBytes(kDemanded));
  ExpectUnbound(bundle_, Commit<Annex>({1, 2, 3}, same_content));
}

TEST_F(BundleAttach, Attack092_APartOfAnUnattachedTwinIsRefused) {
  EXPECT_TRUE(bundle_.Attach(annex_, log_));
  const auto twin = Commit<Annex>({9}, carrier_);
  ExpectUnbound(bundle_, Commit<AnnexOfAnnex>({4}, twin));
}

// The other way round: what vouches for the carrier's key hangs on the carrier, and what vouches for that hangs on it in turn.
class BundleOfAVouchedKey : public testing::Test {
 protected:
  // A carrier that is signed with a key to which an annex of `hardware` commits.
  Authenticated<NonceStatement> SignedUnder(const Authenticated<Annex>& claims) {
    const crypto::PublicKey key = crypto::PublicKey::FromSpki(test::Vcek().key.SubjectPublicKeyInfo()).value();
    CheckLog log;
    const auto verified = VerifiedKey::FromCommitment(key, claims, key.spki_sha256(), key.spki_sha256(), "key", Check::kBundleConnected,
                                                      {.reason = Reason::kPartUnbound}, log);
    auto carrier = Authenticated<NonceStatement>::BySignature(test::PartParser::Parse(Sign<NonceStatement>(kNonce)), *verified,
                                                              Check::kSnpSignatureEncoding, Check::kSnpSignature, {}, log);
    ASSAY_CHECK(carrier.has_value());
    return *std::move(carrier);
  }
  const Authenticated<Statement> hardware_ = Carrier<Statement>(ToBytes(kDemanded), {{"vcek", Time(), Time(Duration(60))}});
  const Authenticated<Annex> claims_ = Commit<Annex>({1, 2, 3}, hardware_);
  CheckLog log_;
  Bundle bundle_ = *Bundle::Carry(SignedUnder(claims_), DemandsNonce(kNonce), log_);
};

TEST_F(BundleOfAVouchedKey, TakesWhatVouchesForItsCarrier) {
  ASSERT_TRUE(bundle_.Attach(claims_, log_));
  ASSERT_TRUE(bundle_.Attach(hardware_, log_));
  ASSERT_EQ(bundle_.parts().size(), 3U);
  EXPECT_TRUE(bundle_.parts()[0].carrier);
  EXPECT_EQ(bundle_.parts()[2].vouched_by, "vcek");
  EXPECT_EQ(bundle_.claims().windows().size(), 1U);
  EXPECT_TRUE(log_.findings().empty());
}

TEST_F(BundleOfAVouchedKey, Attack092_TakesNoTwinOfWhatVouches) {
  ExpectUnbound(bundle_, hardware_);  // not before what it vouches for
  const auto twin = Carrier<Statement>(ToBytes(kDemanded));
  ExpectUnbound(bundle_, Commit<Annex>({1, 2, 3}, twin));
  ExpectUnbound(bundle_, Commit<Annex>({1, 2, 3}, hardware_));
  ASSERT_TRUE(bundle_.Attach(claims_, log_));
  ExpectUnbound(bundle_, twin);
}

TEST_F(BundleOfAVouchedKey, AKeyOfAChainIsVouchedForByNoPart) {
  Bundle bundle = *Bundle::Carry(Carrier<NonceStatement>(kNonce), DemandsNonce(kNonce), log_);
  ExpectUnbound(bundle, claims_);
  ExpectUnbound(bundle, hardware_);
}

TEST_F(BundleAttach, CopiesOfACarrierAreThatCarrier) {
  const Authenticated<Statement> copy = carrier_;
  EXPECT_TRUE(bundle_.Attach(Commit<Annex>({1, 2, 3}, copy), log_));
}

// A part that a key signed to which another part commits hangs on that part, and on no other of its kind.
TEST(BundleParts, WhatACommittedKeySignsHangsOnWhoCommits) {
  const softtee::Key key = softtee::Key::Derive(AsBytes("a key that a statement names"));
  const auto public_key = crypto::PublicKey::FromSpki(key.SubjectPublicKeyInfo());
  ASSERT_TRUE(public_key);
  const auto carrier = Carrier<Statement>(ToBytes(kDemanded)), stranger = Carrier<Statement>(ToBytes(kDemanded));
  const auto signed_under = [&](const Authenticated<Statement>& by) {
    CheckLog log;
    const auto& digest = public_key->spki_sha256();
    auto verified = VerifiedKey::FromCommitment(*public_key, by, digest, digest, "named", Check::kBundleConnected,
                                                {.reason = Reason::kPartUnbound}, log);
    ASSAY_CHECK(verified.has_value());
    auto part = Authenticated<NonceStatement>::BySignature(test::PartParser::Parse(Sign<NonceStatement>(kNonce, key)), *verified,
                                                           Check::kSnpSignatureEncoding, Check::kSnpSignature, {}, log);
    ASSAY_CHECK(part.has_value());
    return *std::move(part);
  };
  CheckLog log;
  auto bundle = Bundle::Carry(carrier, DemandsReportData(), log);
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(bundle->Attach(signed_under(carrier), log));
  EXPECT_EQ(bundle->parts().back().vouched_by, "named");
  EXPECT_FALSE(bundle->Attach(signed_under(stranger), log));
  EXPECT_EQ(log.findings().back().reason, Reason::kPartUnbound);
}

// Two parts of different vendors hang on one challenge, if it was demanded and each answers it in its own field.
TEST(BundleParts, AnAnswerOfItsOwnTiesAPartToTheChallenge) {
  const auto carrier = Carrier<Statement>(ToBytes(kDemanded));
  const auto answer = Carrier<NonceStatement>(kNonce);
  const Challenge both = Challenge::Demanded({.report_data = kDemanded, .nonce = kNonce});
  CheckLog log;
  auto bundle = Bundle::Carry(carrier, both, log);
  ASSERT_TRUE(bundle);
  EXPECT_FALSE(bundle->Attach(answer, log)) << "a chain of its own ties it to nobody";
  EXPECT_TRUE(bundle->AttachAnswer(answer, both, log));
  EXPECT_EQ(bundle->parts().size(), 2U);
  struct {
    Challenge carried, asked;
    Reason reason;
  } const refused[] = {{both, Challenge::Demanded({.report_data = kDemanded, .nonce = Bytes(32, 1)}), Reason::kBindingMismatch},
                       {both, DemandsReportData(), Reason::kBindingMismatch},
                       {both, Challenge::NotDemanded(true), Reason::kPartUnbound},
                       {Challenge::NotDemanded(true), both, Reason::kPartUnbound},
                       {Challenge::NotDemanded(true), Challenge::NotDemanded(true), Reason::kPartUnbound}};
  for (const auto& one : refused) {
    CheckLog other;
    auto fresh = Bundle::Carry(carrier, one.carried, other);
    ASSERT_TRUE(fresh);
    EXPECT_FALSE(fresh->AttachAnswer(answer, one.asked, other));
    EXPECT_EQ(other.findings().back().reason, one.reason);
    EXPECT_EQ(fresh->parts().size(), 1U);
  }
}

}  // namespace
}  // namespace assay::trust

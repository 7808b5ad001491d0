#include "trust/authenticated.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/trust/parts.h"

namespace assay::trust {
namespace {

using test::Annex;
using test::Authenticate;
using test::PartParser;
using test::Sign;
using test::Statement;
using test::Vcek;

const Bytes kMessage = ToBytes(AsBytes("what the chip says"));

TEST(BySignature, BelievesWhatTheVerifiedKeySigned) {
  CheckLog log;
  const std::vector<ValidityWindow> windows{{"vcek", Time(), Time(Duration(1))}};
  const auto statement = Authenticate(Sign<Statement>(kMessage), log, windows);
  ASSERT_TRUE(statement);
  EXPECT_EQ((*statement)->message, kMessage);
  EXPECT_EQ(statement->component(), "statement");
  EXPECT_EQ(statement->authenticated_by(), "signature");
  EXPECT_EQ(statement->vouched_by(), "vcek");
  EXPECT_FALSE(statement->committed_by());
  ASSERT_EQ(statement->windows().size(), 1U);
  EXPECT_TRUE(log.findings().empty());
}

struct Spoilt {
  const char* name;
  std::function<void(Statement&)> spoil;
  Check check;
};

TEST(BySignature, RefusesEverythingElse) {
  const ByteArray<48> order = softtee::OrderOfP384();
  const Bytes n = ToBytes(order);
  for (const Spoilt& spoilt : std::vector<Spoilt>{
           {"one bit of the message", [](Statement& s) { s.message[0] ^= 1; }, Check::kSnpSignature},
           {"a byte more", [](Statement& s) { s.message.push_back(0); }, Check::kSnpSignature},
           {"a byte less", [](Statement& s) { s.message.pop_back(); }, Check::kSnpSignature},
           {"no message", [](Statement& s) { s.message.clear(); }, Check::kSnpSignature},
           {"one bit of r", [](Statement& s) { s.r[47] ^= 1; }, Check::kSnpSignature},
           {"one bit of s", [](Statement& s) { s.s[47] ^= 1; }, Check::kSnpSignature},
           {"r and s exchanged", [](Statement& s) { std::swap(s.r, s.s); }, Check::kSnpSignature},
           {"little-endian",
            [](Statement& s) {
              std::reverse(s.r.begin(), s.r.end());
              std::reverse(s.s.begin(), s.s.end());
            },
            Check::kSnpSignature},
           {"r of zero", [](Statement& s) { s.r.assign(48, 0); }, Check::kSnpSignatureEncoding},
           {"s of zero", [](Statement& s) { s.s.assign(48, 0); }, Check::kSnpSignatureEncoding},
           {"r and s of zero",
            [](Statement& s) {
              s.r.assign(48, 0);
              s.s.assign(48, 0);
            },
            Check::kSnpSignatureEncoding},
           {"r of n", [&](Statement& s) { s.r = n; }, Check::kSnpSignatureEncoding},
           {"s of n", [&](Statement& s) { s.s = n; }, Check::kSnpSignatureEncoding},
           {"s of all ones", [](Statement& s) { s.s.assign(48, 0xFF); }, Check::kSnpSignatureEncoding},
           {"no r", [](Statement& s) { s.r.clear(); }, Check::kSnpSignatureEncoding},
           {"no s", [](Statement& s) { s.s.clear(); }, Check::kSnpSignatureEncoding},
           {"another key", [](Statement& s) { s = Sign<Statement>(s.message, softtee::Key::Derive(AsBytes("another"))); },
            Check::kSnpSignature},
       }) {
    SCOPED_TRACE(spoilt.name);
    Statement statement = Sign<Statement>(kMessage);
    // A reversed r or s may happen to be no scalar: that is refused as well, by the check before.
    spoilt.spoil(statement);
    CheckLog log;
    EXPECT_FALSE(Authenticate(std::move(statement), log));
    ASSERT_EQ(log.findings().size(), 1U);
    EXPECT_EQ(log.findings()[0].reason, Reason::kSignatureInvalid);
    EXPECT_EQ(log.findings()[0].component, "statement");
    EXPECT_EQ(log.findings()[0].effect, Effect::kReject);
    EXPECT_EQ(log.records().back().result, CheckResult::kFailed);
    if (std::string_view(spoilt.name) != "little-endian") { EXPECT_EQ(NameOf(log.records().back().check), NameOf(spoilt.check)); }
  }
}

// What is remembered is that one key made one signature of one message.
TEST(BySignature, ASignatureThatWasProvenSpeaksForNoOther) {
  ProvenSignatures proven(64);
  const Statement genuine = Sign<Statement>(kMessage);
  for (int i = 0; i < 2; ++i) {
    CheckLog log;
    EXPECT_TRUE(Authenticate(genuine, log, {}, &proven));
    EXPECT_EQ(log.records().back().result, CheckResult::kPassed);
    EXPECT_EQ(log.records().size(), 2U) << "as if it had been verified";
    EXPECT_EQ(proven.size(), 1U);
  }
  for (const Spoilt& spoilt : std::vector<Spoilt>{
           {"one bit of the message", [](Statement& s) { s.message[0] ^= 1; }, Check::kSnpSignature},
           {"a byte more", [](Statement& s) { s.message.push_back(0); }, Check::kSnpSignature},
           {"one bit of r", [](Statement& s) { s.r[47] ^= 1; }, Check::kSnpSignature},
           {"one bit of s", [](Statement& s) { s.s[47] ^= 1; }, Check::kSnpSignature},
           {"a byte moved from s to the message",
            [](Statement& s) {
              s.message.insert(s.message.begin(), s.s.back());
              s.s.pop_back();
            },
            Check::kSnpSignatureEncoding},
           {"another key", [](Statement& s) { s = Sign<Statement>(s.message, softtee::Key::Derive(AsBytes("another"))); },
            Check::kSnpSignature},
       }) {
    Statement statement = genuine;
    spoilt.spoil(statement);
    CheckLog log;
    EXPECT_FALSE(Authenticate(std::move(statement), log, {}, &proven)) << spoilt.name;
    EXPECT_EQ(NameOf(log.records().back().check), NameOf(spoilt.check)) << spoilt.name;
    EXPECT_EQ(proven.size(), 1U) << spoilt.name << ": what does not verify is not remembered";
  }
  // The same signature as if another key had made it.
  const crypto::PublicKey other = crypto::PublicKey::FromSpki(softtee::Key::Derive(AsBytes("another")).SubjectPublicKeyInfo()).value();
  const EcdsaSigned is_signed{crypto::HashAlgorithm::kSha384, genuine.message, genuine.r, genuine.s};
  EXPECT_TRUE(Verifies(Vcek().chain->leaf().public_key(), is_signed, proven));
  EXPECT_FALSE(Verifies(other, is_signed, proven));
  EXPECT_FALSE(Verifies(Vcek().chain->leaf().public_key(),
                        EcdsaSigned{crypto::HashAlgorithm::kSha256, genuine.message, genuine.r, genuine.s}, proven));
}

class ByCommitmentTest : public testing::Test {
 protected:
  bool Commits(ByteView committed, ByteView recomputed) {
    CheckLog log;
    const auto annex = Authenticated<Annex>::ByCommitment(PartParser::Parse(Annex{{1, 2, 3}}), carrier_, committed, recomputed,
                                                          Check::kBundleConnected, kMismatch, log);
    if (annex) {
      EXPECT_TRUE(log.findings().empty());
      EXPECT_EQ(annex->authenticated_by(), "commitment");
      EXPECT_EQ(annex->vouched_by(), "statement");
      EXPECT_TRUE(annex->committed_by() == carrier_.identity());
      EXPECT_TRUE(annex->windows().empty());
    } else {
      EXPECT_EQ(log.findings().size(), 1U);
      EXPECT_EQ(log.findings()[0].reason, Reason::kPartUnbound);
      EXPECT_TRUE(log.HasRejection());
    }
    return annex.has_value();
  }

  inline static const Finding kMismatch{.reason = Reason::kPartUnbound, .component = "annex"};
  CheckLog carrier_log_;
  const Authenticated<Statement> carrier_ = *Authenticate(Sign<Statement>(kMessage), carrier_log_);
  const crypto::Sha256Digest digest_ = crypto::Sha256(AsBytes("annex"));
};

TEST_F(ByCommitmentTest, BelievesWhatHasTheCommittedDigest) { EXPECT_TRUE(Commits(digest_, digest_)); }

TEST_F(ByCommitmentTest, RefusesADigestThatDiffersInAnyBit) {
  for (std::size_t bit = 0; bit < 8 * digest_.size(); ++bit) {
    crypto::Sha256Digest other = digest_;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(Commits(digest_, other)) << bit;
    EXPECT_FALSE(Commits(other, digest_)) << bit;
  }
}

// Attack 25: less was committed to than it seems.
TEST_F(ByCommitmentTest, Attack025_AnEmptyCommitmentCommitsToNothing) {
  EXPECT_FALSE(Commits({}, {}));
  EXPECT_FALSE(Commits({}, digest_));
  EXPECT_FALSE(Commits(digest_, {}));
}

// Attack 6: padding or truncating until it fits.
TEST_F(ByCommitmentTest, Attack006_NeitherAPrefixNorAPaddedDigestWillDo) {
  Bytes longer = ToBytes(digest_);
  longer.push_back(0);
  EXPECT_FALSE(Commits(digest_, ByteView(digest_).first(31)));
  EXPECT_FALSE(Commits(ByteView(digest_).first(31), digest_));
  EXPECT_FALSE(Commits(digest_, longer));
  EXPECT_FALSE(Commits(longer, digest_));
}

TEST(PartIdentityTest, CopiesAreTheSamePartAndEqualContentIsNot) {
  CheckLog log;
  const Statement signed_once = Sign<Statement>(kMessage);
  const auto one = Authenticate(Statement(signed_once), log);
  const auto other = Authenticate(Statement(signed_once), log);
  ASSERT_TRUE(one && other);
  const Authenticated<Statement> copy = *one;
  EXPECT_TRUE(copy.identity() == one->identity());
  EXPECT_FALSE(other->identity() == one->identity());
}

}  // namespace
}  // namespace assay::trust

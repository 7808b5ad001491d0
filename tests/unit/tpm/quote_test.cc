// Quotes: what is parsed, what is bound, what is claimed.
#include "evidence/tpm/attest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/claims.h"
#include "tests/unit/tpm/minted_quote.h"

namespace assay::tpm {
namespace {

using softtee::TpmAk;
using ::testing::HasSubstr;

template <typename T>
T ClaimOf(const trust::Bundle& bundle, std::string_view name) {
  const T* value = bundle.claims().Get<T>(name);
  EXPECT_NE(value, nullptr) << name;
  return value == nullptr ? T{} : *value;
}

TEST(TpmQuote, SaysWhatTheTpmSaid) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint(), log);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "tpm.ak_trust"), "certificate");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "tpm.ak_vendor"), "operator");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "tpm.ak_hierarchy"), "endorsement");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "tpm.revocation"), "not_published");
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "tpm.extra_data"), test::kNonce);
  EXPECT_EQ(ClaimOf<std::uint64_t>(*bundle, "tpm.clock"), 123456U);
  EXPECT_EQ(ClaimOf<std::uint64_t>(*bundle, "tpm.reset_count"), 7U);
  EXPECT_EQ(ClaimOf<std::uint64_t>(*bundle, "tpm.restart_count"), 0U);
  EXPECT_TRUE(ClaimOf<bool>(*bundle, "tpm.safe"));
  EXPECT_EQ(ToHex(ClaimOf<Bytes>(*bundle, "tpm.firmware_version")), "2019102300163636");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "tpm.signature_hash"), "SHA-256");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "tpm.pcr_selection"), "sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23");
  for (unsigned i = 0; i < 24; ++i) {
    EXPECT_EQ(ClaimOf<Bytes>(*bundle, Cat("tpm.sha256_pcr", i)), softtee::RampBank(kAlgSha256).values[i]) << i;
  }
  EXPECT_EQ(bundle->freshness(), trust::Freshness::kProven);
  ASSERT_EQ(bundle->parts().size(), 2U);
  EXPECT_TRUE(bundle->parts()[0].carrier);
  EXPECT_EQ(bundle->parts()[1].vouched_by, "tpm-quote");
  EXPECT_EQ(bundle->claims().windows().size(), 3U);
}

TEST(TpmQuote, EveryClaimIsInTheTable) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint(), log);
  ASSERT_TRUE(bundle);
  for (const trust::Claim& claim : bundle->claims().all()) {
    const auto table = ClaimTable();
    EXPECT_TRUE(std::any_of(table.begin(), table.end(), [&](const evidence::ClaimSpec& spec) { return spec.name == claim.name; }))
        << claim.name;
  }
}

// The hash of pcrDigest is that of the signature, whatever the banks.
TEST(TpmQuote, SeveralBanksUnderOneDigest) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint({.ak = TpmAk::kP384, .banks = {softtee::RampBank(kAlgSha256), softtee::RampBank(kAlgSha512)}}),
                                 log, {.demand_selection = false});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "tpm.signature_hash"), "SHA-384");
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "tpm.pcr_digest").size(), 48U);
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "tpm.sha512_pcr3").size(), 64U);
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "tpm.sha256_pcr3").size(), 32U);
}

// SHA-1 banks are genuine, and say nothing that a policy could build on.
TEST(TpmQuote, RegistersOfSha1AreNoClaims) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint({.banks = {softtee::RampBank(kAlgSha1)}}), log, {.demand_selection = false});
  ASSERT_TRUE(bundle);
  for (const trust::Claim& claim : bundle->claims().all()) EXPECT_EQ(claim.name.find("_pcr"), std::string_view::npos) << claim.name;
  EXPECT_TRUE(PcrClaim(kAlgSha1, 0).empty());
  EXPECT_TRUE(PcrClaim(kAlgSha256, 24).empty());
  EXPECT_EQ(PcrClaim(kAlgSha256, 23), "tpm.sha256_pcr23");
}

TEST(TpmQuote, WithoutValuesThereAreNoRegisters) {
  softtee::TpmEvidence evidence = test::Mint();
  std::erase_if(evidence.items, [](const softtee::Item& item) { return item.media_type == softtee::kTpmPcrsType; });
  CheckLog log;
  const auto bundle = test::Take(evidence, log);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->claims().Find("tpm.sha256_pcr0"), nullptr);
}

TEST(TpmQuote, EveryLengthButTheWholeIsRefused) {
  const softtee::TpmEvidence evidence = test::Mint();
  const Bytes whole = evidence.items[0].body;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<evidence::Item> items = test::ItemsOf(evidence);
    items[0].body = trust::UntrustedBytes(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    CheckLog log;
    EXPECT_FALSE(test::Take(items, {}, log)) << size;
    EXPECT_TRUE(log.HasRejection()) << size;
  }
}

TEST(TpmQuote, EveryBitOfTheAttestationIsSigned) {
  const softtee::TpmEvidence evidence = test::Mint({.ak = TpmAk::kP256});
  for (std::size_t at = 2; at < 2 + evidence.attest.size(); ++at) {
    std::vector<evidence::Item> items = test::ItemsOf(evidence);
    Bytes quote = evidence.items[0].body;
    quote[at] ^= 1;
    items[0].body = trust::UntrustedBytes(quote);
    CheckLog log;
    EXPECT_FALSE(test::Take(items, {}, log)) << at;
    EXPECT_TRUE(log.HasRejection()) << at;
  }
}

// Numbers that the key can't have made are told apart from a signature that does not verify.
TEST(TpmQuote, ASignatureIsOfTheKeysSize) {
  const auto zero_r = [](Bytes& signature) { std::fill(signature.begin() + 6, signature.begin() + 6 + signature[5], std::uint8_t{0}); };
  const auto shorter = [](Bytes& signature) {
    signature.pop_back();
    signature[4] = 0x00;
    signature[5] = 0xFF;
  };
  struct {
    TpmAk ak;
    std::function<void(Bytes&)> change;
  } const cases[] = {{TpmAk::kP256, zero_r}, {TpmAk::kP384, zero_r}, {TpmAk::kRsassa, shorter}, {TpmAk::kRsapss, shorter}};
  for (const auto& one : cases) {
    CheckLog log;
    EXPECT_FALSE(test::Take(test::Mint({.ak = one.ak, .change = [&](softtee::TpmParts& parts) { parts.signature = one.change; }}), log));
    EXPECT_NE(test::FindingOf(log, Reason::kSignatureInvalid), nullptr);
    const bool failed = std::any_of(log.records().begin(), log.records().end(), [](const CheckRecord& record) {
      return record.check == Check::kTpmSignatureEncoding && record.result == CheckResult::kFailed;
    });
    EXPECT_TRUE(failed);
  }
}

// Keylime and parsec: a quote without a nonce, or with half of one.
TEST(TpmQuote, Attack001_OnlyTheWholeNonceIsFresh) {
  struct {
    std::string name;
    Bytes extra_data;
    std::optional<Bytes> nonce;
    bool fresh;
  } const cases[] = {{"equal", test::kNonce, test::kNonce, true},
                     {"prefix demanded", test::kNonce, Bytes(16, 0x5A), false},
                     {"longer demanded", test::kNonce, Bytes(33, 0x5A), false},
                     {"nothing demanded of a challenge", test::kNonce, Bytes(), false}};
  for (const auto& one : cases) {
    CheckLog log;
    EXPECT_EQ(test::Take(test::Mint({.extra_data = one.extra_data}), log, {.nonce = one.nonce}).has_value(), one.fresh) << one.name;
    EXPECT_EQ(test::FindingOf(log, Reason::kBindingMismatch) == nullptr, one.fresh) << one.name;
  }
  CheckLog log;
  const auto bundle = test::Take(test::Mint(), log, {.nonce = std::nullopt});
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->freshness(), trust::Freshness::kSkipped);
}

TEST(TpmQuote, IsDescribedWithoutBeingBelieved) {
  const softtee::TpmEvidence evidence = test::Mint();
  const trust::UntrustedBytes item(evidence.items[0].body);
  const auto description = kFormat.describe(item);
  ASSERT_TRUE(description);
  EXPECT_EQ(description->name(), "TPM quote");
  EXPECT_THAT(description->value(), HasSubstr("sha256:0,1,2"));
  EXPECT_EQ(kFormat.media_type_of(item), kQuoteMediaType);
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(evidence.ak)), kAkMediaType);
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(evidence.pcrs)), kPcrsMediaType);
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(Bytes(100, 0x41))), "");
  Bytes broken = evidence.items[0].body;
  broken.push_back(0);
  EXPECT_TRUE(kFormat.describe(trust::UntrustedBytes(broken))->malformed());
}

TEST(TpmQuote, TheHierarchyIsToldByTheQualifiedName) {
  const Bytes name = softtee::AkOf(softtee::TpmPki::Shared().p256_ak).Name();
  EXPECT_EQ(HierarchyOf(softtee::EndorsementName(name), name), "endorsement");
  EXPECT_EQ(HierarchyOf(name, name), "");
  EXPECT_EQ(HierarchyOf({}, name), "");
  EXPECT_EQ(HierarchyOf(softtee::EndorsementName(name), {}), "");
}

// A key's Name counts only where something covers it: the certificate covers the key alone, the TPM's own qualified name all of it.
TEST(TpmQuote, TheNameIsClaimedOnlyWhereItIsCovered) {
  CheckLog log;
  const auto child = test::Take(test::Mint({.primary = false}), log);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->claims().Find("tpm.ak_name"), nullptr);
  EXPECT_EQ(child->claims().Find("tpm.ak_attributes"), nullptr);
  EXPECT_EQ(child->claims().Find("tpm.ak_hierarchy"), nullptr);
  const softtee::TpmEvidence evidence = test::Mint();
  const auto primary = test::Take(evidence, log);
  ASSERT_TRUE(primary);
  EXPECT_EQ(ClaimOf<Bytes>(*primary, "tpm.ak_name"), evidence.ak_name);
}

}  // namespace
}  // namespace assay::tpm

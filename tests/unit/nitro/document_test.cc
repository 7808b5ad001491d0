// What a document says once it is believed, and what is said of one that is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <set>
#include <string>

#include "base/hex.h"
#include "evidence/nitro/claims.h"
#include "evidence/nitro/endorsement.h"
#include "evidence/nitro/judge.h"
#include "tests/unit/nitro/minted_document.h"

namespace assay::nitro {
namespace {

using testing::HasSubstr;

template <typename T>
T ClaimOf(const trust::Bundle& bundle, std::string_view name) {
  const T* value = bundle.claims().Get<T>(name);
  EXPECT_NE(value, nullptr) << name;
  return value == nullptr ? T{} : *value;
}

TEST(NitroDocument, ClaimsOfAnEnclave) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint({.public_key = Bytes{1, 2}, .user_data = Bytes{3}}), log);
  ASSERT_TRUE(bundle) << test::Show(log);
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "nitro.kind"), "enclave");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "nitro.module_id"), "i-0123456789abcdef0-enc0123456789abcdef");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "nitro.instance_id"), "i-0123456789abcdef0");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "nitro.region"), "us-east-1");
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "nitro.digest"), "SHA384");
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "nitro.nonce"), test::kNonce);
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "nitro.public_key"), (Bytes{1, 2}));
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "nitro.user_data"), Bytes{3});
  EXPECT_EQ(ClaimOf<Time>(*bundle, "nitro.timestamp"), softtee::kDefaultNow);
  EXPECT_EQ(ClaimOf<std::uint64_t>(*bundle, "nitro.timestamp_ms"),
            static_cast<std::uint64_t>(softtee::kDefaultNow.time_since_epoch().count()) * 1000 + 437);
  EXPECT_FALSE(ClaimOf<bool>(*bundle, "nitro.debug"));
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "nitro.pcr15").front(), 0xF0);
  EXPECT_EQ(bundle->claims().Find("nitro.pcr16"), nullptr);
  EXPECT_EQ(bundle->claims().Find("nitro.tpm_pcr4"), nullptr);
  EXPECT_EQ(bundle->claims().windows().size(), 5U);
}

TEST(NitroDocument, ClaimsOfANitroTpmHaveNamesOfTheirOwn) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint({.tpm = true}), log);
  ASSERT_TRUE(bundle) << test::Show(log);
  EXPECT_EQ(ClaimOf<std::string>(*bundle, "nitro.kind"), "tpm");
  EXPECT_EQ(ClaimOf<Bytes>(*bundle, "nitro.tpm_pcr4").front(), 0x40);
  EXPECT_EQ(bundle->claims().Find("nitro.pcr4"), nullptr);
  EXPECT_EQ(bundle->claims().Find("nitro.public_key"), nullptr);
}

// Absence never passes: where nothing of PCRs 0 to 2 is told, nothing says that the enclave is not in debug mode.
TEST(NitroDocument, DebugIsWhatIsNotMeasured) {
  const Bytes zero(48), some(48, 1);
  struct {
    std::map<unsigned, Bytes> pcrs;
    bool debug;
  } const cases[] = {{{{0, zero}, {1, zero}, {2, zero}, {4, some}}, true},
                     {{{0, some}, {1, zero}, {2, zero}}, false},
                     {{{0, zero}, {1, zero}, {2, some}}, false},
                     {{{3, some}, {4, some}}, true},
                     {{{0, zero}}, true}};
  for (const auto& one : cases) {
    CheckLog log;
    const auto bundle = test::Take(test::Mint({.pcrs = one.pcrs}), log);
    ASSERT_TRUE(bundle) << test::Show(log);
    EXPECT_EQ(ClaimOf<bool>(*bundle, "nitro.debug"), one.debug);
  }
}

TEST(NitroDocument, LimitsOfGuestDataAreExact) {
  CheckLog log;
  EXPECT_TRUE(
      test::Take(test::Mint({.nonce = Bytes(1024, 1), .public_key = Bytes(1024), .user_data = Bytes(1024)}), log, nullptr, Bytes(1024, 1)))
      << test::Show(log);
  std::map<unsigned, Bytes> all;
  for (unsigned i = 0; i < 32; ++i) all[i] = Bytes(48, static_cast<std::uint8_t>(i + 1));
  CheckLog registers;
  EXPECT_TRUE(test::Take(test::Mint({.pcrs = all}), registers)) << test::Show(registers);
  all.erase(all.begin(), std::prev(all.end(), 9));
  CheckLog of_tpm;
  EXPECT_FALSE(test::Take(test::Mint({.tpm = true, .pcrs = all}), of_tpm));
  EXPECT_NE(test::FindingOf(of_tpm, Reason::kNitroMemberInvalid), nullptr);
}

TEST(NitroDocument, WithoutADemandFreshnessIsSkipped) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint(), log, nullptr, std::nullopt);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->freshness(), trust::Freshness::kSkipped);
  EXPECT_NE(test::FindingOf(log, Reason::kFreshnessSkipped), nullptr);
}

TEST(NitroDocument, TheProductionPinIsTheRootG1) {
  ASSERT_EQ(kFormat.anchors.size(), 1U);
  EXPECT_EQ(ToHex(kFormat.anchors.front().spki_sha256), "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225");
  EXPECT_EQ(kFormat.anchors.front().vendor, "aws");
}

TEST(NitroDocument, AModuleIsAnInstanceAndItsKind) {
  EXPECT_EQ(InstanceOf("i-04fd167167daacf3b-enc01845e97d0b3eb4e", Kind::kEnclave), "i-04fd167167daacf3b");
  EXPECT_EQ(InstanceOf("i-01cfb383223e42522-tpm0000000000000000", Kind::kTpm), "i-01cfb383223e42522");
  for (const std::string_view id :
       {"", "i-04fd167167daacf3b", "i-04fd167167daacf3b-tpm0000000000000000", "i--enc01845e97d0b3eb4e",
        "j-04fd167167daacf3b-enc01845e97d0b3eb4e", "i-04fd167167daacf3b-enc01845e97d0b3eb4", "i-04fd167167daacf3b-enc01845e97d0b3eb4E",
        "i-04fd167167daacf3b-enc01845e97d0b3eb4e0", "-enc01845e97d0b3eb4e"}) {
    EXPECT_EQ(InstanceOf(id, Kind::kEnclave), "") << id;
  }
}

TEST(NitroDocument, ACertificateIsOfOneModuleInOneRegion) {
  EXPECT_EQ(RegionIn("m.us-east-1.aws", "m"), "us-east-1");
  for (const std::string_view name : {"", "m", "m.aws", "m..aws", "mus-east-1.aws", "n.us-east-1.aws", "m.us-east-1.aws.nitro-enclaves",
                                      "m.us.east.aws", "m.US-EAST-1.aws", "m.us-east-1"}) {
    EXPECT_EQ(RegionIn(name, "m"), "") << name;
  }
}

TEST(NitroDocument, IsRecognisedAndDescribed) {
  const Bytes document = test::Mint({.tpm = true, .user_data = Bytes{7}});
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(document)), kDocumentMediaType);
  const auto description = kFormat.describe(trust::UntrustedBytes(document));
  ASSERT_TRUE(description);
  EXPECT_FALSE(description->malformed());
  EXPECT_THAT(description->value(), HasSubstr("NitroTPM"));
  Bytes cut = document;
  cut.pop_back();
  const auto defect = kFormat.describe(trust::UntrustedBytes(cut));
  ASSERT_TRUE(defect);
  EXPECT_TRUE(defect->malformed());
  EXPECT_FALSE(kFormat.describe(trust::UntrustedBytes(Bytes{0x84, 0x44})));
  EXPECT_EQ(kFormat.media_type_of(trust::UntrustedBytes(Bytes(2000, 0x30))), "");
}

TEST(NitroDocument, HintsSayWhatUnverifiedBytesSay) {
  const std::vector<evidence::Item> items{
      {std::string(kDocumentMediaType), trust::UntrustedBytes(test::Mint({.tpm = true, .fault = softtee::NitroFault::kSignedByOtherKey}))}};
  const auto hint = HintOf(items);
  ASSERT_TRUE(hint);
  EXPECT_EQ(hint->kind, Kind::kTpm);
  EXPECT_EQ(hint->module_id, "i-0123456789abcdef0-tpm0000000000000000");
  EXPECT_FALSE(HintOf({}));
  const std::vector<evidence::Item> garbage{{std::string(kDocumentMediaType), trust::UntrustedBytes(Bytes{1})}};
  EXPECT_FALSE(HintOf(garbage));
}

// Attack 61, GHSA-xrv8-2pf5-f3q7: one register of a pair.
TEST(NitroJudge, Attack061_Pcr4And12AreAppraisedTogether) {
  CheckLog log;
  const auto bundle = test::Take(test::Mint({.tpm = true}), log);
  ASSERT_TRUE(bundle);
  struct Rules {
    std::set<std::string> pinned, released;
  };
  const auto names = [](const void*, std::string_view, const trust::Value&) { return false; };
  const auto pins = [](const void* rules, std::string_view claim) {
    return static_cast<const Rules*>(rules)->pinned.contains(std::string(claim));
  };
  const auto releases = [](const void* rules, std::string_view claim) {
    return static_cast<const Rules*>(rules)->released.contains(std::string(claim));
  };
  struct {
    Rules rules;
    bool open;
  } const cases[] = {{{{}, {}}, false},
                     {{{"nitro.tpm_pcr4"}, {}}, true},
                     {{{"nitro.tpm_pcr12"}, {}}, true},
                     {{{}, {"nitro.tpm_pcr4"}}, true},
                     {{{"nitro.tpm_pcr4"}, {"nitro.tpm_pcr12"}}, false},
                     {{{"nitro.tpm_pcr4", "nitro.tpm_pcr12"}, {}}, false},
                     {{{"nitro.tpm_pcr7"}, {}}, false}};
  for (const auto& one : cases) {
    CheckLog judged;
    Judge(bundle->claims(), {.names_value = names, .pins_claim = pins, .policy = &one.rules, .released_claim = releases}, judged);
    const Finding* finding = test::FindingOf(judged, Reason::kBootPcrsOpen);
    EXPECT_EQ(finding != nullptr, one.open);
    if (finding != nullptr) { EXPECT_EQ(finding->effect, Effect::kIndeterminate); }
  }
}

}  // namespace
}  // namespace assay::nitro

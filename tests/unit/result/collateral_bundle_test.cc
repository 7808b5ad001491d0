#include "result/collateral_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "token/jws.h"

namespace assay::result {
namespace {

using testing::HasSubstr;

const SigningKey& Key() {
  static const SigningKey key = SigningKey::Generate();
  return key;
}

CollateralBundle Sample() {
  CollateralBundle bundle{.number = 7, .made = *ParseTime("2026-11-24T02:00:00Z"), .documents = {}, .floors = {}};
  bundle.documents.push_back({{"intel.tcb_info", "TDX", "00806f050000"}, trust::Channel::kStandard, bundle.made, {1, 2, 3}});
  bundle.documents.push_back({{"intel.tcb_info", "TDX", "00806f050000"}, trust::Channel::kEarly, bundle.made, {4}});
  bundle.documents.push_back({{"amd.crl", "Milan", ""}, trust::Channel::kStandard, bundle.made, {5}});
  bundle.floors.push_back({{{"amd.crl", "Milan", ""}, 0xFFFFFFFFFFFFFFFFu, bundle.made}, trust::Channel::kStandard});
  return bundle;
}

std::vector<token::Jwk> Trusted(const SigningKey& key = Key()) { return {{key.key().public_key(), key.id(), {}}}; }

// Opens, or the reason why not.
std::string Refused(std::string_view file, const std::vector<token::Jwk>& keys = Trusted(), Check check = Check::kBundleForm,
                    Reason reason = Reason::kBundleMalformed) {
  CheckLog log;
  const auto opened = OpenBundle(file, keys, log);
  EXPECT_FALSE(opened.has_value());
  if (log.findings().empty()) {
    ADD_FAILURE() << "refused without a reason";
    return {};
  }
  EXPECT_EQ(log.findings().front().reason, reason) << Describe(log.findings().front());
  bool failed = false;
  for (const CheckRecord& record : log.records()) failed |= record.check == check && record.result == CheckResult::kFailed;
  EXPECT_TRUE(failed) << NameOf(check);
  return Describe(log.findings().front());
}

// A bundle whose body is this, properly signed.
std::string With(std::string_view body, std::string_view head_more = {}, std::string_view type = "assay-collateral-bundle") {
  const std::string head =
      Cat(R"({"made":"2026-11-24T02:00:00Z","number":7,"sha256":")", ToHex(crypto::Sha256(AsBytes(body))), "\"", head_more, "}");
  return Cat(token::SignJws(head, Key().id(), type, Key().key()), "\n", body);
}

TEST(CollateralBundle, WhatWasSignedIsOpened) {
  const auto file = SignBundle(Sample(), Key());
  ASSERT_TRUE(file.has_value());
  CheckLog log;
  const auto opened = OpenBundle(*file, Trusted(), log);
  ASSERT_TRUE(opened.has_value()) << Describe(log.findings().front());
  EXPECT_EQ(opened->key_id, Key().id());
  EXPECT_EQ(opened->bundle.number, 7);
  EXPECT_EQ(opened->bundle.made, Sample().made);
  ASSERT_EQ(opened->bundle.documents.size(), 3u);
  EXPECT_EQ(opened->bundle.documents[1].channel, trust::Channel::kEarly);
  EXPECT_EQ(opened->bundle.documents[0].body, (Bytes{1, 2, 3}));
  EXPECT_EQ(opened->bundle.documents[0].key.detail, "00806f050000");
  ASSERT_EQ(opened->bundle.floors.size(), 1u);
  EXPECT_EQ(opened->bundle.floors[0].edition.number, 0xFFFFFFFFFFFFFFFFu);
  EXPECT_EQ(opened->sha256, crypto::Sha256(AsBytes(*file)));
  for (const Check check : {Check::kBundleForm, Check::kBundleKey, Check::kBundleSignature, Check::kBundleDigest}) {
    bool passed = false;
    for (const CheckRecord& record : log.records()) passed |= record.check == check && record.result == CheckResult::kPassed;
    EXPECT_TRUE(passed) << NameOf(check);
  }
}

TEST(CollateralBundle, AKeyThatIsNotConfiguredOpensNothing) {
  const std::string file = *SignBundle(Sample(), Key());
  EXPECT_THAT(Refused(file, Trusted(SigningKey::Generate()), Check::kBundleKey, Reason::kBundleKeyUnknown), HasSubstr(Key().id()));
  Refused(file, {}, Check::kBundleKey, Reason::kBundleKeyUnknown);
}

// Another key that calls itself as the trusted one does.
TEST(CollateralBundle, ANameIsNoSignature) {
  const SigningKey stranger = SigningKey::Generate();
  const std::string body = R"({"documents":[],"floors":[]})";
  const std::string head = Cat(R"({"made":"2026-11-24T02:00:00Z","number":7,"sha256":")", ToHex(crypto::Sha256(AsBytes(body))), "\"}");
  Refused(Cat(token::SignJws(head, Key().id(), "assay-collateral-bundle", stranger.key()), "\n", body), Trusted(), Check::kBundleSignature,
          Reason::kBundleNotAuthentic);
}

TEST(CollateralBundle, ATokenOfTheSameKeyIsNoBundle) {
  EXPECT_THAT(Refused(With(R"({"documents":[],"floors":[]})", {}, "JWT")), HasSubstr("head.typ"));
}

TEST(CollateralBundle, EveryFlippedBitIsFound) {
  const std::string file = *SignBundle(Sample(), Key());
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int bit : {0, 5}) {
      std::string flipped = file;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      CheckLog log;
      EXPECT_FALSE(OpenBundle(flipped, Trusted(), log).has_value()) << i << " " << bit;
      EXPECT_FALSE(log.findings().empty()) << i << " " << bit;
    }
  }
}

TEST(CollateralBundle, WhatIsCutOffOrLongerIsFound) {
  const std::string file = *SignBundle(Sample(), Key());
  for (std::size_t keep = 0; keep < file.size(); ++keep) {
    CheckLog log;
    EXPECT_FALSE(OpenBundle(std::string_view(file).substr(0, keep), Trusted(), log).has_value()) << keep;
    EXPECT_FALSE(log.findings().empty()) << keep;
  }
  Refused(file + " ", Trusted(), Check::kBundleDigest, Reason::kBundleNotAuthentic);
  Refused(std::string(kMostBundleBytes + 1, 'x'));
}

TEST(CollateralBundle, AnotherBodyUnderAGenuineHeadIsFound) {
  const std::string one = *SignBundle(Sample(), Key());
  CollateralBundle changed = Sample();
  changed.floors.clear();
  const std::string other = *SignBundle(changed, Key());
  Refused(one.substr(0, one.find('\n')) + other.substr(other.find('\n')), Trusted(), Check::kBundleDigest, Reason::kBundleNotAuthentic);
}

TEST(CollateralBundle, WhatIsSignedAndNotOfItsFormIsRefused) {
  const std::string good =
      R"({"kind":"amd.crl","scope":"Milan","detail":"","channel":"standard","obtained":"2026-11-24T02:00:00Z","body":"AQ=="})";
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    return Cat(R"({"documents":[)", text.replace(at, from.size(), to), R"(],"floors":[]})");
  };
  const std::string floor =
      R"({"kind":"amd.crl","scope":"Milan","detail":"","channel":"standard","number":"5","issued":"2026-11-24T02:00:00Z"})";
  {
    CheckLog log;
    EXPECT_TRUE(OpenBundle(With(Cat(R"({"documents":[)", good, R"(],"floors":[)", floor, "]}")), Trusted(), log).has_value())
        << "what the cases below change";
  }
  const std::pair<std::string, std::string_view> cases[] = {
      {"", "body"},
      {"[]", "expected an object"},
      {R"({"documents":[]})", "floors: expected an array, actual none"},
      {R"({"documents":[],"floors":[],"more":1})", "more: expected no such member"},
      {R"({"documents":{},"floors":[]})", "documents: expected an array"},
      {R"({"documents":[],"documents":[],"floors":[]})", "body"},
      {R"({"documents":[],"floors":[]} )", ""},
      {R"({"documents":[1],"floors":[]})", "documents[0]: expected an object"},
      {Cat(R"({"documents":[)", good, ",", good, R"(],"floors":[]})"), "documents[1]: expected each document once"},
      {changed("\"AQ==\"", "\"\""), "body: expected base64"},
      {changed("\"AQ==\"", "\"AQ\""), "body: expected base64"},
      {changed("\"AQ==\"", "1"), "body: expected base64"},
      {changed("amd.crl", ""), "kind: expected a kind"},
      {changed("Milan", "Mi\\u0001lan"), "scope: expected at most"},
      {changed("standard", "nightly"), "channel: expected standard or early"},
      {changed("2026-11-24T02:00:00Z", "noon"), "obtained: expected a time"},
      {changed("\"detail\":\"\",", ""), "detail: expected a string, actual none"},
      {changed("\"detail\":\"\"", "\"detail\":\"\",\"x\":1"), "x: expected no such member"},
      {Cat(R"({"documents":[],"floors":[)", floor, ",", floor, "]}"), "each floor once"},
  };
  for (const auto& [body, why] : cases) {
    if (why.empty()) continue;  // trailing blanks are JSON's own
    EXPECT_THAT(Refused(With(body)), HasSubstr(std::string(why))) << body;
  }
  for (const std::string_view number : {"-1", "", "05", "1e3", "18446744073709551616", "99999999999999999999999"}) {
    std::string text = floor;
    EXPECT_THAT(Refused(With(Cat(R"({"documents":[],"floors":[)", text.replace(text.find("\"5\""), 3, Cat("\"", number, "\"")), "]}"))),
                HasSubstr("a decimal of 64 bits"))
        << number;
  }
  EXPECT_THAT(Refused(With(R"({"documents":[],"floors":[]})", ",\"more\":1")), HasSubstr("head"));
}

TEST(CollateralBundle, MoreThanFitsIsNotSigned) {
  CollateralBundle bundle = Sample();
  bundle.documents[0].body.resize(kMostBundleBytes);
  EXPECT_FALSE(SignBundle(bundle, Key()).has_value());
}

}  // namespace
}  // namespace assay::result

#include "platform/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "platform/aws_sev_snp_report/platform.h"
#include "platform/qemu_sev_snp/platform.h"

namespace assay::platform {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr std::string_view kReport = "application/vnd.assay.sev-snp-report";
constexpr std::string_view kTable = "application/vnd.assay.sev-cert-table";
constexpr std::string_view kQuote = "application/vnd.assay.tpm-quote";

constexpr auto kManifest = std::to_array<ManifestEntry>({{kReport, 1, 1}, {kTable, 0, 1}, {kQuote, 2, 3}});
Platform Fake(std::span<const ManifestEntry> manifest = kManifest) {
  Platform platform{};
  platform.name = "fake";
  platform.manifest = manifest;
  return platform;
}

evidence::Item Item(std::string_view type, std::string_view body = "x") {
  return {std::string(type), trust::UntrustedBytes(ToBytes(AsBytes(body)))};
}
using Items = std::vector<evidence::Item>;

TEST(CheckManifestTest, AcceptsWhatTheManifestLists) {
  for (const Items& items : std::vector<Items>{
           {Item(kReport), Item(kQuote), Item(kQuote)},
           {Item(kQuote), Item(kTable), Item(kQuote), Item(kReport), Item(kQuote)},
       }) {
    CheckLog log;
    EXPECT_TRUE(CheckManifest(Fake(), items, log));
    EXPECT_TRUE(log.findings().empty());
    ASSERT_EQ(log.records().size(), 1U);
    EXPECT_EQ(log.records()[0].check, Check::kManifest);
    EXPECT_EQ(log.records()[0].result, CheckResult::kPassed);
  }
}

struct Refused {
  const char* name;
  Items items;
  Reason reason;
  const char* component;
  const char* expected;
  const char* actual;
};

TEST(CheckManifestTest, RefusesEverythingElseByName) {
  const Items sound{Item(kReport), Item(kQuote), Item(kQuote)};
  const auto with = [&](evidence::Item more) {
    Items items = sound;
    items.push_back(std::move(more));
    return items;
  };
  for (const Refused& refused : std::vector<Refused>{
           {"unknown type", with(Item("application/x-unknown")), Reason::kMediaTypeUnknown, "fake", "tpm-quote", "application/x-unknown"},
           {"no type", with(Item("")), Reason::kMediaTypeUnknown, "fake", "tpm-quote", ""},
           {"another case", with(Item("application/vnd.assay.TPM-quote")), Reason::kMediaTypeUnknown, "fake", "tpm-quote", "TPM"},
           {"with a parameter", with(Item("application/vnd.assay.tpm-quote;v=1")), Reason::kMediaTypeUnknown, "fake", "tpm-quote", ";v=1"},
           {"with a blank", with(Item("application/vnd.assay.tpm-quote ")), Reason::kMediaTypeUnknown, "fake", "tpm-quote", "quote "},
           {"a prefix", with(Item("application/vnd.assay.tpm-quot")), Reason::kMediaTypeUnknown, "fake", "tpm-quote", "quot"},
           {"of another platform", with(Item("application/vnd.assay.nitro-document")), Reason::kItemUnexpected, "fake", "tpm-quote",
            "nitro-document"},
           {"first of all known types", with(Item("application/json")), Reason::kItemUnexpected, "fake", "tpm-quote", "application/json"},
           {"one too many", with(Item(kReport)), Reason::kItemDuplicate, "sev-snp-report", "exactly 1", "2"},
           {"one too many of several",
            {Item(kReport), Item(kQuote), Item(kQuote), Item(kQuote), Item(kQuote)},
            Reason::kItemDuplicate,
            "tpm-quote",
            "2 to 3",
            "4"},
           {"an optional one twice",
            {Item(kReport), Item(kQuote), Item(kQuote), Item(kTable), Item(kTable)},
            Reason::kItemDuplicate,
            "sev-cert-table",
            "at most 1",
            "2"},
           {"a missing one", {Item(kQuote), Item(kQuote)}, Reason::kItemMissing, "sev-snp-report", "exactly 1", "0"},
           {"too few", {Item(kReport), Item(kQuote)}, Reason::kItemMissing, "tpm-quote", "2 to 3", "1"},
           {"an empty one", with(Item(kTable, "")), Reason::kItemEmpty, "sev-cert-table", "at least 1 byte", "0 bytes"},
           {"an empty one that is needed",
            {Item(kReport, ""), Item(kQuote), Item(kQuote)},
            Reason::kItemEmpty,
            "sev-snp-report",
            "at least 1 byte",
            "0 bytes"},
       }) {
    SCOPED_TRACE(refused.name);
    CheckLog log;
    EXPECT_FALSE(CheckManifest(Fake(), refused.items, log));
    ASSERT_EQ(log.findings().size(), 1U);
    const Finding& finding = log.findings()[0];
    EXPECT_EQ(NameOf(finding.reason), NameOf(refused.reason));
    EXPECT_EQ(finding.effect, Effect::kReject);
    EXPECT_THAT(finding.component, HasSubstr(refused.component));
    EXPECT_THAT(finding.expected, HasSubstr(refused.expected));
    EXPECT_THAT(finding.actual, HasSubstr(refused.actual));
    ASSERT_EQ(log.records().size(), 1U);
    EXPECT_EQ(log.records()[0].result, CheckResult::kFailed);
  }
}

// Attack 38: vacuous success.
TEST(CheckManifestTest, Attack038_NothingSentIsNothingProven) {
  CheckLog log;
  EXPECT_FALSE(CheckManifest(Fake(), {}, log));
  EXPECT_EQ(log.findings().size(), 2U) << "each missing item by name";
  for (const platform::Platform* platform : {&qemu_sev_snp::kPlatform, &aws_sev_snp_report::kPlatform}) {
    CheckLog empty;
    EXPECT_FALSE(CheckManifest(*platform, {}, empty)) << platform->name;
  }
}

TEST(CheckManifestTest, NamesEveryDefectAtOnce) {
  CheckLog log;
  EXPECT_FALSE(CheckManifest(Fake(), Items{Item("a/b", ""), Item(kReport), Item(kReport)}, log));
  std::vector<Reason> reasons;
  for (const Finding& finding : log.findings()) reasons.push_back(finding.reason);
  EXPECT_THAT(reasons, UnorderedElementsAre(Reason::kMediaTypeUnknown, Reason::kItemEmpty, Reason::kItemDuplicate, Reason::kItemMissing));
}

// Attack 43: what a node makes up is shown bounded and printable.
TEST(CheckManifestTest, Attack043_AStrangeTypeIsShownBounded) {
  const std::string strange = "\x1b[2J\n" + std::string(100'000, 'a');
  CheckLog log;
  EXPECT_FALSE(CheckManifest(Fake(), Items{Item(strange, "")}, log));
  for (const Finding& finding : log.findings()) {
    EXPECT_LT(finding.actual.size() + finding.component.size(), 1000U);
    for (const std::string& text : {finding.actual, finding.component}) {
      EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; })) << text;
    }
  }
}

TEST(FeatureTest, EachHasOneName) {
  std::set<std::string_view> names;
  for (const Feature feature : AllFeatures()) {
    EXPECT_TRUE(names.insert(NameOf(feature)).second);
    EXPECT_EQ(FeatureNamed(NameOf(feature)), feature);
  }
  EXPECT_THAT(names,
              UnorderedElementsAre("custom_images", "memory_encryption", "raw_guest_attestation", "reviewable_firmware", "measured_boot"));
  EXPECT_TRUE(std::is_sorted(AllFeatures().begin(), AllFeatures().end()));
}

TEST(FeatureTest, OtherNamesAreNone) {
  for (const char* name : {"", "unknown", "Memory_encryption", "memory_encryption ", "memory-encryption", "memory_encryptio", "memory"}) {
    EXPECT_FALSE(FeatureNamed(name)) << name;
  }
}

TEST(StrengthTest, StrongestFirst) {
  EXPECT_EQ(NameOf(Strength::kA), "A");
  EXPECT_EQ(NameOf(Strength::kE), "E");
  EXPECT_LT(Strength::kA, Strength::kB);
  EXPECT_LT(Strength::kD, Strength::kE);
}

}  // namespace
}  // namespace assay::platform

// Policy files: what they mean once loaded, and every way in which they are refused.
//
// In the texts below '@' marks where a message must point; it is no part of the file. <N> stands for N octets in
// quotes, <0:N> for N zero octets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <ostream>

#include "appraisal/policy.h"
#include "base/hex.h"
#include "base/strings.h"
#include "evidence/sev_snp/format.h"
#include "registry/builtin_registry.h"

namespace assay::appraisal {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAreArray;

// One line an element: a case replaces one of them, all others keep their numbers.
constexpr auto kPolicy = std::to_array<std::string_view>({
    "apiVersion: assay.v1",                                                                                        // 1
    "kind: AppraisalPolicy",                                                                                       // 2
    "name: p",                                                                                                     // 3
    "platform: qemu_sev_snp",                                                                                      // 4
    "strength: {at_least: B}",                                                                                     // 5
    "trust_boundary: {require: [measured_boot, memory_encryption]}",                                               // 6
    "max_validity: 90m",                                                                                           // 7
    "admit_with_warnings: true",                                                                                   // 8
    "rules:",                                                                                                      // 9
    "  - {claim: snp.policy_debug, equals: false}",                                                                // 10
    "  - {claim: snp.policy_migrate_ma, equals: false}",                                                           // 11
    "  - {claim: snp.vmpl, equals: 0}",                                                                            // 12
    "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": {snp: 0x18}, \"19:11:1\": {snp: 23, microcode: 84}}}",  // 13
    "  - {claim: snp.platform_info, bits_set: [alias_check_complete]}",                                            // 14
    "  - {claim: snp.revocation_checked, equals: true}",                                                           // 15
    "  - {claim: snp.measurement, equals: <48>}",                                                                  // 16
    "  - {claim: snp.id_key_digest, one_of: [<48>]}",                                                              // 17
    "  - {claim: snp.guest_svn, at_least: 3}",                                                                     // 18
    "satisfies: {boot.covered: snp.measurement, owner: snp.id_key_digest}",                                        // 19
    "waive: []",                                                                                                   // 20
});
constexpr std::size_t kSpareRule = 18;  // nothing depends on it

constexpr std::string_view kImages =
    "apiVersion: assay.v1\nkind: ReferenceValues\nname: images\nreleases:\n"
    "  - {name: \"2026.11\", sunset: 2027-03-01T00:00:00Z, values: {snp.measurement: <48>, snp.guest_svn: 4}}\n"
    "  - {name: \"2026.08\", values: {snp.measurement: <0:48>, snp.guest_svn: 3}}\n";

constexpr std::string_view kSet =
    "apiVersion: assay.v1\nkind: PolicySet\nname: workers\ncontext: {cluster: prod, role: [worker, edge]}\n"
    "strength: {at_least: C}\ntrust_boundary: {require: []}\npolicies: [p]\n";

std::string Expand(std::string_view text) {
  std::string expanded;
  while (!text.empty()) {
    const std::size_t open = text.find('<');
    expanded.append(text.substr(0, open));
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find('>', open);
    std::string_view count = text.substr(open + 1, close - open - 1);
    const bool zero = count.starts_with("0:");
    if (zero) count.remove_prefix(2);
    expanded.append(Cat('"', std::string(std::stoul(std::string(count)) * 2, zero ? '0' : 'a'), '"'));
    text.remove_prefix(close + 1);
  }
  return expanded;
}

std::string PolicyWith(std::size_t line, std::string_view replacement) {
  std::string text;
  for (std::size_t i = 0; i < kPolicy.size(); ++i) text += Cat(i + 1 == line ? replacement : kPolicy[i], '\n');
  return text;
}
std::string GoodPolicy() { return PolicyWith(0, ""); }

struct Marked {
  std::vector<std::pair<std::string, std::string>> files;  // without marks
  std::vector<std::string> marks;                          // "p.yaml:12:9", in order
};

void AddFile(Marked& marked, std::string name, std::string_view text) {
  std::string clean;
  std::size_t line = 1, column = 1;
  for (const char c : Expand(text)) {
    if (c == '@') {
      marked.marks.push_back(Cat(name, ':', line, ':', column));
      continue;
    }
    clean.push_back(c);
    ++column;
    if (c == '\n') ++line, column = 1;
  }
  marked.files.emplace_back(std::move(name), std::move(clean));
}

LoadResult Load(const std::vector<std::pair<std::string, std::string>>& texts) {
  Marked marked;
  for (const auto& [name, text] : texts) AddFile(marked, name, text);
  return LoadPolicies(marked.files, BuiltinRegistry());
}

std::vector<std::string> Shown(const LoadResult& result) {
  std::vector<std::string> shown;
  for (const LintMessage& message : result.messages) shown.push_back(message.ToString());
  return shown;
}

// The i-th message at the i-th mark, in any order, and no other.
void ExpectMessages(const Marked& marked, const std::vector<std::string_view>& texts, const Registry& registry = BuiltinRegistry()) {
  ASSERT_EQ(marked.marks.size(), texts.size()) << "the case itself";
  std::vector<testing::Matcher<std::string>> expected;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    expected.push_back(AllOf(StartsWith(Cat(marked.marks[i], ": ")), HasSubstr(std::string(texts[i]))));
  }
  const LoadResult result = LoadPolicies(marked.files, registry);
  EXPECT_FALSE(result.book.has_value());
  EXPECT_THAT(Shown(result), UnorderedElementsAreArray(expected));
}

// --- what a file means ---

TEST(LoadedPolicy, SaysWhatTheFileSays) {
  const LoadResult result = Load({{"p.yaml", GoodPolicy()}});
  ASSERT_THAT(Shown(result), IsEmpty());
  const Policy* policy = result.book->FindPolicy("p");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->platform, "qemu_sev_snp");
  EXPECT_EQ(policy->strength_at_least, platform::Strength::kB);
  EXPECT_THAT(policy->required_features, ElementsAre(platform::Feature::kMeasuredBoot, platform::Feature::kMemoryEncryption));
  EXPECT_EQ(policy->max_validity, std::chrono::minutes(90));
  EXPECT_TRUE(policy->admit_with_warnings);
  EXPECT_EQ(policy->boot_covered, "snp.measurement");
  EXPECT_EQ(policy->owner, "snp.id_key_digest");
  EXPECT_THAT(policy->waivers, IsEmpty());
  ASSERT_THAT(policy->rules, SizeIs(9));

  const Rule& debug = policy->rules[0];
  EXPECT_EQ(debug.kind, RuleKind::kEquals);
  EXPECT_EQ(debug.claim, "snp.policy_debug");
  EXPECT_THAT(debug.values, ElementsAre(trust::Value(false)));
  EXPECT_EQ(debug.where, "p.yaml:10:5");
  EXPECT_THAT(policy->rules[2].values, ElementsAre(trust::Value(std::uint64_t{0})));
  const Rule& tcb = policy->rules[3];
  EXPECT_EQ(tcb.kind, RuleKind::kAtLeast);
  ASSERT_THAT(tcb.floors, SizeIs(2));
  EXPECT_EQ(tcb.floors[0].key, "19:01:*");
  EXPECT_THAT(tcb.floors[0].components, ElementsAre(trust::VersionComponent{"snp", 0x18}));
  EXPECT_EQ(tcb.floors[1].key, "19:11:1");
  EXPECT_THAT(tcb.floors[1].components, ElementsAre(trust::VersionComponent{"snp", 0x17}, trust::VersionComponent{"microcode", 0x54}));
  EXPECT_EQ(policy->rules[4].kind, RuleKind::kBitsSet);
  EXPECT_EQ(policy->rules[4].number, 0x20u);
  EXPECT_EQ(policy->rules[7].kind, RuleKind::kOneOf);
  EXPECT_THAT(policy->rules[7].values, ElementsAre(trust::Value(Bytes(48, 0xaa))));
  EXPECT_EQ(policy->rules[8].kind, RuleKind::kAtLeast);
  EXPECT_EQ(policy->rules[8].number, 3u);
}

TEST(LoadedPolicy, HasDefaultsWhereTheFileIsSilent) {
  const LoadResult result = Load({{"p.yaml", Cat("apiVersion: assay.v1\nkind: AppraisalPolicy\nname: p\nplatform: qemu_sev_snp\n",
                                                 GoodPolicy().substr(GoodPolicy().find("rules:")))}});
  ASSERT_THAT(Shown(result), IsEmpty());
  const Policy& policy = result.book->policies().front();
  EXPECT_EQ(policy.strength_at_least, platform::Strength::kE);
  EXPECT_THAT(policy.required_features, IsEmpty());
  EXPECT_EQ(policy.max_validity, std::chrono::hours(1));
  EXPECT_EQ(policy.grace, Duration(0));
  EXPECT_FALSE(policy.admit_with_warnings);
}

Rule RuleOf(std::string_view text) {
  const LoadResult result = Load({{"images.yaml", std::string(kImages)}, {"p.yaml", PolicyWith(kSpareRule, Cat("  - ", text))}});
  EXPECT_THAT(Shown(result), IsEmpty()) << text;
  return result.book ? result.book->policies().front().rules[8] : Rule{};
}

TEST(LoadedRule, OfEachKind) {
  EXPECT_THAT(RuleOf("{claim: snp.product, one_of: [Genoa, \"Turin\"]}").values,
              ElementsAre(trust::Value(std::string("Genoa")), trust::Value(std::string("Turin"))));
  EXPECT_THAT(RuleOf("{claim: snp.version, one_of: [3, 0x5]}").values,
              ElementsAre(trust::Value(std::uint64_t{3}), trust::Value(std::uint64_t{5})));
  const Rule subset = RuleOf("{claim: snp.platform_info, subset_of: [smt_en, ecc_en]}");
  EXPECT_EQ(subset.kind, RuleKind::kSubsetOf);
  EXPECT_EQ(subset.number, 5u);
  const Rule clear = RuleOf("{claim: snp.policy, bits_clear: [debug]}");
  EXPECT_EQ(clear.kind, RuleKind::kBitsClear);
  EXPECT_EQ(clear.number, std::uint64_t{1} << 19);
  const Rule masked = RuleOf("{claim: snp.policy, masked_equals: {mask: 0xff00, value: 0x0100}}");
  EXPECT_EQ(masked.kind, RuleKind::kMaskedEquals);
  EXPECT_EQ(masked.number, 0xff00u);
  EXPECT_EQ(masked.masked_value, 0x100u);
  const Rule octets = RuleOf("{claim: snp.cpuid_fam_mod_step, masked_equals: {mask: \"ffff00\", value: \"191100\"}}");
  EXPECT_EQ(octets.octet_mask, *FromHex("ffff00"));
  EXPECT_THAT(octets.values, ElementsAre(trust::Value(*FromHex("191100"))));
  EXPECT_EQ(RuleOf("{claim: snp.csp_id, present: true}").kind, RuleKind::kPresent);
  EXPECT_THAT(RuleOf("{claim: cloud.provenance, equals: proven}").values, ElementsAre(trust::Value(std::string("proven"))));
  const Rule release = RuleOf("{release: images}");
  EXPECT_EQ(release.kind, RuleKind::kRelease);
  EXPECT_EQ(release.release, "images");
  const Rule any = RuleOf("any_of: [{claim: snp.author_key_en, equals: false}, {claim: snp.author_key_digest, one_of: [<48>]}]");
  EXPECT_EQ(any.kind, RuleKind::kAnyOf);
  ASSERT_THAT(any.alternatives, SizeIs(2));
  EXPECT_EQ(any.alternatives[1].claim, "snp.author_key_digest");
  EXPECT_EQ(any.where, "p.yaml:18:5");
}

TEST(LoadedPolicy, KeepsWaiversWithTheirReasons) {
  const LoadResult result = Load({{"p.yaml", PolicyWith(20, "waive: [{claim: snp.policy_debug, reason: \"a lab\"}]")}});
  ASSERT_THAT(Shown(result), IsEmpty()) << "a rule whose failure is waived";
  const Waiver* waiver = result.book->policies().front().FindWaiver("snp.policy_debug");
  ASSERT_NE(waiver, nullptr);
  EXPECT_EQ(waiver->reason, "a lab");
}

TEST(LoadedPolicy, MayWaiveWhatItDoesNotAppraise) {
  for (const auto& [line, claim] : {std::pair<std::size_t, std::string_view>(10, "snp.policy_debug"),
                                    {11, "snp.policy_migrate_ma"},
                                    {15, "snp.revocation_checked"},
                                    {19, "boot.covered"}}) {
    std::string text = PolicyWith(line, line == 19 ? "satisfies: {owner: snp.id_key_digest}" : "#");
    text.replace(text.find("waive: []"), 9, Cat("waive: [{claim: ", claim, ", reason: told}]"));
    EXPECT_THAT(Shown(Load({{"p.yaml", text}})), IsEmpty()) << claim;
  }
}

TEST(LoadedPolicy, MayAnswerByAClaimThatSomeRuleKeepsFromZero) {
  const std::string text = PolicyWith(kSpareRule, "  - {claim: snp.measurement, one_of: [<48>, <0:48>]}\n  - {release: images}");
  EXPECT_THAT(Shown(Load({{"p.yaml", text}, {"images.yaml", std::string(kImages)}})), IsEmpty());
}

TEST(LoadedPolicy, MayAnswerByEveryReleaseOfItsReferenceValues) {
  std::string images(kImages);
  images.replace(images.find("<0:48>"), 6, "<48>");
  EXPECT_THAT(Shown(Load({{"p.yaml", PolicyWith(16, "  - {release: images}")}, {"images.yaml", images}})), IsEmpty());
}

TEST(LoadedReferenceValues, AreWholeTuples) {
  const LoadResult result = Load({{"images.yaml", std::string(kImages)}});
  ASSERT_THAT(Shown(result), IsEmpty());
  const ReferenceValues* images = result.book->FindReferenceValues("images");
  ASSERT_NE(images, nullptr);
  ASSERT_THAT(images->releases, SizeIs(2));
  EXPECT_EQ(images->releases[0].name, "2026.11");
  EXPECT_EQ(images->releases[0].sunset, ParseTime("2027-03-01T00:00:00Z"));
  EXPECT_THAT(images->releases[0].values, ElementsAre(std::pair(std::string("snp.guest_svn"), trust::Value(std::uint64_t{4})),
                                                      std::pair(std::string("snp.measurement"), trust::Value(Bytes(48, 0xaa)))));
  EXPECT_FALSE(images->releases[1].sunset.has_value());
}

TEST(LoadedReferenceValues, TellWhatIsOnlyWarnedAbout) {
  std::string images(kImages);
  images.replace(images.find("snp.guest_svn: 4}"), 17, "snp.guest_svn: 4}, warn: {snp.vmpl: 0, snp.chip_id: <64>}");
  const LoadResult result = Load({{"images.yaml", images}});
  ASSERT_THAT(Shown(result), IsEmpty());
  const Release& release = result.book->FindReferenceValues("images")->releases[0];
  EXPECT_THAT(release.values, SizeIs(2));
  EXPECT_THAT(release.warnings, ElementsAre(std::pair(std::string("snp.chip_id"), trust::Value(Bytes(64, 0xaa))),
                                            std::pair(std::string("snp.vmpl"), trust::Value(std::uint64_t{0}))));
}

// What only warns appraises nothing: it answers no question, and no claim that a policy must appraise.
TEST(LoadedPolicy, IsNotAnsweredByWhatReleasesOnlyWarnAbout) {
  std::string images(kImages);
  images.replace(images.find("snp.measurement: <48>, snp.guest_svn: 4}"), 40, "snp.guest_svn: 4}, warn: {snp.measurement: <48>}");
  images.replace(images.find("<0:48>"), 6, "<48>");
  const LoadResult result = Load({{"p.yaml", PolicyWith(16, "  - {release: images}")}, {"images.yaml", images}});
  EXPECT_THAT(Join(Shown(result), "\n"), testing::HasSubstr("answers boot.covered only if"));
}

TEST(LoadedSet, IsFoundByItsContextOnly) {
  const LoadResult result = Load({{"set.yaml", std::string(kSet)}, {"p.yaml", GoodPolicy()}});
  ASSERT_THAT(Shown(result), IsEmpty());
  const PolicySet* set = result.book->FindSet("prod", "edge");
  ASSERT_NE(set, nullptr);
  EXPECT_EQ(set, result.book->FindSet("prod", "worker"));
  EXPECT_EQ(set->strength_at_least, platform::Strength::kC);
  EXPECT_THAT(set->required_features, IsEmpty());
  EXPECT_EQ(result.book->FindPolicy(*set, "qemu_sev_snp"), result.book->FindPolicy("p"));
  EXPECT_EQ(result.book->FindPolicy(*set, "aws_sev_snp_report"), nullptr);
  for (const auto& [cluster, role] : {std::pair("prod", "Worker"), {"prod", ""}, {"", "worker"}, {"prod2", "worker"}, {"worker", "prod"}}) {
    EXPECT_EQ(result.book->FindSet(cluster, role), nullptr) << cluster << "/" << role;
  }
}

TEST(BookDigest, IsOfTheTextsWhateverTheirNamesAndOrder) {
  const auto digest = [](const std::vector<std::pair<std::string, std::string>>& files) {
    const LoadResult result = Load(files);
    EXPECT_THAT(Shown(result), IsEmpty());
    return ToHex(result.book->Digest());
  };
  const std::string both = digest({{"p.yaml", GoodPolicy()}, {"set.yaml", std::string(kSet)}});
  EXPECT_EQ(digest({{"elsewhere/b.yaml", std::string(kSet)}, {"a.yaml", GoodPolicy()}}), both);
  EXPECT_NE(digest({{"p.yaml", GoodPolicy()}}), both);
  EXPECT_NE(digest({{"p.yaml", Cat(GoodPolicy(), "# seen\n")}, {"set.yaml", std::string(kSet)}}), both);
}

TEST(BookSources, AreKeptAsRead) {
  const LoadResult result = Load({{"set.yaml", std::string(kSet)}, {"p.yaml", GoodPolicy()}});
  ASSERT_TRUE(result.book.has_value());
  ASSERT_THAT(result.book->sources(), SizeIs(2));
  EXPECT_EQ(result.book->sources()[0].name, "set.yaml");
  EXPECT_EQ(AsText(result.book->sources()[0].text), kSet);
  EXPECT_EQ(result.book->sources()[0].sha256, crypto::Sha256(AsBytes(kSet)));
}

// --- what is refused: one line of the good policy replaced ---

struct Refused {
  std::string_view name;
  std::size_t line;
  std::string_view text;
  std::vector<std::string_view> messages;
  friend void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }
};

class RefusedPolicy : public testing::TestWithParam<Refused> {};

TEST_P(RefusedPolicy, WithTheReasonAtItsPlace) {
  Marked marked;
  AddFile(marked, "images.yaml", kImages);
  AddFile(marked, "p.yaml", PolicyWith(GetParam().line, GetParam().text));
  if (marked.marks.empty()) marked.marks.assign(GetParam().messages.size(), "p.yaml:1:1");  // of the document as a whole
  ExpectMessages(marked, GetParam().messages);
}

const Refused kDocument[] = {
    {"OtherApiVersion", 1, "apiVersion: @assay.v2", {"expected 'assay.v1', found 'assay.v2'"}},
    {"UnknownKind", 2, "kind: @ApraisalPolicy", {"unknown kind of document 'ApraisalPolicy'; did you mean 'AppraisalPolicy'?"}},
    {"KindIsAList", 2, "kind: @[AppraisalPolicy]", {"expected text, found a sequence"}},
    {"EmptyName", 3, "name: @\"\"", {"expected a name of 1 to 64 of a-z, 0-9, '.' and '-', found ''"}},
    {"NoNameAtAll", 3, "@name:", {"expected text"}},
    {"NameInCapitals", 3, "name: @Prod", {"expected a name of 1 to 64 of a-z, 0-9, '.' and '-', found 'Prod'"}},
    {"NameWithBlank", 3, "name: @prod workers", {"expected a name"}},
    {"NameTooLong", 3, "name: @aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddx", {"expected a name of 1 to 64"}},
    {"UnknownPlatform", 4, "platform: @qemu_sev_snb", {"unknown platform 'qemu_sev_snb'; did you mean 'qemu_sev_snp'?"}},
    {"FarPlatform", 4, "platform: @z", {"unknown platform 'z'; known: "}},
    {"UnknownKey", 5, "@strenght: {at_least: B}", {"found 'strenght'; did you mean 'strength'?"}},
    {"StrengthIsNoMapping", 5, "strength: @B", {"expected a mapping, found 'B'"}},
    {"UnknownStrength", 5, "strength: {at_least: @F}", {"expected a strength from A (strongest) to E, found 'F'"}},
    {"StrengthInSmallLetters", 5, "strength: {at_least: @a}", {"expected a strength from A"}},
    {"StrengthOtherKey", 5, "strength: @{@at_most: A}", {"expected the key 'at_least'", "did you mean 'at_least'?"}},
    {"UnknownFeature",
     6,
     "trust_boundary: {require: [@memory_encryptoin]}",
     {"unknown feature 'memory_encryptoin'; did you mean 'memory_encryption'?"}},
    {"FeatureTwice", 6, "trust_boundary: {require: [measured_boot, @measured_boot]}", {"feature measured_boot twice"}},
    {"FeaturesAreNoList", 6, "trust_boundary: {require: @measured_boot}", {"expected a sequence"}},
    {"ValidityIsNoDuration", 7, "max_validity: @1 hour", {"expected a duration as 90s, 10m, 1h or 7d, found '1 hour'"}},
    {"ValidityZero", 7, "max_validity: @0s", {"found '0s'"}},
    {"ValidityNegative", 7, "max_validity: @-1h", {"found '-1h'"}},
    {"ValidityOverADay", 7, "max_validity: @25h", {"expected at most 1d, found '25h'"}},
    {"ValidityOverADayInSeconds", 7, "max_validity: @86401s", {"expected at most 1d"}},
    {"GraceIsNoDuration", 7, "grace: @some time", {"expected a duration as 90s, 10m, 1h or 7d, found 'some time'"}},
    {"GraceZero", 7, "grace: @0s", {"found '0s'"}},
    {"GraceOverAWeek", 7, "grace: @169h", {"expected at most 7d, found '169h'"}},
    {"AdmitIsNoFlag", 8, "admit_with_warnings: @yes", {"expected true or false, found 'yes'"}},
    {"KeyTwice", 8, "@max_validity: 1h", {"expected each key once"}},
};

const Refused kRules[] = {
    {"RuleIsText", kSpareRule, "  - @snp.vmpl", {"expected a mapping, found 'snp.vmpl'"}},
    {"RuleIsNothing", kSpareRule, "  - @~", {"expected a mapping, found nothing"}},
    {"NoClaim", kSpareRule, "  - @{equals: 0}", {"expected the key 'claim'"}},
    {"UnknownClaim",
     kSpareRule,
     "  - {claim: @snp.measurment, equals: 0}",
     {"unknown claim 'snp.measurment'; did you mean 'snp.measurement'?"}},
    {"FarClaim", kSpareRule, "  - {claim: @x, equals: 0}", {"unknown claim 'x'; docs/claims.md lists them"}},
    {"OwnerIsNoClaim", kSpareRule, "  - {claim: @owner, equals: x}", {"unknown claim 'owner'"}},
    {"BootCoveredIsNoClaim", kSpareRule, "  - {claim: @boot.covered, equals: x}", {"unknown claim 'boot.covered'"}},
    {"UnknownKind", kSpareRule, "  - {claim: snp.vmpl, @equal: 0}", {"found 'equal'; did you mean 'equals'?"}},
    {"NoKind",
     kSpareRule,
     "  - @{claim: snp.vmpl}",
     {"expected exactly one kind of rule on snp.vmpl, of equals, one_of, at_least, masked_equals, present; found 0"}},
    {"TwoKinds", kSpareRule, "  - @{claim: snp.vmpl, equals: 0, at_least: 1}", {"expected exactly one kind of rule on snp.vmpl"}},
    {"FlagAtLeast",
     kSpareRule,
     "  - {claim: snp.policy_smt, @at_least: 1}",
     {"at_least does not fit snp.policy_smt, which is true or false; use equals, present"}},
    {"FlagOneOf", kSpareRule, "  - {claim: snp.policy_smt, @one_of: [true]}", {"one_of does not fit"}},
    {"FlagAsNumber", kSpareRule, "  - {claim: snp.policy_smt, equals: @1}", {"expected true or false, found '1'"}},
    {"FlagInWords", kSpareRule, "  - {claim: snp.policy_smt, equals: @no}", {"expected true or false, found 'no'"}},
    {"BitsOfAPlainNumber", kSpareRule, "  - {claim: snp.vmpl, @bits_set: [smt_en]}", {"bits_set does not fit snp.vmpl, which is a number"}},
    {"SubsetOfAPlainNumber", kSpareRule, "  - {claim: snp.vmpl, @subset_of: [0]}", {"subset_of does not fit snp.vmpl"}},
    {"LeastOfABitField",
     kSpareRule,
     "  - {claim: snp.platform_info, @at_least: 1}",
     {"at_least does not fit snp.platform_info, which is a bit field"}},
    {"LeastOfText",
     kSpareRule,
     "  - {claim: snp.current_version, @at_least: 1}",
     {"at_least does not fit snp.current_version, which is text"}},
    {"BitsOfOctets",
     kSpareRule,
     "  - {claim: snp.host_data, @bits_clear: [debug]}",
     {"bits_clear does not fit snp.host_data, which is octets"}},
    {"VersionEquals",
     kSpareRule,
     "  - {claim: snp.current_tcb, @equals: 0x18}",
     {"equals does not fit snp.current_tcb, which is a version of several components; use at_least, present"}},
    {"Status", kSpareRule, "  - {claim: snp.vmpl, @status_at_most: 1}", {"status_at_most does not fit snp.vmpl"}},
    {"Age", kSpareRule, "  - {claim: snp.vmpl, @age_at_most: 1h}", {"age_at_most does not fit snp.vmpl"}},
    {"NotBefore", kSpareRule, "  - {claim: snp.vmpl, @not_before: 2026-01-01T00:00:00Z}", {"not_before does not fit snp.vmpl"}},
    {"NotAfter", kSpareRule, "  - {claim: snp.vmpl, @not_after: 2026-01-01T00:00:00Z}", {"not_after does not fit snp.vmpl"}},
    {"NumberInQuotes", kSpareRule, "  - {claim: snp.vmpl, equals: @\"0\"}", {"expected an integer"}},
    {"NumberNegative", kSpareRule, "  - {claim: snp.vmpl, equals: @-1}", {"expected an integer"}},
    {"AtLeastZero", kSpareRule, "  - {claim: snp.guest_svn, at_least: @0}", {"at least 0 would let everything pass"}},
    {"HexNotQuoted",
     kSpareRule,
     "  - {claim: snp.image_id, equals: @11111111111111111111111111111111}",
     {"expected hexadecimal digits in quotes"}},
    {"HexOdd", kSpareRule, "  - {claim: snp.image_id, equals: @\"111\"}", {"expected hexadecimal digits in quotes"}},
    {"HexPrefix", kSpareRule, "  - {claim: snp.image_id, equals: @\"0x11\"}", {"expected hexadecimal digits in quotes"}},
    {"HexTooShort", kSpareRule, "  - {claim: snp.image_id, equals: @<15>}", {"expected 16 bytes for snp.image_id, found 15"}},
    {"HexTooLong", kSpareRule, "  - {claim: snp.measurement, one_of: [<48>, @<64>]}", {"expected 48 bytes for snp.measurement, found 64"}},
    {"OneOfNothing", kSpareRule, "  - {claim: snp.image_id, one_of: @[]}", {"an empty list would allow nothing"}},
    {"OneOfTwice", kSpareRule, "  - {claim: snp.product, one_of: [Milan, Genoa, @Milan]}", {"Milan twice"}},
    {"OneOfTwiceInOtherDigits", kSpareRule, "  - {claim: snp.version, one_of: [5, @0x5]}", {"5 twice"}},
    {"OneOfIsNoList", kSpareRule, "  - {claim: snp.image_id, one_of: @<16>}", {"expected a sequence"}},
    {"OneOfListOfLists", kSpareRule, "  - {claim: snp.product, one_of: [@[Milan]]}", {"expected text, found a sequence"}},
    {"NoBits", kSpareRule, "  - {claim: snp.platform_info, bits_clear: @[]}", {"an empty list of bits"}},
    {"SubsetOfNothing", kSpareRule, "  - {claim: snp.platform_info, subset_of: @[]}", {"an empty list of bits"}},
    {"UnknownBit",
     kSpareRule,
     "  - {claim: snp.platform_info, bits_set: [smt_en, @ecc_on]}",
     {"unknown bit of snp.platform_info 'ecc_on'; did you mean 'ecc_en'?"}},
    {"BitByNumber", kSpareRule, "  - {claim: snp.platform_info, bits_set: [@5]}", {"unknown bit of snp.platform_info '5'"}},
    {"EachUnknownBit",
     kSpareRule,
     "  - {claim: snp.policy, bits_clear: [@debugg, @migrat_ma]}",
     {"did you mean 'debug'?", "did you mean 'migrate_ma'?"}},
    {"MaskIsNoMapping", kSpareRule, "  - {claim: snp.policy, masked_equals: @1}", {"expected a mapping"}},
    {"MaskWithoutValue", kSpareRule, "  - {claim: snp.policy, masked_equals: @{mask: 1}}", {"expected the key 'value'"}},
    {"MaskOfZero",
     kSpareRule,
     "  - {claim: snp.policy, masked_equals: {mask: @0, value: 0}}",
     {"a mask of zero would let everything pass"}},
    {"ValueOutsideOfMask",
     kSpareRule,
     "  - {claim: snp.policy, masked_equals: {mask: 1, value: @3}}",
     {"the value has bits outside of the mask"}},
    {"OctetMaskOfZero",
     kSpareRule,
     "  - {claim: snp.host_data, masked_equals: {mask: @<0:32>, value: <0:32>}}",
     {"a mask of zero would let everything pass"}},
    {"OctetMaskTooShort", kSpareRule, "  - {claim: snp.host_data, masked_equals: {mask: @<16>, value: <32>}}", {"expected 32 bytes"}},
    {"OctetValueOutsideOfMask",
     kSpareRule,
     "  - {claim: snp.cpuid_fam_mod_step, masked_equals: {mask: \"ff0000\", value: @\"191100\"}}",
     {"bits outside of the mask"}},
    {"NotPresent", kSpareRule, "  - {claim: snp.csp_id, present: @false}", {"present takes only true"}},
    {"ProvenanceUnknown",
     kSpareRule,
     "  - {claim: cloud.provenance, equals: @prooven}",
     {"unknown provenance 'prooven'; did you mean 'proven'?"}},
    {"ProvenancePresent",
     kSpareRule,
     "  - {claim: cloud.provenance, @present: true}",
     {"present does not fit cloud.provenance, which is text; use equals, one_of"}},
    {"UnknownReferenceValues", kSpareRule, "  - {release: @imges}", {"unknown reference values 'imges'; did you mean 'images'?"}},
    {"ReleaseAndClaim", kSpareRule, "  - {release: images, @claim: snp.vmpl}", {"expected one of the keys release, found 'claim'"}},
    {"ReleaseIsAList", kSpareRule, "  - {release: @[images]}", {"expected text"}},
    {"AnyOfNothing", kSpareRule, "  - any_of: @[]", {"expected at least two alternatives, found 0"}},
    {"AnyOfOne", kSpareRule, "  - any_of: @[{claim: snp.vmpl, equals: 0}]", {"expected at least two alternatives, found 1"}},
    {"AnyOfIsNoList", kSpareRule, "  - any_of: @{claim: snp.vmpl, equals: 0}", {"expected a sequence"}},
    {"AnyOfInAnyOf", kSpareRule, "  - any_of: [{claim: snp.vmpl, equals: 0}, @{any_of: []}]", {"any_of holds rules on claims only"}},
    {"ReleaseInAnyOf", kSpareRule, "  - any_of: [{claim: snp.vmpl, equals: 0}, @{release: images}]", {"any_of holds rules on claims only"}},
    {"EachAlternativeIsRead",
     kSpareRule,
     "  - any_of: [{claim: @snp.vmpll, equals: 0}, {claim: snp.vmpl, equals: @x}]",
     {"did you mean 'snp.vmpl'?", "expected an integer"}},
};

const Refused kFloors[] = {
    {"NoFloors", 13, "  - {claim: snp.reported_tcb, at_least: @{}}", {"no floor for any CPU"}},
    {"FloorIsANumber", 13, "  - {claim: snp.reported_tcb, at_least: @24}", {"expected a mapping, found '24'"}},
    {"FloorOfNothing", 13, "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": @{}}}", {"a floor of nothing or of zeros"}},
    {"FloorOfZeros", 13, "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": @{snp: 0, tee: 0}}}", {"a floor of nothing or of zeros"}},
    {"UnknownComponent",
     13,
     "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": {@bootloader: 4}}}",
     {"unknown TCB component 'bootloader'; did you mean 'boot_loader'?"}},
    {"ComponentOver255", 13, "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": {snp: @256}}}", {"expected 0 to 255, found 256"}},
    {"ComponentIsText", 13, "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": {snp: @high}}}", {"expected an integer"}},
    {"MicrocodeForAnyStepping",
     13,
     "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": {@microcode: 0xdb}}}",
     {"microcode differs by stepping"}},
    {"UpperCase",
     13,
     "  - {claim: snp.reported_tcb, at_least: {@\"19:A0:*\": {snp: 1}}}",
     {"expected \"family:model:stepping\" in lower-case hexadecimal"}},
    {"AnyModel", 13, "  - {claim: snp.reported_tcb, at_least: {@\"19:*:*\": {snp: 1}}}", {"expected \"family:model:stepping\""}},
    {"AnyFamily", 13, "  - {claim: snp.reported_tcb, at_least: {@\"*\": {snp: 1}}}", {"expected \"family:model:stepping\""}},
    {"FamilyZero", 13, "  - {claim: snp.reported_tcb, at_least: {@\"00:00:*\": {snp: 1}}}", {"expected \"family:model:stepping\""}},
    {"OneDigitModel", 13, "  - {claim: snp.reported_tcb, at_least: {@\"19:1:1\": {snp: 1}}}", {"expected \"family:model:stepping\""}},
    {"SteppingWithLeadingZero",
     13,
     "  - {claim: snp.reported_tcb, at_least: {@\"19:11:01\": {snp: 1}}}",
     {"expected \"family:model:stepping\""}},
    {"NoStepping", 13, "  - {claim: snp.reported_tcb, at_least: {@\"19:11\": {snp: 1}}}", {"expected \"family:model:stepping\""}},
    {"KeyByProduct", 13, "  - {claim: snp.reported_tcb, at_least: {@Milan: {snp: 1}}}", {"expected \"family:model:stepping\""}},
    {"KeyTwice",
     13,
     "  - {claim: snp.reported_tcb, at_least: {\"19:01:*\": {snp: 1}, @\"19:01:*\": {snp: 2}}}",
     {"expected each key once"}},
};

// What a policy must answer, and what it may leave open only in writing.
const Refused kDuties[] = {
    {"DebugNotAppraised", 10, "#", {"snp.policy_debug must be appraised: add a rule on it, or waive it with a reason"}},
    {"MigrationNotAppraised", 11, "#", {"snp.policy_migrate_ma must be appraised"}},
    {"VmplNotAppraised", 12, "#", {"snp.vmpl must be appraised: add a rule on it (it can't be waived)"}},
    {"TcbNotAppraised", 13, "#", {"snp.reported_tcb must be appraised: add a rule on it (it can't be waived)"}},
    {"PlatformInfoNotAppraised", 14, "#", {"snp.platform_info must be appraised"}},
    {"RevocationNotAppraised", 15, "#", {"snp.revocation_checked must be appraised"}},
    {"PresentIsNoAppraisal", 12, "  - {claim: snp.vmpl, present: true}", {"snp.vmpl must be appraised"}},
    {"AnyOfIsNoAppraisal", 12, "  - any_of: [{claim: snp.vmpl, equals: 0}, {claim: snp.vmpl, equals: 1}]", {"snp.vmpl must be appraised"}},
    {"DebugDemanded",
     10,
     "  - {claim: snp.policy_debug, equals: @true}",
     {"a rule may only demand that snp.policy_debug be false; to accept the opposite, waive it with a reason"}},
    {"MigrationDemanded",
     11,
     "  - {claim: snp.policy_migrate_ma, equals: @true}",
     {"a rule may only demand that snp.policy_migrate_ma be false"}},
    {"NoRevocationDemanded",
     15,
     "  - {claim: snp.revocation_checked, equals: @false}",
     {"a rule may only demand that snp.revocation_checked be true"}},
    {"DebugInAnyOf",
     kSpareRule,
     "  - any_of: [{claim: snp.policy_debug, equals: @true}, {claim: snp.vmpl, equals: 0}]",
     {"a rule may only demand that snp.policy_debug be false"}},
    {"NothingSatisfied", 19, "#", {"boot.covered is not answered", "owner is not answered"}},
    {"NoOwner",
     19,
     "satisfies: {boot.covered: snp.measurement}",
     {"owner is not answered: whose machine is it? Name the claim under satisfies, or waive owner with a reason"}},
    {"NoBoot",
     19,
     "satisfies: {owner: snp.id_key_digest}",
     {"boot.covered is not answered: which signed claim covers kernel, initrd and command line?"}},
    {"SatisfiesUnknownQuestion",
     19,
     "satisfies: {boot.covered: snp.measurement, owner: snp.id_key_digest, @onwer: snp.vmpl}",
     {"did you mean 'owner'?"}},
    {"SatisfiesUnknownClaim",
     19,
     "satisfies: {boot.covered: @snp.measurements, owner: snp.id_key_digest}",
     {"did you mean 'snp.measurement'?"}},
    {"SatisfiesUnappraisedClaim",
     19,
     "satisfies: {boot.covered: @snp.host_data, owner: snp.id_key_digest}",
     {"snp.host_data answers boot.covered only if a rule"}},
    {"SatisfiesByANumber",
     19,
     "satisfies: {boot.covered: @snp.vmpl, owner: snp.id_key_digest}",
     {"snp.vmpl is neither a digest nor an identity; it can't answer boot.covered"}},
    {"SatisfiesByAVersion",
     19,
     "satisfies: {boot.covered: snp.measurement, owner: @snp.reported_tcb}",
     {"snp.reported_tcb is neither a digest nor an identity; it can't answer owner"}},
    {"SatisfiesByProvenance",
     19,
     "satisfies: {boot.covered: snp.measurement, owner: @cloud.provenance}",
     {"cloud.provenance says whose hardware it is"}},
    {"SatisfiesByWaivable", 19, "satisfies: {boot.covered: snp.measurement, owner: @owner}", {"unknown claim 'owner'"}},
    {"SatisfiesIsAList", 19, "satisfies: @[snp.measurement]", {"expected a mapping"}},
    {"WaiverOfAMust",
     20,
     "waive: [{claim: @snp.vmpl, reason: r}]",
     {"'snp.vmpl' can't be waived; only boot.covered, owner, snp.policy_debug, snp.policy_migrate_ma, "
      "snp.revocation_checked"}},
    {"WaiverOfAnOptional", 20, "waive: [{claim: @snp.measurement, reason: r}]", {"'snp.measurement' can't be waived"}},
    {"WaiverOfUnknown", 20, "waive: [{claim: @snp.signature, reason: r}]", {"'snp.signature' can't be waived"}},
    {"WaiverOfProvenance", 20, "waive: [{claim: @cloud.provenance, reason: r}]", {"can't be waived"}},
    {"WaiverWithoutReason", 20, "waive: [@{claim: snp.policy_debug}]", {"expected the key 'reason'"}},
    {"WaiverWithNothingAsReason", 20, "waive: [{claim: snp.policy_debug, @reason: }]", {"expected text, found nothing"}},
    {"WaiverWithBlankReason", 20, "waive: [{claim: snp.policy_debug, reason: @\" \"}]", {"a waiver of snp.policy_debug needs a reason"}},
    {"WaiverTwice",
     20,
     "waive: [{claim: snp.policy_debug, reason: r}, {claim: @snp.policy_debug, reason: s}]",
     {"'snp.policy_debug' is waived twice"}},
    {"WaiverIsText", 20, "waive: [@snp.policy_debug]", {"expected a mapping"}},
    {"WaiversAreNoList", 20, "waive: @{claim: snp.policy_debug, reason: r}", {"expected a sequence"}},
    {"WaiverOtherKey", 20, "waive: [{claim: snp.policy_debug, reason: r, @until: 2027}]", {"found 'until'"}},
};

// What Intel's evidence has rules for, one at a time behind a good policy of qemu_tdx.
constexpr std::string_view kTdxPolicy =
    "apiVersion: assay.v1\nkind: AppraisalPolicy\nname: t\nplatform: qemu_tdx\nrules:\n"
    "  - {claim: dcap.debug, equals: false}\n  - {claim: dcap.migratable, equals: false}\n  - {claim: dcap.service_td, equals: false}\n"
    "  - {claim: dcap.revocation_checked, equals: true}\n  - {claim: dcap.tcb_status, status_at_most: UpToDate}\n  - ";
constexpr std::string_view kTdxWaivers = "\nwaive: [{claim: boot.covered, reason: r}, {claim: owner, reason: r}]\n";

struct RefusedTdx {
  std::string_view name;
  std::string_view rule;
  std::vector<std::string_view> messages;
  friend void PrintTo(const RefusedTdx& refused, std::ostream* out) { *out << refused.name; }
};

class RefusedTdxRule : public testing::TestWithParam<RefusedTdx> {};

TEST_P(RefusedTdxRule, WithTheReasonAtItsPlace) {
  Marked marked;
  AddFile(marked, "t.yaml", Cat(kTdxPolicy, GetParam().rule, kTdxWaivers));
  ExpectMessages(marked, GetParam().messages);
}

const RefusedTdx kTdxRules[] = {
    {"UnknownStatus",
     "{claim: dcap.tcb_status, status_at_most: @SWHardeningNeded}",
     {"unknown status of dcap.tcb_status 'SWHardeningNeded'; did you mean 'SWHardeningNeeded'?"}},
    {"FarStatus",
     "{claim: dcap.tcb_status, status_at_most: @ok}",
     {"unknown status of dcap.tcb_status 'ok'; known: UpToDate, SWHardeningNeeded, ConfigurationNeeded, "
      "ConfigurationAndSWHardeningNeeded, TDRelaunchAdvised, TDRelaunchAdvisedConfigurationNeeded, OutOfDate, "
      "OutOfDateConfigurationNeeded"}},
    {"StatusInSmallLetters", "{claim: dcap.tcb_status, status_at_most: @uptodate}", {"unknown status of dcap.tcb_status"}},
    {"StatusIsANumber", "{claim: dcap.tcb_status, status_at_most: @1}", {"unknown status of dcap.tcb_status '1'"}},
    {"StatusIsAList", "{claim: dcap.tcb_status, status_at_most: @[UpToDate]}", {"expected text, found a sequence"}},
    {"StatusEmpty", "{claim: dcap.tcb_status, status_at_most: @\"\"}", {"unknown status of dcap.tcb_status ''"}},
    {"AtMostRevoked", "{claim: dcap.tcb_status, status_at_most: @Revoked}", {"Revoked passes under no policy"}},
    {"AtMostNotSupported", "{claim: dcap.tcb_status, status_at_most: @NotSupported}", {"NotSupported passes under no policy"}},
    {"EqualsRevoked", "{claim: dcap.tcb_status, equals: @Revoked}", {"Revoked passes under no policy"}},
    {"EqualsNotSupported", "{claim: dcap.tcb_status, equals: @NotSupported}", {"NotSupported passes under no policy"}},
    {"EqualsUnknown", "{claim: dcap.tcb_status, equals: @OutofDate}", {"did you mean 'OutOfDate'?"}},
    {"OneOfRevoked",
     "{claim: dcap.tcb_status, one_of: [UpToDate, @Revoked, @NotSupported]}",
     {"Revoked passes under no policy", "NotSupported passes under no policy"}},
    {"OneOfStatusTwice", "{claim: dcap.tcb_status, one_of: [UpToDate, OutOfDate, @UpToDate]}", {"UpToDate twice"}},
    {"OneOfNoStatus", "{claim: dcap.tcb_status, one_of: @[]}", {"an empty list would allow nothing"}},
    {"RevokedInAnyOf",
     "any_of: [{claim: dcap.tcb_status, equals: @Revoked}, {claim: dcap.tcb_status, status_at_most: @NotSupported}]",
     {"Revoked passes under no policy", "NotSupported passes under no policy"}},
    {"RevokedModule", "{claim: dcap.tdx_module_status, one_of: [@Revoked]}", {"Revoked passes under no policy"}},
    {"RevokedPlatform", "{claim: dcap.platform_status, status_at_most: @Revoked}", {"Revoked passes under no policy"}},
    {"RevokedQe", "{claim: dcap.qe_status, equals: @Revoked}", {"Revoked passes under no policy"}},
    {"StatusSubset",
     "{claim: dcap.tcb_status, @subset_of: [UpToDate]}",
     {"subset_of does not fit dcap.tcb_status, which is a status; use equals, one_of, present, status_at_most"}},
    {"StatusAge", "{claim: dcap.tcb_status, @age_at_most: 1d}", {"age_at_most does not fit dcap.tcb_status"}},
    {"StatusOfText", "{claim: dcap.tee, @status_at_most: TDX}", {"status_at_most does not fit dcap.tee, which is text"}},
    {"StatusOfNames",
     "{claim: dcap.advisory_ids, @status_at_most: UpToDate}",
     {"status_at_most does not fit dcap.advisory_ids, which is a list of names; use subset_of, present"}},

    {"NamesEqual", "{claim: dcap.advisory_ids, @equals: INTEL-SA-00001}", {"equals does not fit dcap.advisory_ids"}},
    {"NamesOneOf", "{claim: dcap.advisory_ids, @one_of: [INTEL-SA-00001]}", {"one_of does not fit dcap.advisory_ids"}},
    {"NamesAreNoList", "{claim: dcap.advisory_ids, subset_of: @INTEL-SA-00001}", {"expected a sequence"}},
    {"NamesAreNothing", "{claim: dcap.advisory_ids, subset_of: @~}", {"expected a sequence"}},
    {"NameTwice", "{claim: dcap.advisory_ids, subset_of: [INTEL-SA-00001, INTEL-SA-00002, @INTEL-SA-00001]}", {"'INTEL-SA-00001' twice"}},
    {"NameIsEmpty", "{claim: dcap.advisory_ids, subset_of: [@\"\"]}", {"expected a name of 1 to 64 printable characters"}},
    {"TwoNamesInOne",
     "{claim: dcap.advisory_ids, subset_of: [@\"INTEL-SA-00001,INTEL-SA-00002\"]}",
     {"without blank or comma, found 'INTEL-SA-00001,INTEL-SA-00002'"}},
    {"NameWithBlank", "{claim: dcap.advisory_ids, subset_of: [@\"INTEL-SA-00001 \"]}", {"without blank or comma"}},
    {"NameIsAList", "{claim: dcap.advisory_ids, subset_of: [@[INTEL-SA-00001]]}", {"expected text, found a sequence"}},
    {"NameTooLong",
     "{claim: dcap.advisory_ids, subset_of: [@aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddx]}",
     {"expected a name of 1 to 64"}},

    {"AgeWithoutUnit", "{claim: dcap.tcb_date, age_at_most: @540}", {"expected a duration as 90s, 10m, 1h or 7d, found '540'"}},
    {"AgeInMonths", "{claim: dcap.tcb_date, age_at_most: @18mo}", {"expected a duration"}},
    {"AgeInWords", "{claim: dcap.tcb_date, age_at_most: @a year}", {"expected a duration"}},
    {"AgeZero", "{claim: dcap.tcb_date, age_at_most: @0d}", {"expected a duration"}},
    {"AgeNegative", "{claim: dcap.tcb_date, age_at_most: @-1d}", {"expected a duration"}},
    {"AgeOfAnyTime", "{claim: dcap.tcb_date, age_at_most: @3651d}", {"expected at most 3650d, found '3651d'"}},
    {"AgeBeyondAllTime", "{claim: dcap.tcb_date, age_at_most: @999999999d}", {"expected at most 3650d"}},
    {"AgeIsAList", "{claim: dcap.tcb_date, age_at_most: @[540d]}", {"expected text"}},
    {"NotBeforeADay", "{claim: dcap.tcb_date, not_before: @2025-05-14}", {"expected a time as 2027-03-01T00:00:00Z, found '2025-05-14'"}},
    {"NotBeforeNoDay", "{claim: dcap.tcb_date, not_before: @2025-02-29T00:00:00Z}", {"expected a time"}},
    {"NotAfterElsewhere", "{claim: dcap.tcb_date, not_after: @2025-05-14T00:00:00+00:00}", {"expected a time"}},
    {"NotAfterNothing", "{claim: dcap.tcb_date, @not_after: }", {"expected text, found nothing"}},
    {"DateEquals",
     "{claim: dcap.tcb_date, @equals: 2025-05-14T00:00:00Z}",
     {"equals does not fit dcap.tcb_date, which is a date; use present, age_at_most, not_before, not_after"}},
    {"DateOneOf", "{claim: dcap.tcb_date, @one_of: [2025-05-14T00:00:00Z]}", {"one_of does not fit dcap.tcb_date"}},
    {"DateAtLeast", "{claim: dcap.tcb_date, @at_least: 1}", {"at_least does not fit dcap.tcb_date"}},
    {"AgeOfANumber",
     "{claim: dcap.tcb_evaluation_data_number, @age_at_most: 1d}",
     {"age_at_most does not fit dcap.tcb_evaluation_data_number, which is a number"}},
    {"DateOfText", "{claim: dcap.tee, @not_before: 2025-05-14T00:00:00Z}", {"not_before does not fit dcap.tee"}},
    {"BothEndsInOneRule",
     "@{claim: dcap.tcb_date, not_before: 2025-01-01T00:00:00Z, not_after: 2026-01-01T00:00:00Z}",
     {"expected exactly one kind of rule on dcap.tcb_date"}},
    {"MisspeltKind", "{claim: dcap.tcb_status, @status_at_mst: UpToDate}", {"did you mean 'status_at_most'?"}},
    {"EachInAnyOf",
     "any_of: [{claim: dcap.tcb_status, status_at_most: @Up}, {claim: dcap.tcb_date, age_at_most: @old}, "
     "{claim: dcap.advisory_ids, subset_of: @x}]",
     {"unknown status", "expected a duration", "expected a sequence"}},
    {"SgxEvidenceBits", "{claim: dcap.misc_select, bits_clear: [@exinf]}", {"did you mean 'exinfo'?"}},
};
INSTANTIATE_TEST_SUITE_P(Rules, RefusedTdxRule, testing::ValuesIn(kTdxRules),
                         [](const testing::TestParamInfo<RefusedTdx>& tested) { return std::string(tested.param.name); });

TEST(RefusedTdxPolicy, LeavesTheStatusOpen) {
  std::string policy = Cat(kTdxPolicy, "{claim: dcap.tee, equals: TDX}", kTdxWaivers);
  const std::string rule = "{claim: dcap.tcb_status, status_at_most: UpToDate}";
  for (const std::string_view open : {"{claim: dcap.tcb_status, present: true}", "{claim: dcap.platform_status, status_at_most: UpToDate}",
                                      "any_of: [{claim: dcap.tcb_status, equals: UpToDate}, {claim: dcap.tcb_date, age_at_most: 1d}]"}) {
    std::string changed = policy;
    changed.replace(changed.find(rule), rule.size(), open);
    EXPECT_THAT(Shown(Load({{"t.yaml", changed}})),
                ElementsAre(HasSubstr("dcap.tcb_status must be appraised: add a rule on it (it can't be waived)")))
        << open;
  }
  for (const auto& [claim, question] :
       {std::pair("dcap.tcb_status", "owner"), {"dcap.tcb_date", "owner"}, {"dcap.advisory_ids", "owner"}}) {
    std::string answered = policy;
    answered.replace(answered.find("waive:"), std::string::npos,
                     Cat("satisfies: {owner: ", claim, "}\nwaive: [{claim: boot.covered, reason: r}]\n"));
    EXPECT_THAT(Shown(Load({{"t.yaml", answered}})), ElementsAre(HasSubstr("is neither a digest nor an identity; it can't answer owner")))
        << claim << question;
  }
}

TEST(LoadedTdxRule, OfEachKind) {
  const auto rule_of = [](std::string_view text) {
    const LoadResult result = Load({{"t.yaml", Cat(kTdxPolicy, text, kTdxWaivers)}});
    EXPECT_THAT(Shown(result), IsEmpty()) << text;
    return result.book ? result.book->policies().front().rules.back() : Rule{};
  };
  const auto text = [](std::string_view value) { return trust::Value(std::string(value)); };
  const Rule status = rule_of("{claim: dcap.tcb_status, status_at_most: TDRelaunchAdvised}");
  EXPECT_EQ(status.kind, RuleKind::kStatusAtMost);
  EXPECT_THAT(status.values, ElementsAre(text("UpToDate"), text("SWHardeningNeeded"), text("TDRelaunchAdvised")));
  const Rule advisories = rule_of("{claim: dcap.advisory_ids, subset_of: [INTEL-SA-00837, \"INTEL-SA-00615\"]}");
  EXPECT_EQ(advisories.kind, RuleKind::kSubsetOf);
  EXPECT_THAT(advisories.values, ElementsAre(text("INTEL-SA-00837"), text("INTEL-SA-00615")));
  EXPECT_THAT(rule_of("{claim: dcap.advisory_ids, subset_of: []}").values, IsEmpty());
  EXPECT_EQ(rule_of("{claim: dcap.tcb_date, age_at_most: 540d}").age, std::chrono::days(540));
  EXPECT_EQ(rule_of("{claim: dcap.tcb_date, age_at_most: 36h}").age, std::chrono::hours(36));
  EXPECT_EQ(rule_of("{claim: dcap.tcb_date, not_before: 2025-05-14T00:00:00Z}").time, ParseTime("2025-05-14T00:00:00Z"));
  EXPECT_EQ(rule_of("{claim: dcap.tcb_date, not_after: 2025-05-14T00:00:01Z}").time, ParseTime("2025-05-14T00:00:01Z"));
  EXPECT_EQ(rule_of("{claim: dcap.misc_select, bits_clear: [exinfo, cpinfo]}").number, 3u);
}

std::string NameOfCase(const testing::TestParamInfo<Refused>& tested) { return std::string(tested.param.name); }
INSTANTIATE_TEST_SUITE_P(Document, RefusedPolicy, testing::ValuesIn(kDocument), NameOfCase);
INSTANTIATE_TEST_SUITE_P(Rules, RefusedPolicy, testing::ValuesIn(kRules), NameOfCase);
INSTANTIATE_TEST_SUITE_P(Floors, RefusedPolicy, testing::ValuesIn(kFloors), NameOfCase);
INSTANTIATE_TEST_SUITE_P(Duties, RefusedPolicy, testing::ValuesIn(kDuties), NameOfCase);

// --- what is refused: whole files, and files that contradict each other ---

struct RefusedFiles {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::string>> files;
  std::vector<std::string_view> messages;
  friend void PrintTo(const RefusedFiles& refused, std::ostream* out) { *out << refused.name; }
};

class RefusedTogether : public testing::TestWithParam<RefusedFiles> {};

TEST_P(RefusedTogether, WithTheReasonAtItsPlace) {
  Marked marked;
  for (const auto& [name, text] : GetParam().files) AddFile(marked, std::string(name), text);
  ExpectMessages(marked, GetParam().messages);
}

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  const std::size_t at = result.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? result : result.replace(at, from.size(), to);
}
std::string Images(std::string_view from, std::string_view to) { return Replaced(kImages, from, to); }
std::string Set(std::string_view from, std::string_view to) { return Replaced(kSet, from, to); }
std::string AnsweredBy(std::string_view claim, std::string_view rule) {
  return Replaced(PolicyWith(kSpareRule, rule), "owner: snp.id_key_digest", Cat("owner: @", claim));
}

const RefusedFiles kTogether[] = {
    {"TextOnly", {{"p.yaml", "@policy"}}, {"expected a mapping, found 'policy'"}},
    {"ListOfDocuments", {{"p.yaml", "@- apiVersion: assay.v1"}}, {"expected a mapping, found a sequence"}},
    {"TwoDocuments", {{"p.yaml", "kind: PolicySet\n@---\nkind: PolicySet\n"}}, {"expected one document"}},
    {"BrokenYaml", {{"p.yaml", "@rules: [a"}}, {"expected well-formed YAML"}},
    {"NeitherVersionNorKind", {{"p.yaml", "@@name: p\n"}}, {"expected the key 'apiVersion'", "expected the key 'kind'"}},
    {"NoVersion", {{"p.yaml", Cat('@', Replaced(GoodPolicy(), "apiVersion: assay.v1\n", ""))}}, {"expected the key 'apiVersion'"}},
    {"NoName", {{"p.yaml", Cat('@', PolicyWith(3, "#"))}}, {"expected the key 'name'"}},
    {"NoPlatform", {{"p.yaml", Cat('@', PolicyWith(4, "#"))}}, {"expected the key 'platform'"}},
    {"NoRules",
     {{"p.yaml", "@apiVersion: assay.v1\nkind: AppraisalPolicy\nname: p\nplatform: qemu_sev_snp\n"}},
     {"expected the key 'rules'"}},
    {"RulesAreNoList",
     {{"p.yaml",
       "apiVersion: assay.v1\nkind: AppraisalPolicy\nname: p\nplatform: qemu_sev_snp\nrules: @{claim: snp.vmpl, "
       "equals: 0}\n"}},
     {"expected a sequence"}},
    {"NothingAppraised",
     {{"p.yaml", "@@@@@@@@apiVersion: assay.v1\nkind: AppraisalPolicy\nname: p\nplatform: qemu_sev_snp\nrules: []\n"}},
     {"snp.platform_info must be", "snp.policy_debug must be", "snp.policy_migrate_ma must be", "snp.reported_tcb must be",
      "snp.revocation_checked must be", "snp.vmpl must be", "boot.covered is not", "owner is not"}},
    {"EveryDefectOfAFile",
     {{"p.yaml", Replaced(Replaced(Replaced(Replaced(GoodPolicy(), "90m", "@soon"), "snp.vmpl, equals: 0", "@snp.vmlp, equals: 0"),
                                   "name: p", "name: @P"),
                          "waive: []", "@wave: []")}},
     {"expected a name", "expected a duration", "did you mean 'snp.vmpl'?", "did you mean 'waive'?"}},
    {"SatisfiedAndWaived",
     {{"p.yaml", Replaced(PolicyWith(20, "waive: [{claim: owner, reason: r}]"), "owner: snp.id", "owner: @snp.id")}},
     {"owner is both satisfied and waived; choose one"}},

    {"OwnerByZeroHostData",
     {{"p.yaml", AnsweredBy("snp.host_data", "  - {claim: snp.host_data, equals: <0:32>}")}},
     {"snp.host_data can't answer owner while all zero is allowed"}},
    {"OwnerByMaybeZero",
     {{"p.yaml", AnsweredBy("snp.host_data", "  - {claim: snp.host_data, one_of: [<32>, <0:32>]}")}},
     {"snp.host_data can't answer owner while all zero is allowed"}},
    {"OwnerByPresence",
     {{"p.yaml", AnsweredBy("snp.host_data", "  - {claim: snp.host_data, present: true}")}},
     {"snp.host_data answers owner only if a rule"}},
    {"OwnerByAnyOf",
     {{"p.yaml",
       AnsweredBy("snp.host_data", "  - any_of: [{claim: snp.host_data, equals: <32>}, {claim: snp.host_data, equals: <0:32>}]")}},
     {"snp.host_data answers owner only if a rule"}},
    {"OwnerBySomeReleases",
     {{"images.yaml", Images("snp.guest_svn: 4", "snp.host_data: <32>")}, {"p.yaml", AnsweredBy("snp.host_data", "  - {release: images}")}},
     {"snp.host_data answers owner only if a rule"}},
    {"BootByAZeroRelease",
     {{"images.yaml", std::string(kImages)},
      {"p.yaml", Replaced(PolicyWith(16, "  - {release: images}"), "boot.covered: ", "boot.covered: @")}},
     {"snp.measurement can't answer boot.covered while all zero is allowed"}},
    {"OwnerByMask",
     {{"p.yaml", AnsweredBy("snp.host_data", "  - {claim: snp.host_data, masked_equals: {mask: <32>, value: <0:32>}}")}},
     {"snp.host_data can't answer owner while all zero is allowed"}},
    {"OwnerIsAList", {{"p.yaml", Replaced(GoodPolicy(), "owner: snp.id_key_digest", "owner: @[snp.id_key_digest]")}}, {"expected text"}},
    {"DebugByRelease",
     {{"images.yaml", Images("snp.guest_svn: 4", "snp.policy_debug: @true")}, {"p.yaml", GoodPolicy()}},
     {"a rule may only demand that snp.policy_debug be false"}},

    {"NoSuchReferenceValuesAtAll",
     {{"p.yaml", PolicyWith(kSpareRule, "  - {release: @images}")}},
     {"no reference values 'images': give their file as well"}},
    {"ReleasesAreNoList",
     {{"i.yaml", "apiVersion: assay.v1\nkind: ReferenceValues\nname: images\nreleases: @{}\n"}},
     {"expected a sequence"}},
    {"NoReleases",
     {{"i.yaml", "apiVersion: assay.v1\nkind: ReferenceValues\nname: images\nreleases: @[]\n"}},
     {"no release would ever match"}},
    {"ReleaseTwice", {{"i.yaml", Images("name: \"2026.08\"", "name: @\"2026.11\"")}}, {"release '2026.11' again; first at i.yaml:5:12"}},
    {"ReleaseWithoutName", {{"i.yaml", Images("{name: \"2026.08\", ", "@{")}}, {"expected the key 'name'"}},
    {"ReleaseWithEmptyName", {{"i.yaml", Images("\"2026.08\"", "@\"\"")}}, {"expected a release name"}},
    {"ReleaseWithoutValues",
     {{"i.yaml", Images("{name: \"2026.08\", values: {snp.measurement: <0:48>, snp.guest_svn: 3}}", "@{name: x}")}},
     {"expected the key 'values'"}},
    {"ReleaseOfNothing",
     {{"i.yaml", Images("{snp.measurement: <0:48>, snp.guest_svn: 3}", "@{}")}},
     {"a release without values would match everything"}},
    {"ReleaseOfAList", {{"i.yaml", Images("{snp.measurement: <0:48>, snp.guest_svn: 3}", "@[]")}}, {"expected a mapping"}},
    {"ReleaseIsText",
     {{"i.yaml", Images("{name: \"2026.08\", values: {snp.measurement: <0:48>, snp.guest_svn: 3}}", "@x")}},
     {"expected a mapping, found 'x'"}},
    {"ReleaseWarnsOfNothing",
     {{"i.yaml", Images("snp.guest_svn: 3}}", "snp.guest_svn: 3}, warn: @{}}")}},
     {"nothing to warn about; leave it out"}},
    {"ReleaseWarnsOfAList", {{"i.yaml", Images("snp.guest_svn: 3}}", "snp.guest_svn: 3}, warn: @[]}")}}, {"expected a mapping"}},
    {"ReleaseWarnsOfWhatItDemands",
     {{"i.yaml", Images("snp.guest_svn: 3}}", "snp.guest_svn: 3}, warn: {@snp.guest_svn: 4}}")}},
     {"snp.guest_svn is in values as well: it is demanded, or warned about"}},
    {"ReleaseWarnsOfAnUnknownClaim",
     {{"i.yaml", Images("snp.guest_svn: 3}}", "snp.guest_svn: 3}, warn: {@snp.vmpll: 0}}")}},
     {"unknown claim 'snp.vmpll'; did you mean 'snp.vmpl'?"}},
    {"ReleaseOtherKey", {{"i.yaml", Images("sunset", "@sunst")}}, {"did you mean 'sunset'?"}},
    {"ReviewableIsNoFlag",
     {{"i.yaml", Images("snp.guest_svn: 3}}", "snp.guest_svn: 3}, reviewable_firmware: @openhcl}")}},
     {"expected true or false, found 'openhcl'"}},
    {"SunsetIsADate",
     {{"i.yaml", Images("2027-03-01T00:00:00Z", "@2027-03-01")}},
     {"expected a time as 2027-03-01T00:00:00Z, found '2027-03-01'"}},
    {"SunsetOnNoDay", {{"i.yaml", Images("2027-03-01T", "@2027-02-30T")}}, {"expected a time"}},
    {"SunsetElsewhere", {{"i.yaml", Images("2027-03-01T00:00:00Z", "@2027-03-01T00:00:00+01:00")}}, {"expected a time"}},
    {"ReleaseOfUnknownClaim",
     {{"i.yaml", Images("snp.guest_svn: 3", "@snp.guest_svnn: 3")}},
     {"unknown claim 'snp.guest_svnn'; did you mean 'snp.guest_svn'?"}},
    {"ReleaseOfProvenance", {{"i.yaml", Images("snp.guest_svn: 3", "@cloud.provenance: proven")}}, {"unknown claim 'cloud.provenance'"}},
    {"ReleaseOfAVersion",
     {{"i.yaml", Images("snp.guest_svn: 3", "snp.reported_tcb: @24")}},
     {"is a version of several components: no release can hold it, only a rule: at_least, present"}},
    {"ReleaseOfADate",
     {{"i.yaml", Images("snp.guest_svn: 3", "dcap.tcb_date: @2026-01-01T00:00:00Z")}},
     {"is a date: no release can hold it, only a rule: present, age_at_most, not_before, not_after"}},
    {"ReleaseOfNames",
     {{"i.yaml", Images("snp.guest_svn: 3", "dcap.advisory_ids: @[]")}},
     {"is a list of names: no release can hold it, only a rule: subset_of, present"}},
    {"ReleaseOfARevokedStatus",
     {{"i.yaml", Images("snp.guest_svn: 3", "dcap.tcb_status: @Revoked")}},
     {"Revoked passes under no policy: no rule may allow it"}},
    {"ReleaseOfAnUnknownStatus",
     {{"i.yaml", Images("snp.guest_svn: 3", "dcap.tcb_status: @Uptodate")}},
     {"unknown status of dcap.tcb_status 'Uptodate'; did you mean 'UpToDate'?"}},
    {"ReleaseOfShortDigest", {{"i.yaml", Images("<0:48>", "@<32>")}}, {"expected 48 bytes for snp.measurement, found 32"}},
    {"ReferenceValuesTwice",
     {{"a.yaml", std::string(kImages)}, {"b.yaml", Images("name: images", "name: @images")}},
     {"reference values 'images' again; first at a.yaml:3:7"}},

    {"PolicyTwice", {{"a.yaml", GoodPolicy()}, {"b.yaml", PolicyWith(3, "name: @p")}}, {"policy 'p' again; first at a.yaml:3:7"}},
    {"SetTwice",
     {{"p.yaml", GoodPolicy()},
      {"a.yaml", std::string(kSet)},
      {"b.yaml", Replaced(Set("cluster: prod", "cluster: lab"), "name: ", "name: @")}},
     {"policy set 'workers' again; first at a.yaml:3:7"}},
    {"SetWithoutStrength",
     {{"p.yaml", GoodPolicy()}, {"s.yaml", Cat('@', Set("strength: {at_least: C}\n", ""))}},
     {"expected the key 'strength'"}},
    {"SetWithoutBoundary",
     {{"p.yaml", GoodPolicy()}, {"s.yaml", Cat('@', Set("trust_boundary: {require: []}\n", ""))}},
     {"expected the key 'trust_boundary'"}},
    {"SetWithEmptyBoundary", {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("{require: []}", "@{}")}}, {"expected the key 'require'"}},
    {"SetWithEmptyStrength", {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("{at_least: C}", "@{}")}}, {"expected the key 'at_least'"}},
    {"SetWithoutContext",
     {{"p.yaml", GoodPolicy()}, {"s.yaml", Cat('@', Set("context: {cluster: prod, role: [worker, edge]}\n", ""))}},
     {"expected the key 'context'"}},
    {"SetWithoutPolicies", {{"s.yaml", Cat('@', Set("policies: [p]\n", ""))}}, {"expected the key 'policies'"}},
    {"SetOfNoPolicy", {{"s.yaml", Set("[p]", "@[]")}}, {"a set without policies rejects every node"}},
    {"SetOfUnknownPolicy",
     {{"p.yaml", PolicyWith(3, "name: workers-snp")}, {"s.yaml", Set("[p]", "[@worker-snp]")}},
     {"unknown policy 'worker-snp'; did you mean 'workers-snp'?"}},
    {"SetWithoutItsPolicies", {{"s.yaml", Set("[p]", "[@p]")}}, {"no policy 'p': give its file as well"}},
    {"SetWithOtherKey", {{"p.yaml", GoodPolicy()}, {"s.yaml", Cat(kSet, "@waive: []\n")}}, {"found 'waive'"}},
    {"ContextWithoutCluster",
     {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("{cluster: prod, role", "@{role")}},
     {"expected the key 'cluster'"}},
    {"ContextWithoutRole",
     {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("{cluster: prod, role: [worker, edge]}", "@{cluster: prod}")}},
     {"expected the key 'role'"}},
    {"ContextOfNoRole", {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("[worker, edge]", "@[]")}}, {"a set without roles is for nobody"}},
    {"ContextOfOneRole", {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("[worker, edge]", "@worker")}}, {"expected a sequence"}},
    {"ContextOfAnyCluster",
     {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("cluster: prod", "cluster: @\"*\"")}},
     {"expected a cluster of 1 to 253 letters"}},
    {"ContextOfAnyRole", {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("[worker, edge]", "[@\"*\"]")}}, {"expected a role of 1 to 63 letters"}},
    {"ContextTwiceInASet", {{"p.yaml", GoodPolicy()}, {"s.yaml", Set("[worker, edge]", "[worker, @worker]")}}, {"role 'worker' again"}},
    {"ContextOfTwoSets",
     {{"p.yaml", GoodPolicy()},
      {"a.yaml", std::string(kSet)},
      {"b.yaml", Replaced(Set("name: workers", "name: others"), "[worker, edge]", "[control, @edge]")}},
     {"cluster 'prod', role 'edge' again: one set for a context; first at a.yaml:4:41"}},
    {"TwoPoliciesOfAPlatform",
     {{"a.yaml", GoodPolicy()}, {"b.yaml", PolicyWith(3, "name: q")}, {"s.yaml", Set("[p]", "[p, @q]")}},
     {"two policies for platform qemu_sev_snp: 'p' and 'q'"}},
    {"PolicyTwiceInASet", {{"a.yaml", GoodPolicy()}, {"s.yaml", Set("[p]", "[p, @p]")}}, {"policy 'p' twice"}},
};
INSTANTIATE_TEST_SUITE_P(Files, RefusedTogether, testing::ValuesIn(kTogether),
                         [](const testing::TestParamInfo<RefusedFiles>& tested) { return std::string(tested.param.name); });

TEST(LoadPolicies, OfAnEmptyFileIsRefused) {
  const LoadResult result = LoadPolicies({{"p.yaml", ""}}, BuiltinRegistry());
  EXPECT_FALSE(result.book.has_value());
  EXPECT_THAT(Shown(result), ElementsAre("p.yaml: expected a document, found nothing"));
}

TEST(LoadPolicies, OfNoFileIsRefused) {
  const LoadResult result = LoadPolicies({}, BuiltinRegistry());
  EXPECT_FALSE(result.book.has_value());
  EXPECT_THAT(Shown(result), ElementsAre(HasSubstr("no policy files")));
}

// A registry of two formats and two platforms: claims of one are none of the other.
TEST(LoadPolicies, KeepsThePlatformsClaimsApart) {
  static constexpr evidence::ClaimSpec kOtherClaims[] = {
      {"other.level", evidence::ClaimType::kNumber, evidence::Duty::kOptional, 0, {}, "a level"}};
  static constexpr evidence::Format kOther{.name = "other",
                                           .claim_prefix = "other",
                                           .media_types = {},
                                           .claims = kOtherClaims,
                                           .anchors = {},
                                           .describe = nullptr,
                                           .media_type_of = nullptr,
                                           .recognise = nullptr,
                                           .needs = nullptr,
                                           .judge = nullptr};
  static constexpr const evidence::Format* kFormats[] = {&kOther, &sev_snp::kFormat};
  const Registry registry{.formats = kFormats, .platforms = BuiltinRegistry().platforms};

  Marked rule;
  AddFile(rule, "p.yaml", PolicyWith(kSpareRule, "  - {claim: @other.level, equals: 1}"));
  ExpectMessages(rule, {"platform qemu_sev_snp has no claim 'other.level'"}, registry);

  Marked release;
  AddFile(release, "images.yaml", Images("snp.guest_svn: 3", "other.level: 3"));
  AddFile(release, "p.yaml", PolicyWith(kSpareRule, "  - {release: @images}"));
  ExpectMessages(release, {"release '2026.08' of 'images' could never match: platform qemu_sev_snp has no claim other.level"}, registry);
}

}  // namespace
}  // namespace assay::appraisal

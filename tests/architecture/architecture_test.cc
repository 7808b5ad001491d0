#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/architecture/rules.h"
#include "tests/architecture/source_text.h"
#include "tests/places/places.h"

namespace assay::architecture {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<std::string> Descriptions(const std::vector<Violation>& violations) {
  std::vector<std::string> lines;
  for (const Violation& violation : violations) lines.push_back(Describe(violation));
  return lines;
}

const Tree& OurTree() {
  static const Tree tree = ReadTree(test::SourceDir());
  return tree;
}

Arrows OurArrows() {
  std::vector<Violation> violations;
  const auto file = OurTree().find("tests/architecture/arrows.txt");
  Arrows arrows = ParseArrows(file == OurTree().end() ? "" : file->second, violations);
  EXPECT_THAT(Descriptions(violations), IsEmpty());
  return arrows;
}

// --- our tree ------------------------------------------------------------------------------------------------------

struct NameOfRule {
  std::string operator()(const ::testing::TestParamInfo<Rule>& info) const {
    std::string name(info.param.name);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }
};

class OurSources : public ::testing::TestWithParam<Rule> {};

TEST_P(OurSources, KeepTheRule) {
  EXPECT_THAT(Descriptions(GetParam().check(OurTree(), OurArrows())), IsEmpty()) << "rule: " << GetParam().meaning;
}

INSTANTIATE_TEST_SUITE_P(Rules, OurSources, ::testing::ValuesIn(AllRules()), NameOfRule());

TEST(OurTreeTest, WasReallyRead) {
  EXPECT_EQ(OurTree().count("server/base/bytes.h"), 1u);
  EXPECT_EQ(OurTree().count("CMakeLists.txt"), 1u);
  EXPECT_EQ(OurTree().count(".gitignore"), 1u);
  for (const auto& [path, content] : OurTree()) EXPECT_THAT(path, Not(::testing::StartsWith("build/")));
}

TEST(OurArrowsTest, AreDesignsTable) {
  const Arrows arrows = OurArrows();
  EXPECT_THAT(arrows.at("base"), ElementsAre("base"));
  EXPECT_THAT(arrows.at("appraisal"), ElementsAre("appraisal", "base", "codec", "crypto", "evidence", "platform", "trust"));
  EXPECT_THAT(arrows.at("client/relying_party"), ElementsAre("base", "client/relying_party", "codec", "crypto", "token"));
  EXPECT_THAT(arrows.at("main"), IsSupersetOf({"service", "http", "result", "store", "collateral", "telemetry", "token"}));
  EXPECT_EQ(arrows.at("client/cli").count("service") + arrows.at("client/cli").count("http"), 0u);
  EXPECT_EQ(arrows.at("collateral").count("evidence"), 0u) << "verifiers are injected";
}

// --- that each rule can fail ---------------------------------------------------------------------------------------

struct Example {
  std::string_view rule;
  std::string file;
  std::string content;
  int line;  // of the violation; 0: there is none
};
void PrintTo(const Example& example, std::ostream* out) { *out << example.rule << " in " << example.file; }

// What the includes of the examples lead to.
const Tree& Surroundings() {
  static const Tree tree{
      {"server/base/bytes.h", "// Bytes.\n#pragma once\n"},
      {"server/base/random.h", "// Random.\n#pragma once\n"},
      {"server/appraisal/policy.h", "// Policies.\n#pragma once\n"},
      {"server/service/edge.h", "// Edge.\n#pragma once\n"},
      {"server/evidence/format.h", "// Format.\n#pragma once\n"},
      {"server/evidence/tpm/quote.h", "// Quote.\n#pragma once\n"},
      {"server/platform/binding/report.h", "// Binding.\n#pragma once\n"},
      {"server/platform/some_cloud/platform.h", "// A platform.\n#pragma once\n"},
      {"tests/places/places.h", "// Places.\n#pragma once\n"},
      {"tests/fakes/clock.h", "// A clock.\n#pragma once\n"},
  };
  return tree;
}

const std::vector<Example>& Examples() {
  static const std::vector<Example> examples{
      {"arrows", "server/evidence/tpm/a.cc", "\n#include \"appraisal/policy.h\"\n", 2},
      {"arrows", "server/evidence/tpm/a.cc", "#include \"server/appraisal/policy.h\"\n", 1},
      {"arrows", "server/evidence/tpm/a.cc", "#include \"../../appraisal/policy.h\"\n", 1},
      {"arrows", "server/evidence/tpm/a.cc", "  #  include \"appraisal/policy.h\"\n", 1},
      {"arrows", "server/base/a.h", "#include \"evidence/format.h\"\n", 1},
      {"arrows", "client/cli/a.cc", "#include \"service/edge.h\"\n", 1},
      {"arrows", "client/relying_party/a.cc", "#include \"evidence/format.h\"\n", 1},
      {"arrows", "tests/softtee/a.cc", "#include \"evidence/tpm/quote.h\"\n", 1},
      {"arrows", "tests/softtee/a.cc", "#include \"tests/places/places.h\"\n", 0},
      {"arrows", "tests/places/a.cc", "#include \"base/bytes.h\"\n", 1},
      {"arrows", "server/novelty/a.cc", "#include \"base/bytes.h\"\n", 1},
      {"arrows", "client/a.cc", "#include \"base/bytes.h\"\n", 1},
      {"arrows", "server/evidence/tpm/a.cc", "#include \"evidence/tpm/quote.h\"\n#include \"base/bytes.h\"\n", 0},
      {"arrows", "server/main.cc", "#include \"service/edge.h\"\n", 0},
      {"arrows", "client/cli/a.cc", "#include \"evidence/tpm/quote.h\"\n", 0},
      {"arrows", "server/base/a.cc", "// #include \"evidence/format.h\"\n", 0},
      {"arrows", "server/base/a.cc", "const char* text = R\"(\n#include \"evidence/format.h\"\n)\";\n", 0},
      {"arrows", "tests/unit/tpm/a.cc", "#include \"service/edge.h\"\n", 0},

      {"no-tests-inside", "server/store/a.cc", "#include \"tests/fakes/clock.h\"\n", 1},
      {"no-tests-inside", "client/lib/a.cc", "#include \"../../tests/fakes/clock.h\"\n", 1},
      {"no-tests-inside", "server/store/a.cc", "#include <tests/fakes/clock.h>\n", 1},
      {"no-tests-inside", "tests/unit/store/a.cc", "#include \"tests/fakes/clock.h\"\n", 0},

      {"siblings", "server/evidence/nitro/a.cc", "#include \"evidence/tpm/quote.h\"\n", 1},
      {"siblings", "server/evidence/a.cc", "#include \"evidence/tpm/quote.h\"\n", 1},
      {"siblings", "server/platform/other_cloud/a.cc", "#include \"platform/some_cloud/platform.h\"\n", 1},
      {"siblings", "server/platform/binding/a.cc", "#include \"platform/some_cloud/platform.h\"\n", 1},
      {"siblings", "server/platform/other_cloud/a.cc", "#include \"platform/binding/report.h\"\n#include \"evidence/tpm/quote.h\"\n", 0},
      {"siblings", "server/evidence/tpm/a.cc", "#include \"evidence/format.h\"\n#include \"evidence/tpm/quote.h\"\n", 0},

      {"registry", "server/service/a.cc", "#include \"registry/builtin_registry.h\"\n", 1},
      {"registry", "server/main.cc", "#include \"registry/builtin_registry.h\"\n", 0},

      {"openssl", "server/trust/a.cc", "#include <openssl/x509.h>\n", 1},
      {"openssl", "client/agent/a.cc", "#include \"openssl/evp.h\"\n", 1},
      {"openssl", "server/crypto/a.cc", "#include <openssl/x509.h>\n", 0},
      {"openssl", "tests/softtee/a.cc", "#include <openssl/x509.h>\n", 0},

      {"proto", "server/evidence/tpm/a.h", "#include \"assay/v1/verdict.pb.h\"\n", 1},
      {"proto", "server/collateral/a.cc", "#include \"assay/v1/verdict.pb.h\"\n", 1},
      {"proto", "client/relying_party/a.cc", "#include <assay/v1/verdict.pb.h>\n", 1},
      {"proto", "server/appraisal/a.h", "#include \"assay/v1/verdict.pb.h\"\n", 0},

      {"grpc", "server/store/a.cc", "#include <grpcpp/grpcpp.h>\n", 1},
      {"grpc", "server/main.cc", "#include \"assay/v1/verdict_service.grpc.pb.h\"\n", 1},
      {"grpc", "client/cli/a.cc", "#include <grpc/grpc.h>\n", 1},
      {"grpc", "server/service/a.cc", "#include <grpcpp/grpcpp.h>\n#include \"assay/v1/verdict_service.grpc.pb.h\"\n", 0},

      {"tss2", "server/platform/binding/a.cc", "#include <tss2/tss2_mu.h>\n", 1},
      {"tss2", "server/evidence/tpm/a.cc", "#include <tss2/tss2_esys.h>\n", 1},
      {"tss2", "client/lib/a.cc", "#include <tss2/tss2_mu.h>\n", 1},
      {"tss2", "tests/unit/tpm/a.cc", "#include <tss2/tss2_mu.h>\n", 1},
      {"tss2", "client/agent/a.cc", "#include <tss2/tss2_mu.h>\n", 0},
      {"tss2", "client/cli/a.cc", "#include <tss2/tss2_tpm2_types.h>\n", 1},
      {"tss2", "server/evidence/tpm/a.cc", "#include <tss2/tss2_mu.h>\n", 0},
      {"tss2", "client/agent/a.cc", "#include <tss2/tss2_esys.h>\n#include <tss2/tss2_tctildr.h>\n", 0},

      {"pure", "server/appraisal/a.h", "\nvoid Appraise(const Clock& clock);\n", 2},
      {"pure", "server/evidence/tpm/a.cc", "auto now = std::chrono::system_clock::now();\n", 1},
      {"pure", "server/platform/some_cloud/a.cc", "#include <sys/socket.h>\n", 1},
      {"pure", "server/platform/some_cloud/a.cc", "#include <curl/curl.h>\n", 1},
      {"pure", "server/evidence/tpm/a.cc", "#include \"base/random.h\"\n", 1},
      {"pure", "server/appraisal/a.cc", "const char* level = std::getenv(\"LEVEL\");\n", 1},
      {"pure", "server/appraisal/a.cc", "// No Clock here.\nconst char* text = \"Clock\";\nTime ClockBehind();\n", 0},
      {"pure", "server/service/a.cc", "Time now = Clock::Now();\n", 0},

      {"casts", "server/evidence/tpm/a.cc", "auto p = reinterpret_cast<const char*>(q);\n", 1},
      {"casts", "client/lib/a.cc", "\n\nauto p = reinterpret_cast<const char*>(q);\n", 3},
      {"casts", "server/crypto/a.cc", "auto p = reinterpret_cast<const char*>(q);\n", 0},

      {"packed", "server/evidence/tpm/a.h", "struct A {\n} __attribute__((packed));\n", 2},
      {"packed", "server/evidence/tpm/a.h", "struct __attribute__((__packed__)) A {};\n", 1},
      {"packed", "server/evidence/tpm/a.h", "struct [[gnu::packed]] A {};\n", 1},
      {"packed", "tests/softtee/a.h", "#pragma pack(push, 1)\n", 1},
      {"packed", "tests/softtee/a.h", "// #pragma pack(push, 1)\nstd::vector<int> packed(3);\nint Packed(int packed);\n", 0},

      {"headers", "server/base/a.h", "#pragma once\n", 1},
      {"headers", "client/lib/a.h", "// A.\n", 1},
      {"headers", "client/lib/a.h", "// A.\n// #pragma once\n", 1},
      {"headers", "tests/fakes/a.h", "// A.\n#pragma once\n", 0},

      {"library", "server/base/a.cc", "for (int i : numbers | std::views::reverse) {}\n", 1},
      {"library", "tests/unit/base/a.cc", "auto text = std::format(\"{}\", 1);\n", 1},
      {"library", "client/lib/a.h", "#include <expected>\n", 1},
      {"library", "client/lib/a.h", "std::formatter<int>* f; std::ranges::sort(numbers);\n", 0},

      {"top-level", "notes.md", "x\n", 1},
      {"top-level", "third_party/a.h", "x\n", 1},
      {"top-level", "deploy/kubernetes/assayd.yaml", "x\n", 0},
      {"top-level", ".editorconfig", "x\n", 0},

      {"unfinished", "docs/a.md",
       "one\n- TO"
       "DO: two\n",
       2},
      {"unfinished", "server/base/a.cc",
       "// FIX"
       "ME(me)\n",
       1},
      {"unfinished", "docs/a.md",
       "TO"
       "DOS and mkstemp XXXXXX\n",
       0},

      {"private-key", "tests/scenarios/a/key.pem",
       "\n-----BEGIN"
       " EC PRIVATE KEY-----\n",
       2},
      {"private-key", "deploy/a.yaml",
       "  key: -----BEGIN"
       " PRIVATE KEY-----\n",
       1},
      {"private-key", "tests/scenarios/a/key.pem", "-----BEGIN PUBLIC KEY-----\n", 0},
  };
  return examples;
}

class EachExample : public ::testing::TestWithParam<Example> {};

TEST_P(EachExample, IsJudged) {
  const Example& example = GetParam();
  const auto rule = std::find_if(AllRules().begin(), AllRules().end(), [&](const Rule& r) { return r.name == example.rule; });
  ASSERT_NE(rule, AllRules().end()) << example.rule;
  ASSERT_THAT(rule->check(Surroundings(), OurArrows()), IsEmpty()) << "the surroundings themselves break the rule";

  Tree tree = Surroundings();
  tree[example.file] = example.content;
  const std::vector<Violation> violations = rule->check(tree, OurArrows());
  if (example.line == 0) {
    EXPECT_THAT(Descriptions(violations), IsEmpty());
  } else {
    ASSERT_THAT(violations, Not(IsEmpty())) << example.content;
    EXPECT_EQ(violations[0].line, example.line);
    EXPECT_THAT(Describe(violations[0]), AllOf(HasSubstr(example.file + ":"), HasSubstr(std::string(example.rule))));
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, EachExample, ::testing::ValuesIn(Examples()));

TEST(Examples, EveryRuleHasOneThatBreaksItAndOneThatDoesNot) {
  for (const Rule& rule : AllRules()) {
    const auto has = [&](bool broken) {
      return std::any_of(Examples().begin(), Examples().end(),
                         [&](const Example& example) { return example.rule == rule.name && (example.line != 0) == broken; });
    };
    EXPECT_TRUE(has(true)) << rule.name;
    EXPECT_TRUE(has(false)) << rule.name;
  }
}

// --- the table of arrows -------------------------------------------------------------------------------------------

TEST(ParseArrows, IsTransitive) {
  std::vector<Violation> violations;
  const Arrows arrows = ParseArrows("# three\na:\nb: a\nc: b\n", violations);
  EXPECT_THAT(Descriptions(violations), IsEmpty());
  EXPECT_THAT(arrows.at("c"), ElementsAre("a", "b", "c"));
}

TEST(ParseArrows, RefusesWhatIsNoTable) {
  for (const std::string_view text : {"a: b\n", "a:\na:\n", "a: b\nb: a\n", "a: a\n", "a\n", "A:\n"}) {
    std::vector<Violation> violations;
    ParseArrows(text, violations);
    EXPECT_THAT(violations, Not(IsEmpty())) << text;
  }
}

// --- source text ---------------------------------------------------------------------------------------------------

TEST(Separate, TellsCodeFromCommentsAndLiterals) {
  struct Case {
    std::string_view source, without_comments, code;
  };
  for (const Case& c : std::vector<Case>{
           {"a // b\nc", "a     \nc", "a     \nc"},
           {"a /* b\nc */ d", "a     \n     d", "a     \n     d"},
           {"f(\"// a\")", "f(\"// a\")", "f(\"    \")"},
           {"f(\"\\\"a\") // b", "f(\"\\\"a\")     ", "f(\"   \")     "},
           {"c = '\"'; d", "c = '\"'; d", "c = ' '; d"},
           {"n = 1'000; d // e", "n = 1'000; d     ", "n = 1'000; d     "},
           {"R\"x(\")\" // a)x\" b", "R\"x(\")\" // a)x\" b", "R\"            \" b"},
           {"/* never closed", "               ", "               "},
           {"", "", ""},
       }) {
    const SourceText text = Separate(c.source);
    EXPECT_EQ(text.without_comments, c.without_comments);
    EXPECT_EQ(text.code, c.code);
    EXPECT_THAT(text.code, SizeIs(c.source.size()));
  }
}

TEST(LinesNaming, WantsWholeNames) {
  EXPECT_THAT(LinesNaming("Clock\nClocks\naClock\n::Clock& c, Clock d\n", "Clock"), ElementsAre(1, 4));
  EXPECT_THAT(LinesNaming("", "Clock"), IsEmpty());
}

}  // namespace
}  // namespace assay::architecture

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bug.h"
#include "tests/must_not_compile/cases.h"

namespace assay::must_not_compile {

void PrintTo(const Case& one, std::ostream* out) { *out << one.file << ' ' << one.macro; }

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  ASSAY_CHECK(file);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> CompilerArguments() {
  std::ifstream file(COMPILER_ARGUMENTS_FILE);
  std::vector<std::string> arguments;
  for (std::string line; std::getline(file, line);) { arguments.push_back(line); }
  ASSAY_CHECK(!arguments.empty());
  return arguments;
}

// --- the cases -----------------------------------------------------------------------------------------------------

std::vector<Case> AllCases(std::vector<std::string>& errors) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(CASES_DIR)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Case> all;
  for (const std::filesystem::path& file : files) {
    const std::vector<Case> cases = CasesIn(file.string(), Read(file), errors);
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

std::vector<Case> AllCases() {
  std::vector<std::string> ignored;
  return AllCases(ignored);
}

TEST(Cases, AreWellFormed) {
  std::vector<std::string> errors;
  EXPECT_THAT(AllCases(errors), Not(IsEmpty()));
  EXPECT_THAT(errors, IsEmpty());
}

class EachCase : public ::testing::TestWithParam<Case> {};

TEST_P(EachCase, IsAsItMustBe) {
  const std::string wrong = Judge(GetParam(), Compile(CompilerArguments(), GetParam()));
  EXPECT_TRUE(wrong.empty()) << wrong;
}

struct NameOfCase {
  std::string operator()(const ::testing::TestParamInfo<Case>& info) const {
    const std::string macro = info.param.macro.empty() ? "control" : info.param.macro.substr(5);
    return std::filesystem::path(info.param.file).stem().string() + "_" + macro;
  }
};
INSTANTIATE_TEST_SUITE_P(Files, EachCase, ::testing::ValuesIn(AllCases()), NameOfCase());

// --- that the judgement can fail -----------------------------------------------------------------------------------

TEST(Judge, AcceptsOnlyTheExpectedFailure) {
  const Case control{"a.cc", "", ""};
  const Case one{"a.cc", "CASE_one", "no (way|road)"};
  EXPECT_EQ(Judge(control, {true, ""}), "");
  EXPECT_EQ(Judge(one, {false, "a.cc:1: error: no road here"}), "");

  EXPECT_THAT(Judge(control, {false, "broken"}), HasSubstr("broken"));
  EXPECT_EQ(Judge(one, {true, "no road here"}), "it compiles");
  EXPECT_THAT(Judge(one, {false, "expected ';'"}), HasSubstr("another reason"));
}

TEST(CasesIn, ReadsControlAndCases) {
  std::vector<std::string> errors;
  const std::vector<Case> cases =
      CasesIn("a.cc", "int a;\n#ifdef CASE_one\n// expect: x|y\nint b\n#endif\n#ifdef CASE_two\n// expect: z\n#endif\n", errors);
  EXPECT_THAT(errors, IsEmpty());
  ASSERT_THAT(cases, SizeIs(3));
  EXPECT_EQ(cases[0].macro, "");
  EXPECT_EQ(cases[1].macro, "CASE_one");
  EXPECT_EQ(cases[1].expect, "x|y");
  EXPECT_EQ(cases[2].macro, "CASE_two");
}

TEST(CasesIn, RefusesWhatWouldNeverBeTried) {
  for (const std::string content :
       {"int a;\n", "#ifdef CASE_one\nint b\n#endif\n", "#if defined(CASE_one)\n// expect: x\n#endif\n",
        "#ifdef CASE_one\n// expect: x\n#endif\n#ifdef CASE_one\n// expect: x\n#endif\n", "#ifdef CASE_one\n"}) {
    std::vector<std::string> errors;
    CasesIn("a.cc", content, errors);
    EXPECT_THAT(errors, Not(IsEmpty())) << content;
  }
}

TEST(Compile, SaysWhatTheCompilerSaid) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "must not compile's own.cc";
  std::ofstream(file) << "#ifdef CASE_one\n// expect: gibberish\ngibberish;\n#endif\n";
  const Compilation control = Compile(CompilerArguments(), {file.string(), "", ""});
  EXPECT_TRUE(control.succeeded) << control.messages;
  const Compilation broken = Compile(CompilerArguments(), {file.string(), "CASE_one", "gibberish"});
  EXPECT_FALSE(broken.succeeded);
  EXPECT_THAT(broken.messages, HasSubstr("gibberish"));
  std::filesystem::remove(file);
}

TEST(CompileDeathTest, ACompilerThatIsNotThereIsNoFailureToCompile) {
  EXPECT_DEATH(Compile({"/nonexistent/compiler"}, {"a.cc", "CASE_one", "x"}), "bug: ");
}

}  // namespace
}  // namespace assay::must_not_compile

// Runs every folder of cases/: see README.md.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "tests/places/places.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

const fs::path kHere = fs::path(test::SourceDir()) / "tests" / "scenarios";

std::optional<std::string> TextOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> LinesOf(const std::optional<std::string>& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text.value_or(""));
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kHere / "cases")) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// $ASSAY_VECTORS, else the folder `shared/vectors` beside the source tree.
std::string VectorsDirectory() {
  if (const char* given = std::getenv("ASSAY_VECTORS"); given != nullptr && *given != '\0') return given;
  const fs::path beside = fs::path(test::SourceDir()).parent_path() / "shared" / "vectors";
  return fs::is_directory(beside) ? beside.string() : "";
}

class Scenario : public ::testing::TestWithParam<std::string> {
 protected:
  Scenario() {
    std::string pattern = (fs::temp_directory_path() / "assay-scenario-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~Scenario() override { fs::remove_all(directory_); }

  int Run(const std::string& command) const {
    ::setenv("ASSAY", test::Program("assay").c_str(), 1);
    ::setenv("SOFTTEE", test::Program("assay-softtee").c_str(), 1);
    ::setenv("ASSAYD", test::Program("assayd").c_str(), 1);
    ::setenv("SOURCE", test::SourceDir().c_str(), 1);
    ::setenv("PKI", test::SoftteePkiDir().c_str(), 1);
    ::setenv("POLICIES", (kHere / "policies").c_str(), 1);
    ::setenv("VECTORS", VectorsDirectory().c_str(), 1);
    fs::create_directory(directory_ / "work");
    std::ofstream(directory_ / "command") << *TextOf(kHere / "prelude.sh") << "cd '" << (directory_ / "work").string() << "' || exit 98\n"
                                          << command;
    const std::string line = Cat("bash '", (directory_ / "command").string(), "' >'", (directory_ / "stdout").string(), "' 2>'",
                                 (directory_ / "stderr").string(), "' </dev/null");
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  fs::path directory_;
};

TEST_P(Scenario, EndsAsExpected) {
  const fs::path folder = kHere / "cases" / GetParam();
  const auto command = TextOf(folder / "command");
  const auto expected_exit = TextOf(folder / "expected_exit");
  ASSERT_TRUE(command && expected_exit) << folder << " needs the files command and expected_exit";
  if (command->find("$VECTORS") != std::string::npos && VectorsDirectory().empty()) {
    const char* required = std::getenv("ASSAY_REQUIRE_VECTORS");
    ASSERT_FALSE(required != nullptr && std::string_view(required) == "1") << "the vectors are required and not there";
    GTEST_SKIP() << "vectors not found";
  }
  const bool serves = command->starts_with("serve\n") || command->find("\nserve\n") != std::string::npos;
  const bool asks = command->find("--server ") != std::string::npos;
  if ((serves || asks) && !fs::exists(test::Program("assayd"))) GTEST_SKIP() << "a build without the service";

  const int exit_code = Run(*command);
  const std::string out = TextOf(directory_ / "stdout").value_or("");
  const std::string err = TextOf(directory_ / "stderr").value_or("");
  const std::string shown = Cat("\n--- stdout\n", out, "--- stderr\n", err);
  EXPECT_EQ(Cat(exit_code), LinesOf(expected_exit).at(0)) << shown;
  if (const auto golden = TextOf(folder / "expected_stdout")) { EXPECT_EQ(out, *golden) << shown; }
  for (const std::string& fragment : LinesOf(TextOf(folder / "expected_stdout_contains"))) {
    EXPECT_NE(out.find(fragment), std::string::npos) << "standard output lacks: " << fragment << shown;
  }
  for (const std::string& fragment : LinesOf(TextOf(folder / "expected_stdout_lacks"))) {
    EXPECT_EQ(out.find(fragment), std::string::npos) << "standard output has: " << fragment << shown;
  }
  const auto messages = LinesOf(TextOf(folder / "expected_stderr_contains"));
  if (messages.empty()) { EXPECT_EQ(err, "") << shown; }
  for (const std::string& fragment : messages) {
    EXPECT_NE(err.find(fragment), std::string::npos) << "standard error lacks: " << fragment << shown;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Scenario, ::testing::ValuesIn(CaseNames()), [](const auto& info) { return info.param; });

// A misspelt file name would be an expectation that nobody checks.
TEST(Scenarios, HaveNoOtherFiles) {
  const std::set<std::string> known = {
      "command", "expected_exit", "expected_stdout", "expected_stdout_contains", "expected_stdout_lacks", "expected_stderr_contains"};
  for (const std::string& name : CaseNames()) {
    for (const auto& entry : fs::directory_iterator(kHere / "cases" / name)) {
      EXPECT_TRUE(known.contains(entry.path().filename().string())) << entry.path();
    }
  }
}

}  // namespace
}  // namespace assay

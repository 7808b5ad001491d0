// Every reason is reached by at least one test that names it: a code that no test reaches is a promise that nobody keeps.
// (That every check is tested is what `./dev mutants` shows.)
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/places/places.h"

namespace assay {
namespace {

// The text of all tests but this one.
const std::string& TestSources() {
  static const std::string text = [] {
    std::ostringstream all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test::SourceDir() + "/tests")) {
      const std::string name = entry.path().filename().string();
      const bool source = name.ends_with(".cc") || name.starts_with("expected_");
      if (!entry.is_regular_file() || !source || name == "reached_test.cc") continue;
      all << std::ifstream(entry.path(), std::ios::binary).rdbuf() << '\n';
      all.clear();  // an empty file is a failure to the stream, and would have been the last one
    }
    return all.str();
  }();
  return text;
}

// As a whole word: `expired` is not reached by `leaf_expired`.
bool Names(std::string_view text, std::string_view word) {
  const auto part_of_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool starts = at == 0 || !part_of_word(text[at - 1]);
    const std::size_t end = at + word.size();
    if (starts && (end == text.size() || !part_of_word(text[end]))) return true;
  }
  return false;
}

struct Entry {
  std::string_view constant, name;
};

TEST(Reached, EveryReasonIsNamedByATest) {
  for (const Entry& entry : {
#define REASON(constant, number, name, stage, case_class, ar4si, value, meaning, remedy) Entry{"Reason::" #constant, name},
#include "base/reasons.def"
#undef REASON
       }) {
    EXPECT_TRUE(Names(TestSources(), entry.constant) || Names(TestSources(), entry.name)) << entry.name;
  }
}

}  // namespace
}  // namespace assay

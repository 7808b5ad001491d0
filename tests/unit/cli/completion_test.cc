#include "client/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/command_line.h"

namespace assay::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const CommandSpec* Find(const CommandSpec& command, std::string_view name) {
  for (const CommandSpec& child : command.commands) {
    if (child.name == name) return &child;
  }
  return nullptr;
}

TEST(Commands, HaveNamesMeaningsAndOptions) {
  const CommandSpec program = Commands();
  EXPECT_EQ(program.name, "assay");
  for (const std::string_view name : {"inspect", "verify", "policy", "reasons", "version", "completion"}) {
    const CommandSpec* command = Find(program, name);
    ASSERT_NE(command, nullptr) << name;
    EXPECT_FALSE(command->meaning.empty()) << name;
    for (const OptionSpec& option : command->options) {
      EXPECT_FALSE(option.names.empty()) << name;
      EXPECT_FALSE(option.meaning.empty()) << name << ' ' << option.names.front();
    }
  }
  EXPECT_EQ(Find(program, "docs"), nullptr) << "hidden commands stay hidden";
  ASSERT_NE(Find(*Find(program, "policy"), "lint"), nullptr);
}

TEST(Commands, OptionsKnowTheirValues) {
  const CommandSpec program = Commands();
  const CommandSpec& verify = *Find(program, "verify");
  EXPECT_TRUE(verify.takes_files);
  const auto option = [&](std::string_view name) {
    for (const OptionSpec& candidate : verify.options) {
      for (const std::string& own : candidate.names) {
        if (own == name) return candidate;
      }
    }
    return OptionSpec{};
  };
  EXPECT_THAT(option("--output").choices, ::testing::ElementsAre("table", "json", "yaml"));
  EXPECT_THAT(option("-o").choices, ::testing::ElementsAre("table", "json", "yaml"));
  EXPECT_TRUE(option("--policy").takes_file);
  EXPECT_TRUE(option("--at").takes_value);
  EXPECT_FALSE(option("--at").takes_file);
  EXPECT_FALSE(option("--no-freshness").takes_value);
}

TEST(Completion, NamesEveryCommandAndOption) {
  const CommandSpec program = Commands();
  for (const std::string_view shell : {"bash", "zsh", "fish"}) {
    const auto script = CompletionScript(program, shell);
    ASSERT_TRUE(script) << shell;
    for (const CommandSpec& command : program.commands) {
      EXPECT_THAT(*script, HasSubstr(command.name)) << shell;
      for (const OptionSpec& option : command.options) {
        const std::string& name = option.names.front();
        EXPECT_THAT(*script, HasSubstr(shell == "fish" ? name.substr(name.find_first_not_of('-')) : name)) << shell;
      }
    }
    EXPECT_THAT(*script, Not(HasSubstr("docs reasons"))) << shell;
  }
}

TEST(Completion, QuotesWhatTheShellWouldRead) {
  const CommandSpec program{"p", "it's", false, {}, {{{"--x"}, "don't $(touch it)"}}, {}};
  EXPECT_THAT(*CompletionScript(program, "fish"), HasSubstr("'don'\\''t $(touch it)'"));
}

TEST(Completion, OtherShellsAreUnknown) {
  EXPECT_EQ(CompletionScript(Commands(), "tcsh"), std::nullopt);
  EXPECT_EQ(CompletionScript(Commands(), ""), std::nullopt);
}

}  // namespace
}  // namespace assay::cli

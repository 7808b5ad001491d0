// Shell completion, generated from the commands and options that the program has.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::cli {

struct OptionSpec {
  std::vector<std::string> names;  // "--output", "-o"
  std::string meaning;
  bool takes_value = false;
  bool takes_file = false;                // value is a path
  std::vector<std::string> choices = {};  // closed list of values, if it is one
};

struct CommandSpec {
  std::string name;
  std::string meaning;
  bool takes_files = false;             // positional paths
  std::vector<std::string> words = {};  // closed list of positional values, if it is one
  std::vector<OptionSpec> options = {};
  std::vector<CommandSpec> commands = {};
};

// A script for "bash", "zsh" or "fish"; nullopt: another shell.
std::optional<std::string> CompletionScript(const CommandSpec& program, std::string_view shell);

}  // namespace assay::cli

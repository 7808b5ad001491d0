#include "client/cli/completion.h"

#include "base/strings.h"

namespace assay::cli {
namespace {

std::string SingleQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += "'\\''";
    else quoted += c;
  }
  return quoted + "'";
}

std::vector<std::string> WordsOf(const CommandSpec& command) {
  std::vector<std::string> words = command.words;
  for (const CommandSpec& child : command.commands) words.push_back(child.name);
  for (const OptionSpec& option : command.options) words.insert(words.end(), option.names.begin(), option.names.end());
  return words;
}

// Calls `visit(path, command)` for the command and all below it; paths are words with blanks between.
void Visit(const std::string& path, const CommandSpec& command, const auto& visit) {
  visit(path, command);
  for (const CommandSpec& child : command.commands) Visit(Cat(path, " ", child.name), child, visit);
}

std::string BashScript(const CommandSpec& program) {
  std::string paths, values, words;
  Visit(program.name, program, [&](const std::string& path, const CommandSpec& command) {
    if (path != program.name) paths += Cat(paths.empty() ? "" : "|", SingleQuoted(path));
    for (const OptionSpec& option : command.options) {
      if (!option.takes_value) continue;
      std::string pattern;
      for (const std::string& name : option.names) pattern += Cat(pattern.empty() ? "" : "|", SingleQuoted(Cat(path, ":", name)));
      const std::string reply = !option.choices.empty()
                                    ? Cat("COMPREPLY=($(compgen -W ", SingleQuoted(Join(option.choices, " ")), " -- \"$cur\"))")
                                : option.takes_file ? "COMPREPLY=($(compgen -f -- \"$cur\"))"
                                                    : "COMPREPLY=()";
      values += Cat("    ", pattern, ") ", reply, "; return ;;\n");
    }
    words += Cat("    ", SingleQuoted(path), ") words=", SingleQuoted(Join(WordsOf(command), " ")), command.takes_files ? " files=yes" : "",
                 " ;;\n");
  });
  return Cat("_", program.name,
             "() {\n"
             "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path=",
             program.name,
             " words= files= i\n"
             "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "    case \"$path ${COMP_WORDS[i]}\" in\n"
             "      ",
             paths,
             ") path=\"$path ${COMP_WORDS[i]}\" ;;\n"
             "    esac\n"
             "  done\n"
             "  case \"$path:$prev\" in\n",
             values,
             "  esac\n"
             "  case \"$path\" in\n",
             words,
             "  esac\n"
             "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
             "  if [[ -n $files && $cur != -* ]]; then COMPREPLY+=($(compgen -f -- \"$cur\")); fi\n"
             "}\n"
             "complete -o filenames -F _",
             program.name, " ", program.name, "\n");
}

std::string FishScript(const CommandSpec& program) {
  std::string script = Cat("complete -c ", program.name, " -f\n");
  Visit(program.name, program, [&](const std::string& path, const CommandSpec& command) {
    // "assay policy lint" → seen "policy" and seen "lint".
    std::string seen;
    for (std::size_t at = path.find(' '); at != std::string::npos; at = path.find(' ', at + 1)) {
      const std::string word = path.substr(at + 1, path.find(' ', at + 1) - at - 1);
      seen += Cat(seen.empty() ? "" : "; and ", "__fish_seen_subcommand_from ", word);
    }
    const std::string here = Cat("complete -c ", program.name, " -n ", SingleQuoted(seen.empty() ? "true" : seen));
    for (const CommandSpec& child : command.commands) {
      std::string siblings;
      for (const CommandSpec& sibling : command.commands) siblings += Cat(" ", sibling.name);
      const std::string condition = Cat(seen.empty() ? "" : seen + "; and ", "not __fish_seen_subcommand_from", siblings);
      script +=
          Cat("complete -c ", program.name, " -n ", SingleQuoted(condition), " -a ", child.name, " -d ", SingleQuoted(child.meaning), "\n");
    }
    if (!command.words.empty()) script += Cat(here, " -a ", SingleQuoted(Join(command.words, " ")), "\n");
    if (command.takes_files) script += Cat(here, " -F\n");
    for (const OptionSpec& option : command.options) {
      std::string line = here;
      for (const std::string& name : option.names) {
        line += name.starts_with("--") ? Cat(" -l ", name.substr(2)) : Cat(" -s ", name.substr(1));
      }
      if (!option.choices.empty()) line += Cat(" -x -a ", SingleQuoted(Join(option.choices, " ")));
      else if (option.takes_value) line += option.takes_file ? " -r -F" : " -x";
      script += Cat(line, " -d ", SingleQuoted(option.meaning), "\n");
    }
  });
  return script;
}

}  // namespace

std::optional<std::string> CompletionScript(const CommandSpec& program, std::string_view shell) {
  if (shell == "bash") return BashScript(program);
  if (shell == "zsh") return Cat("autoload -U +X bashcompinit && bashcompinit\n", BashScript(program));
  if (shell == "fish") return FishScript(program);
  return std::nullopt;
}

}  // namespace assay::cli

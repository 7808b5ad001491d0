#include "tests/must_not_compile/cases.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <regex>
#include <sstream>

#include "base/bug.h"
#include "base/strings.h"

namespace assay::must_not_compile {
namespace {

std::string Quoted(std::string_view word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') quoted += "'\\''";
    else quoted += c;
  }
  return quoted + "'";
}

}  // namespace

std::vector<Case> CasesIn(std::string_view file, std::string_view content, std::vector<std::string>& errors) {
  static const std::regex opening("^#if(?:def (CASE_[A-Za-z0-9_]+)$|.*CASE_.*)");
  static const std::regex expectation("^// expect: (.+)$");
  std::vector<Case> cases{{std::string(file), "", ""}};
  std::istringstream lines{std::string(content)};
  std::string line;
  while (std::getline(lines, line)) {
    std::smatch match;
    if (!std::regex_match(line, match, opening)) continue;
    const std::string macro = match[1].str();
    if (macro.empty()) {
      errors.push_back(Cat(file, ": a case begins with `#ifdef CASE_name`: ", line));
      continue;
    }
    if (std::any_of(cases.begin(), cases.end(), [&](const Case& one) { return one.macro == macro; })) {
      errors.push_back(Cat(file, ": ", macro, " stands twice"));
    }
    if (!std::getline(lines, line) || !std::regex_match(line, match, expectation)) {
      errors.push_back(Cat(file, ": ", macro, " has no `// expect: …` on the line below"));
      continue;
    }
    cases.push_back({std::string(file), macro, match[1].str()});
  }
  if (cases.size() == 1) errors.push_back(Cat(file, ": no cases"));
  return cases;
}

Compilation Compile(const std::vector<std::string>& arguments, const Case& one) {
  std::string command = "LC_ALL=C";
  for (const std::string& argument : arguments) command += Cat(' ', Quoted(argument));
  if (!one.macro.empty()) command += Cat(" -D", one.macro);
  command += Cat(' ', Quoted(one.file), " 2>&1 </dev/null");

  std::FILE* output = ::popen(command.c_str(), "r");
  ASSAY_CHECK(output != nullptr);
  Compilation compilation{false, {}};
  char buffer[4096];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, output)) > 0;) { compilation.messages.append(buffer, count); }
  const int status = ::pclose(output);
  // The shell answers 126 or more for a program that it could not start, or that a signal ended.
  ASSAY_CHECK(status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) < 126);
  compilation.succeeded = WEXITSTATUS(status) == 0;
  return compilation;
}

std::string Judge(const Case& one, const Compilation& compilation) {
  if (one.macro.empty()) { return compilation.succeeded ? "" : Cat("without any case it must compile:\n", compilation.messages); }
  if (compilation.succeeded) return "it compiles";
  if (!std::regex_search(compilation.messages, std::regex(one.expect))) {
    return Cat("it fails for another reason than ", one.expect, ":\n", compilation.messages);
  }
  return "";
}

}  // namespace assay::must_not_compile

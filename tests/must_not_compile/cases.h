// Cases that must not compile: read from files, compiled, judged.
//
// A file of cases/ is ordinary C++ that compiles, with snippets that do not:
//
//   #ifdef CASE_from_thin_air
//   // expect: no matching (function for call|constructor)
//   Outcome<int> outcome;
//   #endif
//
// `expect` is an ECMAScript regular expression, sought in what the compiler says. It must name the reason, in the words of
// g++ 12 and of clang 14, so that a case does not pass because of a slip of the pen.
//
// Promises: a case passes only if the same file compiles without it. Does not promise anything about warnings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::must_not_compile {

struct Case {
  std::string file;    // path of the file
  std::string macro;   // "CASE_from_thin_air"; "" for the file as it stands, which must compile
  std::string expect;  // regular expression; "" if macro is
};

// The control case of a file and then its cases. A case without `expect` on the line below, one that stands twice, and a
// file without cases go to `errors`.
std::vector<Case> CasesIn(std::string_view file, std::string_view content, std::vector<std::string>& errors);

struct Compilation {
  bool succeeded;
  std::string messages;  // standard output and standard error
};
// Runs `arguments` (compiler first) on the case. A compiler that can't be started or dies by a signal is a failure of the
// test itself: aborts.
Compilation Compile(const std::vector<std::string>& arguments, const Case& one);

// "" if the case is as it must be; otherwise what is wrong.
std::string Judge(const Case& one, const Compilation& compilation);

}  // namespace assay::must_not_compile

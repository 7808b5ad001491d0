// C++ source text as the rules look at it: what is code, what is comment, what is inside a literal.
//
// Promises: line and column of everything that is kept do not move. Does not promise to be a compiler: no preprocessing,
// no trigraphs, no line continuation inside a `//` comment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::architecture {

struct SourceText {
  std::string without_comments;  // comments are blanks; literals stand
  std::string code;              // the insides of string and character literals are blanks too
};
SourceText Separate(std::string_view source);

struct IncludeLine {
  int line;          // from 1
  std::string path;  // as written
  bool quoted;       // "…" rather than <…>
};
std::vector<IncludeLine> IncludesOf(const SourceText& text);

// Lines (from 1) on which `name` stands with no identifier character on either side. `name` may contain "::".
std::vector<int> LinesNaming(std::string_view code, std::string_view name);

}  // namespace assay::architecture

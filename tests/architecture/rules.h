// The rules of the layout, over the text of the tree: who may include whom, where a library may be used, what no file may
// contain. DESIGN's table of arrows is data (arrows.txt).
//
// Promises: every violation names file, line, rule and what was found. Does not promise to see through macros or through
// what another program generates into the build.
#pragma once

#include <map>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace assay::architecture {

// Path from the top of the tree ("server/base/bytes.h") → content.
using Tree = std::map<std::string, std::string, std::less<>>;

struct Violation {
  std::string file;
  int line;  // from 1
  std::string rule;
  std::string what;
};
std::string Describe(const Violation& violation);  // "server/x.cc:3: [arrows] …"

// Folder → all folders it may include, itself among them.
using Arrows = std::map<std::string, std::set<std::string>, std::less<>>;

// Lines "folder: target, target"; '#' begins a comment. The result is transitive. An unknown target, a folder named twice
// and a cycle are violations of rule "arrows.txt", whose arrows are left out.
Arrows ParseArrows(std::string_view text, std::vector<Violation>& violations);

struct Rule {
  std::string_view name;
  std::string_view meaning;
  std::vector<Violation> (*check)(const Tree& tree, const Arrows& arrows);
};
inline void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }  // for GoogleTest
const std::vector<Rule>& AllRules();

// Reads the tree below `top` but .git, build, .run and .cache. Files that are not text are left out.
Tree ReadTree(const std::string& top);

}  // namespace assay::architecture

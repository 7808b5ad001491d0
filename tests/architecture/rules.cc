#include "tests/architecture/rules.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>

#include "base/strings.h"
#include "tests/architecture/source_text.h"

namespace assay::architecture {
namespace {

using Violations = std::vector<Violation>;

// --- where a file stands -------------------------------------------------------------------------------------------

bool IsCpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cc"); }
bool IsHeader(std::string_view path) { return path.ends_with(".h"); }

// `path` is below `folder`, or is `folder`.
bool Below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}
bool BelowAny(std::string_view path, const std::vector<std::string_view>& folders) {
  return std::any_of(folders.begin(), folders.end(), [path](std::string_view folder) { return Below(path, folder); });
}

// The folder of arrows.txt that `path` belongs to: "base", "main", "client/lib", "tests/softtee", "tests/places"; a bare "tests" for
// other tests; "" for what is none.
std::string FolderOf(std::string_view path) {
  if (path == "server/main.cc") return "main";
  const std::size_t first = path.find('/');
  if (first == std::string_view::npos) return "";
  const std::size_t second = path.find('/', first + 1);
  const std::string_view top = path.substr(0, first);
  for (const std::string_view folder : {"tests/softtee", "tests/places"}) {
    if (Below(path, folder)) return std::string(folder);
  }
  if (top == "tests") return "tests";
  if (second == std::string_view::npos) return "";
  if (top == "server") return std::string(path.substr(first + 1, second - first - 1));
  return top == "client" ? std::string(path.substr(0, second)) : "";
}

// What an #include line means.
struct Target {
  enum class Kind { kOurs, kGenerated, kExternal } kind;
  std::string path;  // kOurs: from the top of the tree; else as written
};

Target Resolve(const Tree& tree, std::string_view includer, const IncludeLine& include) {
  namespace fs = std::filesystem;
  if (!include.quoted) return {Target::Kind::kExternal, include.path};
  const fs::path beside = fs::path(includer).parent_path() / include.path;
  for (const fs::path& candidate : {fs::path("server") / include.path, fs::path(include.path), beside}) {
    std::string path = candidate.lexically_normal().string();
    if (tree.find(path) != tree.end()) return {Target::Kind::kOurs, std::move(path)};
  }
  if (Below(include.path, "assay/v1") || Below(include.path, "registry")) return {Target::Kind::kGenerated, include.path};
  return {Target::Kind::kExternal, include.path};
}

// Calls found(file, include line, target) for every #include of the C++ files below server/, client/ and tests/.
template <typename Found>
void ForEachInclude(const Tree& tree, Found found) {
  for (const auto& [path, content] : tree) {
    if (!IsCpp(path) || !BelowAny(path, {"server", "client", "tests"})) continue;
    for (const IncludeLine& include : IncludesOf(Separate(content))) found(path, include, Resolve(tree, path, include));
  }
}

// Every #include for which forbidden(file, include line, target) has something to say.
template <typename Forbidden>
Violations ForbiddenIncludes(std::string_view rule, const Tree& tree, Forbidden forbidden) {
  Violations violations;
  ForEachInclude(tree, [&](const std::string& file, const IncludeLine& include, const Target& target) {
    if (const std::optional<std::string> why = forbidden(file, include, target)) {
      violations.push_back({file, include.line, std::string(rule), *why});
    }
  });
  return violations;
}

// Every use of one of `names` in C++ code of files for which applies(file) is true.
template <typename Names, typename Applies>
Violations ForbiddenNames(std::string_view rule, const Tree& tree, const Names& names, Applies applies) {
  Violations violations;
  for (const auto& [path, content] : tree) {
    if (!IsCpp(path) || !applies(path)) continue;
    const SourceText text = Separate(content);
    for (const std::string_view name : names) {
      for (const int line : LinesNaming(text.code, name)) {
        violations.push_back({path, line, std::string(rule), Cat(name, " is not used here")});
      }
    }
  }
  return violations;
}

// Every line of any file that matches.
Violations ForbiddenText(std::string_view rule, const Tree& tree, const std::regex& pattern, std::string_view what) {
  Violations violations;
  for (const auto& [path, content] : tree) {
    int line = 1;
    for (std::size_t begin = 0; begin < content.size(); ++line) {
      const std::size_t end = std::min(content.find('\n', begin), content.size());
      if (std::regex_search(content.begin() + static_cast<std::ptrdiff_t>(begin), content.begin() + static_cast<std::ptrdiff_t>(end),
                            pattern)) {
        violations.push_back({path, line, std::string(rule), std::string(what)});
      }
      begin = end + 1;
    }
  }
  return violations;
}

// --- the rules -----------------------------------------------------------------------------------------------------

Violations CheckArrows(const Tree& tree, const Arrows& arrows) {
  return ForbiddenIncludes("arrows", tree,
                           [&](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
                             if (target.kind != Target::Kind::kOurs) return std::nullopt;
                             const std::string from = FolderOf(file);
                             if (from == "tests") return std::nullopt;
                             const std::string to = FolderOf(target.path);
                             const auto found = arrows.find(from);
                             if (found == arrows.end()) {
                               return Cat("the folder of this file is not in arrows.txt; it includes ", include.path);
                             }
                             if (found->second.count(to) != 0) return std::nullopt;
                             return Cat(from, " may not include ", to.empty() ? target.path : to, " (\"", include.path, "\")");
                           });
}

Violations CheckTestsStayOut(const Tree& tree, const Arrows&) {
  return ForbiddenIncludes("no-tests-inside", tree,
                           [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
                             const std::string normal = std::filesystem::path(target.path).lexically_normal().string();
                             if (Below(file, "tests") || !(Below(normal, "tests") || Below(include.path, "tests"))) return std::nullopt;
                             return Cat("nothing in server/ or client/ includes tests (", include.path, ")");
                           });
}

// The folder directly below `parent` that `path` lies in: ChildOf("server/evidence", "server/evidence/tpm/x.h") = "tpm";
// "" for a file that lies in `parent` itself, or elsewhere.
std::string ChildOf(std::string_view parent, std::string_view path) {
  if (!path.starts_with(Cat(parent, "/"))) return "";
  const std::string_view rest = path.substr(parent.size() + 1);
  const std::size_t slash = rest.find('/');
  return slash == std::string_view::npos ? "" : std::string(rest.substr(0, slash));
}

Violations CheckSiblings(const Tree& tree, const Arrows&) {
  return ForbiddenIncludes("siblings", tree,
                           [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
                             for (const std::string_view parent : {"server/evidence", "server/platform"}) {
                               if (!Below(file, parent)) continue;
                               const std::string to = ChildOf(parent, target.path);
                               const bool shared = parent == "server/platform" && to == "binding";
                               if (to.empty() || shared || to == ChildOf(parent, file)) continue;
                               return Cat("formats do not include each other, nor platforms each other (", include.path, ")");
                             }
                             return std::nullopt;
                           });
}

Violations CheckRegistry(const Tree& tree, const Arrows&) {
  return ForbiddenIncludes(
      "registry", tree, [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
        if (target.kind != Target::Kind::kGenerated || !Below(target.path, "registry")) return std::nullopt;
        if (BelowAny(file, {"server/main.cc", "client/cli", "tests"})) return std::nullopt;
        return Cat("the registry is passed on as an argument; only the composition roots name it (", include.path, ")");
      });
}

Violations CheckOpenssl(const Tree& tree, const Arrows&) {
  return ForbiddenIncludes("openssl", tree,
                           [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
                             if (!Below(target.path, "openssl") || BelowAny(file, {"server/crypto", "tests"})) return std::nullopt;
                             return Cat("OpenSSL only in server/crypto and tests (", include.path, ")");
                           });
}

Violations CheckGeneratedMessages(const Tree& tree, const Arrows&) {
  return ForbiddenIncludes(
      "proto", tree, [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
        if (!target.path.ends_with(".pb.h") || target.path.ends_with(".grpc.pb.h")) return std::nullopt;
        if (BelowAny(file, {"server/appraisal", "server/result", "server/store", "server/service", "server/http", "server/main.cc",
                            "client/lib", "client/cli", "client/agent", "tests"})) {
          return std::nullopt;
        }
        return Cat("generated messages only in appraisal and above, client/lib, cli, agent and tests (", include.path, ")");
      });
}

Violations CheckGrpc(const Tree& tree, const Arrows&) {
  return ForbiddenIncludes("grpc", tree,
                           [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
                             const bool grpc = BelowAny(target.path, {"grpc", "grpcpp", "grpc++"}) || target.path.ends_with(".grpc.pb.h");
                             if (!grpc || BelowAny(file, {"server/service", "client/lib", "tests"})) return std::nullopt;
                             return Cat("gRPC only in server/service, client/lib and tests (", include.path, ")");
                           });
}

Violations CheckTss2(const Tree& tree, const Arrows&) {
  return ForbiddenIncludes(
      "tss2", tree, [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
        if (!Below(target.path, "tss2")) return std::nullopt;
        const bool mu = target.path == "tss2/tss2_mu.h";
        const bool types = target.path == "tss2/tss2_common.h" || target.path == "tss2/tss2_tpm2_types.h";
        if ((mu || types) && Below(file, "server/evidence/tpm")) return std::nullopt;
        if (mu ? Below(file, "client/agent") : BelowAny(file, {"client/agent", "tests"})) return std::nullopt;
        return Cat("tss2-mu only in evidence/tpm and client/agent; tss2-esys and its transports only in client/agent and tests (",
                   include.path, ")");
      });
}

bool IsPure(std::string_view path) { return BelowAny(path, {"server/evidence", "server/platform", "server/appraisal"}); }

Violations CheckSources(const Tree& tree, const Arrows&) {
  Violations violations = ForbiddenIncludes(
      "pure", tree, [](const std::string& file, const IncludeLine& include, const Target& target) -> std::optional<std::string> {
        if (!IsPure(file)) return std::nullopt;
        static constexpr auto kSources =
            std::to_array<std::string_view>({"sys/socket.h", "sys/random.h", "netdb.h", "netinet/in.h", "arpa/inet.h", "poll.h",
                                             "sys/epoll.h", "random", "thread", "ctime", "time.h", "sys/time.h", "httplib.h", "sqlite3.h"});
        const bool source = std::find(kSources.begin(), kSources.end(), target.path) != kSources.end() || Below(target.path, "curl") ||
                            target.path == "server/base/random.h";
        if (!source) return std::nullopt;
        return Cat("an appraisal is a pure function: no clock, randomness, network or store (", include.path, ")");
      });
  static constexpr auto kNames = std::to_array<std::string_view>({"Clock", "SystemClock", "Random", "SystemRandom", "system_clock",
                                                                  "steady_clock", "high_resolution_clock", "gettimeofday", "clock_gettime",
                                                                  "getrandom", "random_device", "curl", "getaddrinfo", "getenv"});
  const Violations named = ForbiddenNames("pure", tree, kNames, IsPure);
  violations.insert(violations.end(), named.begin(), named.end());
  return violations;
}

Violations CheckCasts(const Tree& tree, const Arrows&) {
  static constexpr auto kNames = std::to_array<std::string_view>({"reinterpret_cast"});
  return ForbiddenNames("casts", tree, kNames, [](std::string_view path) {
    return BelowAny(path, {"server", "client"}) && !BelowAny(path, {"server/base/bytes.h", "server/crypto"});
  });
}

Violations CheckPacking(const Tree& tree, const Arrows&) {
  static const std::regex packing("#[ \\t]*pragma[ \\t]+pack|__packed__|\\(\\([ \\t]*packed|gnu::packed|[ \\t(]_?_?Pragma.*pack\\(");
  Violations violations;
  for (const auto& [path, content] : tree) {
    if (!IsCpp(path) || !BelowAny(path, {"server", "client", "tests"})) continue;
    const Tree code{{path, Separate(content).code}};
    const Violations found = ForbiddenText("packed", code, packing, "no packed structs: offset tables and a cursor (base/layout.h)");
    violations.insert(violations.end(), found.begin(), found.end());
  }
  return violations;
}

Violations CheckHeaders(const Tree& tree, const Arrows&) {
  Violations violations;
  for (const auto& [path, content] : tree) {
    if (!IsHeader(path) || !BelowAny(path, {"server", "client", "tests"})) continue;
    if (!content.starts_with("// ")) violations.push_back({path, 1, "headers", "a header starts with what it promises"});
    if (LinesNaming(Separate(content).code, "#pragma once").empty()) violations.push_back({path, 1, "headers", "no #pragma once"});
  }
  return violations;
}

Violations CheckLibrary(const Tree& tree, const Arrows&) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"std::views", "std::ranges::views", "std::format", "std::expected", "std::source_location"});
  Violations violations = ForbiddenNames("library", tree, kNames, [](std::string_view path) {
    return BelowAny(path, {"server", "client", "tests"});
  });
  const Violations included =
      ForbiddenIncludes("library", tree, [](const std::string&, const IncludeLine& include, const Target&) -> std::optional<std::string> {
        if (include.path != "format" && include.path != "expected" && include.path != "source_location") return std::nullopt;
        return Cat("not in both compilers (<", include.path, ">)");
      });
  violations.insert(violations.end(), included.begin(), included.end());
  return violations;
}

Violations CheckTopLevel(const Tree& tree, const Arrows&) {
  static const std::set<std::string, std::less<>> entries{
      "CMakeLists.txt", "CMakePresets.json", "Dockerfile", "LICENSE", "README.md", "client", "deploy", "dev",
      "docs",           "policies",          "proto",      "server",  "tests"};
  Violations violations;
  std::set<std::string, std::less<>> seen;
  for (const auto& [path, content] : tree) {
    std::string entry = path.substr(0, path.find('/'));
    if (entry.starts_with('.') || entries.count(entry) != 0 || !seen.insert(entry).second) continue;
    violations.push_back({path, 1, "top-level", Cat("the layout has no entry ", entry)});
  }
  return violations;
}

// Written so that the pattern does not match the line it stands on.
Violations CheckUnfinished(const Tree& tree, const Arrows&) {
  static const std::regex marks(
      "(^|[^A-Za-z])(TO"
      "DO|FIX"
      "ME|X"
      "XX)([^A-Za-z]|$)");
  return ForbiddenText("unfinished", tree, marks, "finish it, or write an issue");
}

Violations CheckPrivateKeys(const Tree& tree, const Arrows&) {
  static const std::regex key(
      "BEGIN"
      " ([A-Z]+ )*PRIVATE KEY");
  return ForbiddenText("private-key", tree, key, "keys are made at run time, none is in the tree");
}

}  // namespace

std::string Describe(const Violation& violation) {
  return Cat(violation.file, ":", violation.line, ": [", violation.rule, "] ", violation.what);
}

Arrows ParseArrows(std::string_view text, std::vector<Violation>& violations) {
  struct Row {
    int line;
    std::vector<std::string> targets;
  };
  std::map<std::string, Row> rows;
  const auto complain = [&](int line, std::string what) { violations.push_back({"arrows.txt", line, "arrows.txt", std::move(what)}); };

  static const std::regex row_form("([a-z_]+(?:/[a-z_]+)?):(.*)");
  static const std::regex word("[a-z_/]+");
  int line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string content(text.substr(begin, end - begin));
    begin = end + 1;
    ++line;
    if (content.empty() || content[0] == '#') continue;
    std::smatch match;
    if (!std::regex_match(content, match, row_form)) {
      complain(line, "expected `folder: target, target`");
      continue;
    }
    const std::string targets = match[2].str();
    Row row{line, {}};
    for (auto it = std::sregex_iterator(targets.begin(), targets.end(), word); it != std::sregex_iterator(); ++it) {
      row.targets.push_back(it->str());
    }
    if (!rows.emplace(match[1].str(), std::move(row)).second) complain(line, Cat(match[1].str(), " stands twice"));
  }

  Arrows arrows;
  for (const auto& [folder, row] : rows) {
    std::set<std::string>& reached = arrows[folder];
    std::vector<std::string> open = row.targets;
    while (!open.empty()) {
      const std::string target = open.back();
      open.pop_back();
      const auto found = rows.find(target);
      if (found == rows.end()) complain(row.line, Cat("no row for ", target));
      else if (reached.insert(target).second) open.insert(open.end(), found->second.targets.begin(), found->second.targets.end());
    }
    if (!reached.insert(folder).second) complain(row.line, Cat(folder, " reaches itself"));
  }
  return arrows;
}

const std::vector<Rule>& AllRules() {
  static const std::vector<Rule> rules{
      {"arrows", "a folder includes only what an arrow leads to", CheckArrows},
      {"no-tests-inside", "nothing in server/ or client/ includes tests/", CheckTestsStayOut},
      {"siblings", "formats do not include each other, nor platforms each other", CheckSiblings},
      {"registry", "only composition roots and tests name the generated registry", CheckRegistry},
      {"openssl", "OpenSSL only in server/crypto and tests", CheckOpenssl},
      {"proto", "generated messages only in appraisal and above", CheckGeneratedMessages},
      {"grpc", "gRPC only in server/service, client/lib and tests", CheckGrpc},
      {"tss2", "tss2-mu only in evidence/tpm and client/agent, tss2-esys only in client/agent and tests", CheckTss2},
      {"pure", "no clock, randomness, network or store in evidence/, platform/, appraisal/", CheckSources},
      {"casts", "no reinterpret_cast but in base/bytes.h and crypto", CheckCasts},
      {"packed", "no packed structs", CheckPacking},
      {"headers", "a header starts with its contract and has #pragma once", CheckHeaders},
      {"library", "nothing that one of the two compilers lacks", CheckLibrary},
      {"top-level", "the top level is exactly DESIGN's", CheckTopLevel},
      {"unfinished", "no marks of unfinished work", CheckUnfinished},
      {"private-key", "no private key in the tree", CheckPrivateKeys},
  };
  return rules;
}

Tree ReadTree(const std::string& top) {
  namespace fs = std::filesystem;
  static const std::set<std::string, std::less<>> left_out{".git", "build", ".run", ".cache"};
  Tree tree;
  for (auto it = fs::recursive_directory_iterator(top); it != fs::recursive_directory_iterator(); ++it) {
    if (it.depth() == 0 && left_out.count(it->path().filename().string()) != 0) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || it->path().extension() == ".swp") continue;
    std::ifstream file(it->path(), std::ios::binary);
    std::string content(std::istreambuf_iterator<char>(file), {});
    if (content.find('\0') == std::string::npos) { tree.emplace(it->path().lexically_relative(top).string(), std::move(content)); }
  }
  return tree;
}

}  // namespace assay::architecture

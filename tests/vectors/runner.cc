#include "tests/vectors/runner.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "codec/json.h"

namespace assay::vectors {
namespace {

std::optional<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !std::filesystem::is_regular_file(path) || !(file.peek() == std::ifstream::traits_type::eof() || content << file.rdbuf())) {
    return std::nullopt;
  }
  return std::move(content).str();
}

absl::StatusOr<Inputs> LoadInputs(const Case& conformance_case) {
  Inputs inputs;
  for (const auto& [role, paths] : conformance_case.inputs) {
    std::vector<Bytes> files;
    for (const std::filesystem::path& path : paths) {
      const std::optional<std::string> content = ReadFile(path);
      if (!content) return absl::NotFoundError(ToAbsl(Cat("input ", role, " cannot be read: ", path.string())));
      files.push_back(ToBytes(AsBytes(*content)));
    }
    inputs.Add(role, std::move(files));
  }
  for (const Mutation& mutation : conformance_case.mutations) {
    const auto found = inputs.by_role().find(mutation.role);
    if (found == inputs.by_role().end() || found->second.size() != 1) {
      return absl::InvalidArgumentError(ToAbsl(Cat("mutation of '", mutation.role, "', which is not one file")));
    }
    if (absl::Status status = Apply(mutation.operation, found->second.front()); !status.ok()) return status;
  }
  return inputs;
}

// A case names some of the values that must come out: of an object, some of its members.
bool Holds(const json::Value& expected, const json::Value& actual) {
  const json::Value::Object* members = expected.AsObject();
  if (members == nullptr || actual.AsObject() == nullptr) return expected == actual;
  return std::all_of(members->begin(), members->end(), [&](const json::Member& member) {
    const json::Value* found = actual.Find(member.name);
    return found != nullptr && Holds(member.value, *found);
  });
}
bool Holds(const std::string& expected, const std::string& actual) {
  if (expected == actual) return true;
  const Outcome<json::Value> wanted = json::Parse(expected), found = json::Parse(actual);
  return wanted.ok() && found.ok() && Holds(wanted.value(), found.value());
}

void CompareValues(std::string_view what, const Values& expected, const Values& actual, std::vector<std::string>& defects) {
  for (const auto& [name, value] : expected) {
    const auto found = actual.find(name);
    if (found == actual.end()) {
      defects.push_back(Cat(what, " ", name, ": expected ", value, ", is absent"));
    } else if (!Holds(value, found->second)) {
      defects.push_back(Cat(what, " ", name, ": expected ", value, ", actual ", found->second));
    }
  }
}

}  // namespace

absl::StatusOr<PendingKinds> ParsePendingKinds(std::string_view text) {
  PendingKinds kinds;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t tab = line.find('\t');
    if (tab == 0 || tab == std::string::npos || tab + 1 == line.size()) {
      return absl::InvalidArgumentError(ToAbsl(Cat("line ", number, ": expected a kind, a tab and why it is pending")));
    }
    if (!kinds.emplace(line.substr(0, tab), line.substr(tab + 1)).second) {
      return absl::InvalidArgumentError(ToAbsl(Cat("line ", number, ": '", line.substr(0, tab), "' is listed twice")));
    }
  }
  return kinds;
}

std::vector<std::string> Compare(const Expectation& expected, const Observation& actual) {
  std::vector<std::string> defects;
  if (!actual.fault.empty()) defects.push_back(Cat("the checker failed: ", actual.fault));
  if (actual.authentic != actual.against.empty()) {
    defects.push_back(actual.authentic ? "authentic in spite of the findings below" : "not authentic, but no finding says why");
  }
  if (actual.authentic != expected.authentic) {
    defects.push_back(expected.authentic ? "expected authentic, actual not authentic"
                                         : Cat("expected not authentic (", Join(expected.reasons, ", "), "), actual authentic"));
  } else if (expected.authentic) {
    CompareValues("claim", expected.claims, actual.claims, defects);
    CompareValues("status", expected.status, actual.status, defects);
  } else {
    std::vector<std::string> classes;
    for (const Finding& finding : actual.against) classes.emplace_back(EntryOf(finding.reason).case_class);
    if (std::find_first_of(classes.begin(), classes.end(), expected.reasons.begin(), expected.reasons.end()) == classes.end()) {
      defects.push_back(Cat("expected reason ", Join(expected.reasons, " or "), ", actual ", Join(classes, ", ")));
    }
  }
  return defects;
}

std::vector<std::filesystem::path> FindCaseFiles(std::span<const std::filesystem::path> folders) {
  std::set<std::filesystem::path> found;
  for (const std::filesystem::path& folder : folders) {
    std::error_code absent;
    for (auto entry = std::filesystem::recursive_directory_iterator(folder, absent);
         !absent && entry != std::filesystem::recursive_directory_iterator(); ++entry) {
      if (entry->is_regular_file() && entry->path().filename() == "cases.json") { found.insert(std::filesystem::canonical(entry->path())); }
    }
  }
  return {found.begin(), found.end()};
}

std::filesystem::path DefaultFolder(const std::filesystem::path& source_tree) {
  const char* variable = std::getenv("ASSAY_VECTORS");
  if (variable != nullptr && *variable != '\0') return variable;
  return source_tree.parent_path() / "shared/vectors";
}

bool VectorsAreRequired() {
  const char* variable = std::getenv("ASSAY_REQUIRE_VECTORS");
  return variable != nullptr && std::string_view(variable) == "1";
}

Runner::Runner(std::span<const Checker> checkers, PendingKinds pending, std::ostream& out)
    : checkers_(checkers), pending_(std::move(pending)), out_(out) {
  for (const auto& [kind, why] : pending_) {
    if (FindChecker(kind) != nullptr) Fail(Cat("kind ", kind, " has a checker and is listed as pending as well"));
  }
}

const Checker* Runner::FindChecker(std::string_view kind) const {
  const auto found = std::find_if(checkers_.begin(), checkers_.end(), [&](const Checker& one) { return one.kind == kind; });
  return found == checkers_.end() ? nullptr : &*found;
}

void Runner::Fail(std::string_view what) {
  ++tally_.failed;
  out_ << "FAILED " << what << '\n';
}

void Runner::RunFile(const std::filesystem::path& path) {
  const std::optional<std::string> text = ReadFile(path);
  if (!text) return Fail(Cat(path.string(), ": cannot be read"));
  const absl::StatusOr<CaseFile> file = ParseCaseFile(*text, path.parent_path());
  if (!file.ok()) return Fail(Cat(path.string(), ": ", MessageOf(file.status())));
  if (file->cases.empty()) return Fail(Cat(path.string(), ": has no cases"));
  for (const Case& conformance_case : file->cases) RunCase(Cat(file->area, "/", conformance_case.id), conformance_case);
}

void Runner::RunCase(const std::string& label, const Case& conformance_case) {
  const Checker* checker = FindChecker(conformance_case.kind);
  if (checker == nullptr) {
    if (!pending_.contains(conformance_case.kind)) {
      return Fail(Cat(label, ": kind ", conformance_case.kind, " has no checker and is not listed as pending"));
    }
    ++tally_.pending[conformance_case.kind];
    return;
  }
  const absl::StatusOr<Inputs> inputs = LoadInputs(conformance_case);
  if (!inputs.ok()) return Fail(Cat(label, ": ", MessageOf(inputs.status())));
  Observation actual = checker->run(conformance_case, *inputs);
  if (!actual.authentic && actual.against.empty()) actual.against = std::move(actual.undecided);
  const std::vector<std::string> defects = Compare(conformance_case.expected, actual);
  if (defects.empty()) {
    ++tally_.passed;
    return;
  }
  Fail(Cat(label, " (", conformance_case.kind, ")"));
  for (const std::string& defect : defects) out_ << "  " << defect << '\n';
  for (const Finding& finding : actual.against) {
    out_ << "  finding [" << EntryOf(finding.reason).case_class << "] " << Describe(finding) << '\n';
  }
  for (const std::string& note : actual.notes) out_ << "  note " << note << '\n';
}

void Runner::PrintSummary() const {
  std::size_t pending = 0;
  std::vector<std::string> kinds;
  for (const auto& [kind, count] : tally_.pending) {
    pending += count;
    kinds.push_back(Cat(kind, ": ", count));
  }
  out_ << pending << " pending";
  if (!kinds.empty()) out_ << " (" << Join(kinds, ", ") << ')';
  out_ << '\n' << tally_.passed << " passed, " << tally_.failed << " failed\n";
}

}  // namespace assay::vectors

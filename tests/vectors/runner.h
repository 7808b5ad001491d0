// Runs conformance cases and counts them.
//
// A case passes when `authentic` is equal and, if false, the class of one of the findings against the evidence is among
// the case's reasons; if true, every claim and status that the case names is equal. A kind without a checker is
// pending, and must be listed as such; a kind neither listed nor implemented, or both, is a failure.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/vectors/checker.h"

namespace assay::vectors {

// kind → why there is no checker yet
using PendingKinds = std::map<std::string, std::string>;
// One kind a line: kind, tab, why. Blank lines and lines that start with '#' are left out. INVALID_ARGUMENT otherwise.
absl::StatusOr<PendingKinds> ParsePendingKinds(std::string_view text);

struct Tally {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::map<std::string, std::size_t> pending;  // cases by kind
};

class Runner {
 public:
  Runner(std::span<const Checker> checkers, PendingKinds pending, std::ostream& out);

  // Runs all cases of one cases.json. A file that cannot be read, or has no cases, counts as one failure.
  void RunFile(const std::filesystem::path& path);
  // Counts and prints something that went wrong outside any case.
  void Fail(std::string_view what);
  // The last two lines: "N pending (kind: n, …)" and "N passed, N failed".
  void PrintSummary() const;

  const Tally& tally() const { return tally_; }

 private:
  void RunCase(const std::string& label, const Case& conformance_case);
  const Checker* FindChecker(std::string_view kind) const;

  std::span<const Checker> checkers_;
  PendingKinds pending_;
  std::ostream& out_;
  Tally tally_;
};

// Every cases.json below the folders, sorted, each once. Folders that do not exist hold none.
std::vector<std::filesystem::path> FindCaseFiles(std::span<const std::filesystem::path> folders);

// Where the vectors are looked for if nobody says: $ASSAY_VECTORS, else ../shared/vectors beside the source tree.
std::filesystem::path DefaultFolder(const std::filesystem::path& source_tree);
// ASSAY_REQUIRE_VECTORS=1: their absence is a failure.
bool VectorsAreRequired();

// What is wrong with the observation, one line each; empty = the case passes.
std::vector<std::string> Compare(const Expectation& expected, const Observation& actual);

}  // namespace assay::vectors

// assay-vectors: runs every conformance case below some folders (tests/vectors/README.md).
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "tests/places/places.h"
#include "tests/vectors/runner.h"

namespace {

using namespace assay;
using namespace assay::vectors;

constexpr int kOk = 0;
constexpr int kUsage = 2;
constexpr int kVectorsFailed = 7;

constexpr std::string_view kHelp =
    "usage: assay-vectors [--pending FILE] [DIR…]\n"
    "\n"
    "Runs every cases.json below DIR. Without DIR: $ASSAY_VECTORS, else ../shared/vectors beside the source tree.\n"
    "  --pending FILE   kinds without a checker yet, one a line: kind, tab, why\n"
    "                   (default: tests/vectors/pending.txt of the source tree)\n"
    "\n"
    "With ASSAY_REQUIRE_VECTORS=1 in the environment, finding no cases is a failure.\n"
    "exit codes: 0 all passed, 2 usage, 7 a case failed or the vectors are required and absent\n";

int UsageError(std::string_view what) {
  std::cerr << "assay-vectors: " << what << "\n\n" << kHelp;
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path source = assay::test::SourceDir();
  std::filesystem::path pending_path = source / "tests/vectors/pending.txt";
  std::vector<std::filesystem::path> folders;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::cout << kHelp;
      return kOk;
    }
    if (argument == "--pending") {
      if (++i == argc) return UsageError("--pending needs a file");
      pending_path = argv[i];
    } else if (argument.starts_with('-')) {
      return UsageError(Cat("unknown option ", argument));
    } else {
      folders.emplace_back(argument);
    }
  }
  if (folders.empty()) folders.push_back(DefaultFolder(source));

  std::ifstream pending_file(pending_path, std::ios::binary);
  if (!pending_file) return UsageError(Cat("cannot read ", pending_path.string()));
  const absl::StatusOr<PendingKinds> pending = ParsePendingKinds(std::string(std::istreambuf_iterator<char>(pending_file), {}));
  if (!pending.ok()) return UsageError(Cat(pending_path.string(), ": ", MessageOf(pending.status())));

  Runner runner(BuiltinCheckers(), *pending, std::cout);
  const std::vector<std::filesystem::path> files = FindCaseFiles(folders);
  if (files.empty()) {
    std::vector<std::string> names;
    for (const std::filesystem::path& folder : folders) names.push_back(folder.string());
    const std::string where = Join(names, ", ");
    if (VectorsAreRequired()) {
      std::cout << "vectors: required, but not found at " << where << '\n';
      runner.PrintSummary();
      return kVectorsFailed;
    }
    std::cout << "vectors: SKIPPED (not found at " << where << ")\n";
  } else {
    // A folder that was asked for and holds nothing is a mistake in the call, not something to pass over.
    for (const std::filesystem::path& folder : folders) {
      if (FindCaseFiles({&folder, 1}).empty()) runner.Fail(Cat("no cases.json below ", folder.string()));
    }
  }
  for (const std::filesystem::path& file : files) runner.RunFile(file);
  runner.PrintSummary();
  return runner.tally().failed == 0 ? kOk : kVectorsFailed;
}

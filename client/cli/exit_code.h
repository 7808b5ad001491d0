// Exit codes of `assay`: stable, documented in docs/cli.md, never reused.
#pragma once

namespace assay::cli {

enum class ExitCode : int {
  kOk = 0,             // trusted (warnings included), or done
  kInternal = 1,       // a defect of this program, or of the machine under it
  kUsage = 2,          // the command line, or a file that it names
  kUnreachable = 3,    // the server cannot be reached or authenticated, or cannot answer at the moment
  kNotTrusted = 4,     // evidence could be judged, and is not trusted
  kMalformed = 5,      // evidence could not even be read: the first failing stage is parse
  kIndeterminate = 6,  // could not decide: never trust
  kFailed = 7,         // lint, test or vectors failed
};

// Of several files, the one that stands in the way most: what could not be opened before what could not be read.
constexpr ExitCode WorstOf(ExitCode a, ExitCode b) {
  constexpr auto rank = [](ExitCode code) {
    switch (code) {
      case ExitCode::kOk: return 0;
      case ExitCode::kIndeterminate: return 1;
      case ExitCode::kNotTrusted: return 2;
      case ExitCode::kMalformed: return 3;
      case ExitCode::kFailed: return 4;
      case ExitCode::kUnreachable: return 5;
      case ExitCode::kUsage: return 6;
      case ExitCode::kInternal: return 7;
    }
    return 7;
  };
  return rank(a) < rank(b) ? b : a;
}

}  // namespace assay::cli

// Runs another program and takes what it prints.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace assay::agent {

struct ProgramResult {
  int exit_code;       // 128 + signal if it was killed
  std::string output;  // standard output; standard error goes where ours goes
};

// `arguments[0]` is the path of the program; no shell is involved. Its standard input is empty. FailedPrecondition: it can't
// be started, or printed more than `limit` bytes.
absl::StatusOr<ProgramResult> RunProgram(const std::vector<std::string>& arguments, std::size_t limit);

}  // namespace assay::agent

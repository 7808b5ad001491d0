// The command line of `assay`: commands, options, help. The only file that knows the option parser.
#pragma once

#include <string>
#include <vector>

#include "client/cli/completion.h"
#include "client/cli/exit_code.h"
#include "client/cli/invocation.h"

namespace assay::cli {

// Parses `arguments` (without the program's name) and runs the command that they name.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, const Invocation& invocation);

// All visible commands with their options, as completion and docs/cli.md need them.
CommandSpec Commands();

}  // namespace assay::cli

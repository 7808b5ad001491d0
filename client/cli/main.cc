#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "base/clock.h"
#include "client/cli/command_line.h"
#include "client/cli/invocation.h"
#include "registry/builtin_registry.h"

int main(int argc, char** argv) {
  using namespace assay;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const SystemClock clock;
  const cli::Invocation invocation{
      .out = std::cout,
      .err = std::cerr,
      .style = cli::Style(cli::WantsColour(::isatty(STDOUT_FILENO) != 0, std::getenv("NO_COLOR"), std::getenv("TERM"))),
      .clock = clock,
      .registry = BuiltinRegistry(),
      .program_directory = error ? std::string() : program.parent_path().string(),
      .err_is_terminal = ::isatty(STDERR_FILENO) != 0,
  };
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    cli::ExitCode code = cli::RunCommandLine(arguments, invocation);
    std::cout.flush();
    if (!std::cout) {
      invocation.Say("standard output: expected to be writable, actual: it is not. Check the disk, or the reader of the pipe.");
      code = cli::ExitCode::kInternal;
    }
    return static_cast<int>(code);
  } catch (const std::exception& exception) {
    invocation.Say(std::string("internal error: ") + exception.what());
    return static_cast<int>(cli::ExitCode::kInternal);
  }
}

#include "client/agent/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

extern char** environ;  // NOLINT: POSIX declares it in no header

namespace assay::agent {

absl::StatusOr<ProgramResult> RunProgram(const std::vector<std::string>& arguments, std::size_t limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError(Cat("pipe: ", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return absl::FailedPreconditionError(
        Cat("'", Printable(arguments[0], 4096), "': expected an executable program, actual: ", std::strerror(error)));
  }

  ProgramResult result{};
  bool too_much = false;
  for (;;) {
    char chunk[16 * 1024];
    const ssize_t count = ::read(ends[0], chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    // What is too much is still read, so that the program ends by itself.
    too_much |= result.output.size() + static_cast<std::size_t>(count) > limit;
    if (!too_much) result.output.append(chunk, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (too_much) {
    return absl::FailedPreconditionError(
        Cat("'", Printable(arguments[0], 4096), "': expected at most ", limit, " bytes of output, actual: more"));
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace assay::agent

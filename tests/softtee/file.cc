#include "tests/softtee/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "base/strings.h"

namespace assay::softtee {
namespace {

absl::Status Failure(const std::filesystem::path& path, std::string_view what, int error) {
  const std::string text = Cat(path.string(), ": cannot ", what, ": ", std::generic_category().message(error));
  return error == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
}

}  // namespace

absl::StatusOr<Bytes> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failure(path, "read", errno);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return Failure(path, "read", EIO);
  return ToBytes(AsBytes(text));
}

absl::Status WriteFile(const std::filesystem::path& path, ByteView content, mode_t mode) {
  const std::string temporary = Cat(path.string(), ".", std::to_string(getpid()), ".new");
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0) return Failure(path, "write", errno);
  int error = 0;
  while (!content.empty() && error == 0) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written >= 0) content = content.subspan(static_cast<std::size_t>(written));
    else if (errno != EINTR) error = errno;
  }
  if (close(descriptor) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  unlink(temporary.c_str());
  return Failure(path, "write", error);
}

absl::StatusOr<DirectoryLock> DirectoryLock::Take(const std::filesystem::path& directory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return Failure(directory, "make the directory", failed.value());
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return Failure(directory, "open", errno);
  while (flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    close(descriptor);
    return Failure(directory, "lock", error);
  }
  return DirectoryLock(descriptor);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace assay::softtee

#include "result/owner_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "base/strings.h"

namespace assay::result {
namespace {

std::string Named(const std::string& field, const std::string& path) { return Cat(field, " '", Printable(path), "': "); }

absl::Status NotWritten(const std::string& field, const std::string& path, int error) {
  return absl::UnavailableError(Cat(Named(field, path), "expected to be written, actual: ", std::strerror(error),
                                    ". Check the disk, the directory and its permissions."));
}

bool WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

absl::StatusOr<Bytes> ReadOwnerFile(const std::string& field, const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        Cat(Named(field, path), "expected a file that only its owner can read, actual: open to group or others. Run chmod 600 on it."));
  }
  return ReadFile(field, path);
}

absl::Status WriteOwnerFile(const std::string& field, const std::string& path, std::string_view text) {
  const std::string unfinished = Cat(path, kUnfinished);
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return NotWritten(field, unfinished, errno);
  // The mode again: the file may be one that was left behind.
  const bool written = ::fchmod(file, 0600) == 0 && WriteAll(file, text) && ::fsync(file) == 0;
  int error = written ? 0 : errno;
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(unfinished.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(unfinished.c_str());
    return NotWritten(field, path, error);
  }
  return SyncDirectory(field, std::filesystem::path(path).parent_path().string());
}

absl::Status SyncDirectory(const std::string& field, const std::string& directory) {
  const std::string path = directory.empty() ? "." : directory;
  const int file = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return NotWritten(field, path, errno);
  const int error = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  return error == 0 ? absl::OkStatus() : NotWritten(field, path, error);
}

}  // namespace assay::result

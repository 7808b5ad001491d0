#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/strings.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ > STDIN_FILENO) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::string Named(std::string_view what, std::string_view path) { return Cat(what, " '", Printable(path), "'"); }

absl::Status SystemError(std::string_view what, std::string_view path, int error) {
  const std::string message = Cat(Named(what, path), ": expected a readable file, actual: ", std::strerror(error), ". ");
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message + "Check the path.");
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message + "Check the file's permissions.");
  return absl::FailedPreconditionError(message + "Check the file and the disk under it.");
}

}  // namespace

absl::StatusOr<Bytes> ReadFile(std::string_view what, const std::string& path, std::size_t most) {
  const Descriptor file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return SystemError(what, path, errno);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return SystemError(what, path, errno);
  if (S_ISDIR(status.st_mode)) {
    return absl::InvalidArgumentError(Cat(Named(what, path), ": expected a file, actual: a directory. Name the files in it",
                                          what == "FILE" ? ", or give it with --collateral." : "."));
  }
  if (path != "-" && !S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(Cat(Named(what, path),
                                          ": expected a regular file, actual: a device, pipe or socket. "
                                          "Copy the bytes into a file, or give '-' to read standard input."));
  }
  Bytes bytes;
  while (bytes.size() <= most) {
    std::uint8_t chunk[16 * 1024];
    const ssize_t count = ::read(file.number(), chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(what, path, errno);
    if (count == 0) return bytes;
    Append(bytes, {chunk, static_cast<std::size_t>(count)});
  }
  return absl::InvalidArgumentError(Cat(Named(what, path), ": expected at most ", most,
                                        " bytes, actual: more. "
                                        "Genuine evidence and collateral stay far below: check that the right file was given."));
}

absl::StatusOr<std::vector<std::string>> FilesBelow(std::string_view what, const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    if (error) return SystemError(what, directory, error.value());
    return absl::InvalidArgumentError(Cat(Named(what, directory), ": expected a directory, actual: a file. Name single files as FILE."));
  }
  std::vector<std::string> paths;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_regular_file(error) && !error) paths.push_back(entry->path().string());
  }
  if (error) return SystemError(what, directory, error.value());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace assay

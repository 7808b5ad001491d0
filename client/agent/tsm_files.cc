#include "client/agent/tsm_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace assay::agent {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

absl::Status SystemError(std::string_view doing, const std::string& path, int error) {
  const std::string message = Cat("configfs-tsm: ", doing, " ", path, ": ", std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message + ". Run as root.");
  // The kernel says so where a write came between: the report no longer belongs to the options.
  if (error == EWOULDBLOCK || error == EBUSY) return absl::AbortedError(message);
  return absl::FailedPreconditionError(message);
}

}  // namespace

absl::Status SystemTsmFiles::MakeInstance(const std::string& name) {
  const std::string path = Cat(root_, "/", name);
  if (::mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  if (errno == ENOENT) {
    return absl::NotFoundError(Cat("configfs-tsm: expected the directory ", root_,
                                   ", actual: none. Run this inside a confidential VM "
                                   "with Linux 6.7 or newer, the sev-guest or tdx-guest module loaded and configfs mounted; "
                                   "or give --simulate."));
  }
  return SystemError("making", path, errno);
}

void SystemTsmFiles::RemoveInstance(const std::string& name) { ::rmdir(Cat(root_, "/", name).c_str()); }

namespace {

absl::StatusOr<Bytes> ReadWhole(const std::string& full) {
  const Descriptor file(full, O_RDONLY);
  if (file.number() < 0) return SystemError("opening", full, errno);
  Bytes bytes;
  while (bytes.size() <= kMaxBlob) {
    std::uint8_t chunk[16 * 1024];
    const ssize_t count = ::read(file.number(), chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("reading", full, errno);
    if (count == 0) return bytes;
    Append(bytes, {chunk, static_cast<std::size_t>(count)});
  }
  return absl::FailedPreconditionError(Cat("configfs-tsm: ", full, ": expected at most ", kMaxBlob, " bytes, actual: more"));
}

}  // namespace

absl::StatusOr<Bytes> SystemTsmFiles::Read(const std::string& path) { return ReadWhole(Cat(root_, "/", path)); }
absl::StatusOr<Bytes> SystemTsmFiles::ReadCcel() { return ReadWhole(ccel_); }

absl::Status SystemTsmFiles::Write(const std::string& path, ByteView bytes) {
  const std::string full = Cat(root_, "/", path);
  const Descriptor file(full, O_WRONLY);
  if (file.number() < 0) return SystemError("opening", full, errno);
  const ssize_t count = ::write(file.number(), bytes.data(), bytes.size());
  if (count < 0) return SystemError("writing", full, errno);
  if (static_cast<std::size_t>(count) != bytes.size()) {
    return absl::FailedPreconditionError(
        Cat("configfs-tsm: ", full, ": expected to write ", bytes.size(), " bytes at once, actual ", count));
  }
  return absl::OkStatus();
}

}  // namespace assay::agent

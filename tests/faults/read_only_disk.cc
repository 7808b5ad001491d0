// A disk that the kernel makes read-only under a running process, as ext4 does after an error: what is open for writing stays
// open, and every write is refused with EROFS. A real mount can't be made so while a file on it is open for writing.
//
// Preloaded: below the directory $ASSAY_READ_ONLY_BELOW, while the file $ASSAY_READ_ONLY_WHILE exists. Mapped memory can be
// written on, as it can on ext4.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

template <typename Function>
Function* Next(Function*, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool Below(const char* path) {
  const char* directory = std::getenv("ASSAY_READ_ONLY_BELOW");
  const char* flag = std::getenv("ASSAY_READ_ONLY_WHILE");
  return directory != nullptr && flag != nullptr && std::strncmp(path, directory, std::strlen(directory)) == 0 && ::access(flag, F_OK) == 0;
}

bool Below(int descriptor) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return Below(path);
}

int Refuse() {
  errno = EROFS;
  return -1;
}

}  // namespace

extern "C" {

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  if ((flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != O_RDONLY && Below(path)) return Refuse();
  return Next(&open64, "open64")(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  return Below(descriptor) ? Refuse() : Next(&::write, "write")(descriptor, bytes, count);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
  return Below(descriptor) ? Refuse() : Next(&::pwrite64, "pwrite64")(descriptor, bytes, count, at);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
  return Below(descriptor) ? Refuse() : Next(&::ftruncate64, "ftruncate64")(descriptor, size);
}
int unlink(const char* path) noexcept { return Below(path) ? Refuse() : Next(&::unlink, "unlink")(path); }
int mknod(const char* path, mode_t mode, dev_t device) noexcept {
  return Below(path) && ::access(path, F_OK) != 0 ? Refuse() : Next(&::mknod, "mknod")(path, mode, device);
}

}  // extern "C"

// Whole files, written so that a reader never sees half of one.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay::softtee {

inline constexpr mode_t kPrivateFile = 0600;
inline constexpr mode_t kPublicFile = 0644;

// Errors: NotFound if there is no such file; Unavailable for everything else, naming the path.
absl::StatusOr<Bytes> ReadFile(const std::filesystem::path& path);
// Replaces the file as a whole (temporary file, then rename); the mode holds from the first byte on.
absl::Status WriteFile(const std::filesystem::path& path, ByteView content, mode_t mode);

// Makes the directory if needed and holds a lock on it until destruction: one process at a time fills it.
class DirectoryLock {
 public:
  static absl::StatusOr<DirectoryLock> Take(const std::filesystem::path& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace assay::softtee

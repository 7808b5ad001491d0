// Files that a command line or configuration names. Errors say which file, what was expected of it, and what to do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay {

// Far above anything genuine; keeps a mistaken path from filling memory.
inline constexpr std::size_t kMaxFileSize = 32U * 1024 * 1024;
inline constexpr std::size_t kMaxImageSize = 1024U * 1024 * 1024;  // of what a machine boots

// `what` names the argument in messages, e.g. "FILE", "--policy". "-" is standard input.
// InvalidArgument: a directory, a device, larger than `most`. NotFound, PermissionDenied: as the system says.
absl::StatusOr<Bytes> ReadFile(std::string_view what, const std::string& path, std::size_t most = kMaxFileSize);

// Paths of all regular files below `directory`, sorted. Symbolic links to directories are not followed.
absl::StatusOr<std::vector<std::string>> FilesBelow(std::string_view what, const std::string& directory);

}  // namespace assay

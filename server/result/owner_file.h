// Files that only their owner may read: keys, and the file that says which of them signs.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay::result {

// What a write in progress is called; whoever finds such a file looks at the rest of a write that was cut off.
inline constexpr std::string_view kUnfinished = ".new";

// As ReadFile; PermissionDenied also for a file that is open to group or others. `field` names it in messages.
absl::StatusOr<Bytes> ReadOwnerFile(const std::string& field, const std::string& path);

// Puts `text` there with mode 0600, in place of what was there: wholly or not at all, whenever the process dies, and on disk
// before this returns. One writer at a time: the caller holds a lock. Unavailable: can't be written.
absl::Status WriteOwnerFile(const std::string& field, const std::string& path, std::string_view text);

// Makes what was added to or taken from the directory survive a loss of power.
absl::Status SyncDirectory(const std::string& field, const std::string& directory);

}  // namespace assay::result

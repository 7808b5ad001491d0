// Care of a database file, by its operator: check, backup, restore, compaction. Works on a file that a server has open, except
// for Restore.
//
// Promises: a backup is one consistent state, checked before it takes its name, and never overwrites anything; a restore
// replaces the database only by one that was checked, at one moment, so that a crash leaves one of the two; it keeps the former
// beside it and changes nothing of the backup; it makes challenges from before it unanswerable, so that no nonce is redeemed twice,
// tells watchers of before that they missed something, and keeps what must never go back (`Restored::carried`); a check reads
// every record and recomputes every digest.
// Does not promise to be quick: each reads the whole file.
//
// Errors: InvalidArgument (a path that is none, a file that exists where none may be, or the other way round),
// FailedPrecondition (not our database; another process has it open: Restore), DataLoss (it has defects), Unavailable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"

namespace assay::store {

// Told now and then how far a long work has come; may be empty.
using Progress = std::function<void(std::int64_t done, std::int64_t of)>;

// What is wrong with the database, one message each, at most 100; empty: nothing.
absl::StatusOr<std::vector<std::string>> CheckDatabase(const std::string& path, const Progress& progress = {});

absl::Status BackUpDatabase(const std::string& path, const std::string& to, const Progress& progress = {});

// What came of a restore besides the backup itself.
struct Restored {
  struct Carried {
    std::string what;
    std::int64_t count = 0;
  };
  bool replaced = false;          // there was a former database
  std::vector<Carried> carried;   // from the former, where it is newer there
  std::vector<std::string> lost;  // what would have been, but can't be read there any more
};

// The former database, if there was one, is `path` with ".before-restore" behind it afterwards.
absl::StatusOr<Restored> RestoreDatabase(const std::string& path, const std::string& from, Time now, const Progress& progress = {});

// Gives the space of what was forgotten back to the file system. Bytes of the file before and after.
struct Compacted {
  std::int64_t before = 0, after = 0;
};
absl::StatusOr<Compacted> CompactDatabase(const std::string& path);

}  // namespace assay::store

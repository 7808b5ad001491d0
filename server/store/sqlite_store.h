// VerdictStore in one SQLite file, for one replica.
//
// Promises, beyond VerdictStore: durable on a local file system that keeps what it has synced; several processes may
// open the same file, and a nonce is still redeemed once; the file is readable for its owner only. Does not promise to
// work on a network file system, nor to forget verdicts: the file grows.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "store/verdict_store.h"

namespace assay::store {

struct SqliteStoreOptions {
  std::chrono::milliseconds busy_timeout{5000};  // wait for another process's write before Unavailable
  std::int64_t max_bytes = 0;                    // of the database file, then Unavailable; 0: as large as the disk
};

// Opens the database, or creates it with its directory. A relative path is relative to the working directory.
//
// Errors: InvalidArgument (no path), FailedPrecondition (not a database, another program's, a newer schema, an unfit
// file system), Unavailable (cannot be opened or written), DataLoss (damaged). The message says what to do.
absl::StatusOr<std::unique_ptr<VerdictStore>> OpenSqliteStore(const std::string& path, const SqliteStoreOptions& options = {});

}  // namespace assay::store

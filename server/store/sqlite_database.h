// SQLite (https://sqlite.org/c3ref/intro.html) with ownership, typed parameters and error messages that say what to do.
//
// Promises: a Statement or Transaction that goes out of scope leaves the connection as it was; every error names file,
// operation, SQLite's text and what to do; a database of another program is never written to; once Open() returned, a
// committed transaction is on disk (WAL, synchronous=FULL).
// Does not promise thread safety: one connection belongs to one thread at a time, and outlives what was made from it.
//
// Errors: Unavailable (full, locked, unreadable or read-only; a later attempt may succeed), DataLoss (damaged file),
// Internal (our own SQL is wrong), and those of Open().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace assay::store {

class SqliteDatabase;

// A prepared statement: prepared once, run often.
class SqliteStatement {
 public:
  // One run of it: bind the parameters in order, step through the rows, read their columns. Resets it at the end, so at
  // most one run of a statement exists at a time.
  class Run {
   public:
    // `operation` completes "cannot …" in error messages: "redeem a challenge". It outlives the run.
    Run(SqliteStatement& statement, std::string_view operation);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    // The bytes must outlive the run.
    Run& Bind(ByteView blob);
    Run& Bind(std::string_view text);
    Run& Bind(std::int64_t integer);

    absl::StatusOr<bool> Step();  // true: there is a row
    absl::Status Finish();        // steps over all rows

    // Of the current row; valid until the next step.
    ByteView BlobAt(int column) const;
    std::int64_t IntegerAt(int column) const;
    std::string TextAt(int column) const;

   private:
    SqliteStatement& statement_;
    const std::string_view operation_;
    int parameter_ = 0;
    int bound_ = 0;  // first error of Bind(), told by Step()
  };

 private:
  friend class SqliteDatabase;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteDatabase* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalizer> handle_;
};

class SqliteDatabase {
 public:
  struct Schema {
    std::int32_t application_id;  // marks the file as ours (https://sqlite.org/fileformat2.html, section 1.3.17)
    // migrations[i] takes user_version i to i + 1.
    std::span<const char* const> migrations;
  };
  struct Limits {
    std::chrono::milliseconds busy_timeout;  // wait for another process's write
    std::int64_t max_bytes;                  // of the database file; 0: as large as the disk
  };

  // Opens or creates the database, and its directory, for this user only, and brings its schema up to date.
  //
  // Errors: InvalidArgument (no path), FailedPrecondition (not a file, not a database, another program's, a newer
  // schema, a file system that can't do what durability needs), Unavailable, DataLoss.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path, const Schema& schema, const Limits& limits);

  // Opens one for reading only, with whatever version of the schema it has: it may be on a medium that nobody can write to. Neither
  // it nor its directory is changed, unless a log (-wal) beside it says that it was, or is, in use: SQLite then reads that as well.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> OpenReadOnly(const std::string& path, const Schema& schema, const Limits& limits);

  absl::StatusOr<SqliteStatement> Prepare(const char* sql);
  absl::Status PrepareAll(std::initializer_list<std::pair<SqliteStatement*, const char*>> statements);
  // One or several statements without parameters.
  absl::Status Execute(const char* sql, std::string_view operation);
  // Copies the whole database, as it is at one moment, into a new file that is readable for its owner only. `progress`, if it
  // is not empty, is told pages copied and pages in all.
  absl::Status CopyTo(const std::string& path, const std::function<void(std::int64_t, std::int64_t)>& progress);
  // FailedPrecondition: another connection, of this process or another, has the file open for writing or has just used it.
  static absl::Status RequireUnused(const std::string& path);
  // False as well after SQLite rolled back by itself, as it does on a full disk (https://sqlite.org/c3ref/get_autocommit.html).
  bool InTransaction() const;
  // Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t RowsChanged() const;

  // "<file>: <text>", for errors that SQLite can't know of.
  std::string Located(std::string_view text) const;

 private:
  friend class SqliteStatement::Run;
  struct Closer {
    void operator()(sqlite3* connection) const;
  };

  explicit SqliteDatabase(std::string path) : path_(std::move(path)) {}
  absl::Status Connect(const Limits& limits);
  absl::Status RefuseForeign(const Schema& schema);
  absl::StatusOr<std::int64_t> KnownVersion(const Schema& schema);
  absl::Status Configure(const Limits& limits);
  absl::Status Migrate(const Schema& schema);
  absl::StatusOr<std::int64_t> IntegerOf(const char* sql);
  absl::Status ErrorOf(int code, std::string_view operation) const;

  const std::string path_;
  std::unique_ptr<sqlite3, Closer> connection_;
};

// BEGIN IMMEDIATE … COMMIT; rolls back unless Commit() returned OK.
class SqliteTransaction {
 public:
  SqliteTransaction(SqliteDatabase& database, std::string_view operation) : database_(database), operation_(operation) {}
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  absl::Status Begin();
  absl::Status Commit();

 private:
  SqliteDatabase& database_;
  const std::string operation_;
  bool open_ = false;
};

}  // namespace assay::store

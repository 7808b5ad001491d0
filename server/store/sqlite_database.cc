#include "store/sqlite_database.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"

namespace assay::store {
namespace {

using absl::StatusCode;

absl::Status Error(StatusCode code, const std::string& text) { return absl::Status(code, ToAbsl(text)); }

// What an operator can do about a primary result code (https://sqlite.org/rescode.html).
struct Advice {
  StatusCode code;
  std::string_view text;
};
Advice AdviceFor(int primary_code) {
  switch (primary_code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {StatusCode::kUnavailable, "another process holds the database for long; find it, or try again"};
    case SQLITE_FULL: return {StatusCode::kUnavailable, "nothing was stored; free disk space, or raise the limit of the database's size"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return {StatusCode::kUnavailable, "let this user read and write the file, its -wal and -shm and their directory"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {StatusCode::kDataLoss, "the file is damaged; stop the server and restore it from a backup"};
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
      return {StatusCode::kUnavailable,
              "the disk or file system failed, or became read-only; look at the kernel's log. The database must not "
              "be on a network file system"};
    case SQLITE_NOMEM: return {StatusCode::kUnavailable, "there is not enough memory"};
    default: return {StatusCode::kInternal, "this is a bug, please report it"};
  }
}

constexpr std::string_view kReadOnly = "look at the kernel's log for why, and make the file system writable again";

std::string SystemError(int number) { return std::error_code(number, std::generic_category()).message(); }

// Creates the file without opening it: closing any descriptor of a file drops the locks that SQLite holds on it through
// other descriptors of this process (https://sqlite.org/howtocorrupt.html, section 2.2).
absl::Status CreateIfMissing(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return Error(StatusCode::kUnavailable, Cat("cannot create the directory ", Printable(directory.string()), ": ", SystemError(errno),
                                               "; ", errno == EROFS ? kReadOnly : "create it, writable for this user"));
  }
  if (mknod(path.c_str(), S_IFREG | S_IRUSR | S_IWUSR, 0) != 0 && errno != EEXIST) {
    return Error(StatusCode::kUnavailable, Cat(Printable(path), ": cannot create the database: ", SystemError(errno), "; ",
                                               errno == EROFS ? kReadOnly : "let this user write to the directory"));
  }
  struct stat found;
  if (stat(path.c_str(), &found) != 0) {
    return Error(StatusCode::kUnavailable, Cat(Printable(path), ": cannot look at the database: ", SystemError(errno)));
  }
  if (!S_ISREG(found.st_mode)) {
    return Error(StatusCode::kFailedPrecondition, Cat(Printable(path), ": is not a regular file; name a file"));
  }
  return absl::OkStatus();
}

// What in a path would end it or be decoded in a URI; an authority, which "//" would begin, is given as empty.
std::string UriOf(const std::string& file) {
  std::string uri = file.starts_with('/') ? "file://" : "file:";
  for (const char c : file) uri += c == '%' ? "%25" : c == '?' ? "%3f" : c == '#' ? "%23" : std::string(1, c);
  return uri;
}

}  // namespace

// --- statements ----------------------------------------------------------------------------------------------------

void SqliteStatement::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqliteStatement::Run::Run(SqliteStatement& statement, std::string_view operation) : statement_(statement), operation_(operation) {}

SqliteStatement::Run::~Run() {
  sqlite3_reset(statement_.handle_.get());  // repeats the error of the last step, which was told there
  sqlite3_clear_bindings(statement_.handle_.get());
}

SqliteStatement::Run& SqliteStatement::Run::Bind(ByteView blob) {
  // A null pointer would bind NULL instead of no bytes.
  const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
  const int code = sqlite3_bind_blob64(statement_.handle_.get(), ++parameter_, data, blob.size(), SQLITE_STATIC);
  if (bound_ == SQLITE_OK) bound_ = code;
  return *this;
}

SqliteStatement::Run& SqliteStatement::Run::Bind(std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  const int code = sqlite3_bind_text64(statement_.handle_.get(), ++parameter_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (bound_ == SQLITE_OK) bound_ = code;
  return *this;
}

SqliteStatement::Run& SqliteStatement::Run::Bind(std::int64_t integer) {
  const int code = sqlite3_bind_int64(statement_.handle_.get(), ++parameter_, integer);
  if (bound_ == SQLITE_OK) bound_ = code;
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Run::Step() {
  const int code = bound_ == SQLITE_OK ? sqlite3_step(statement_.handle_.get()) : bound_;
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return statement_.database_->ErrorOf(code, operation_);
}

absl::Status SqliteStatement::Run::Finish() {
  while (true) {
    const absl::StatusOr<bool> row = Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
  }
}

ByteView SqliteStatement::Run::BlobAt(int column) const {
  // In this order (https://sqlite.org/c3ref/column_blob.html).
  const void* data = sqlite3_column_blob(statement_.handle_.get(), column);
  const int size = sqlite3_column_bytes(statement_.handle_.get(), column);
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

std::int64_t SqliteStatement::Run::IntegerAt(int column) const { return sqlite3_column_int64(statement_.handle_.get(), column); }

std::string SqliteStatement::Run::TextAt(int column) const { return std::string(AsText(BlobAt(column))); }

// --- transactions --------------------------------------------------------------------------------------------------

absl::Status SqliteTransaction::Begin() {
  // IMMEDIATE takes the write lock now, where waiting for it is possible; a reader that wants to become a writer would
  // fail.
  const absl::Status begun = database_.Execute("BEGIN IMMEDIATE", operation_);
  open_ = begun.ok();
  return begun;
}

absl::Status SqliteTransaction::Commit() {
  const absl::Status committed = database_.Execute("COMMIT", operation_);
  if (committed.ok()) open_ = false;
  return committed;
}

SqliteTransaction::~SqliteTransaction() {
  // Fails if SQLite has rolled back by itself already, as it does on a full disk: then there is nothing left to do.
  if (open_) database_.Execute("ROLLBACK", operation_).IgnoreError();
}

// --- the connection ------------------------------------------------------------------------------------------------

void SqliteDatabase::Closer::operator()(sqlite3* connection) const {
  ASSAY_CHECK(sqlite3_close(connection) == SQLITE_OK);  // otherwise statements are left
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path, const Schema& schema, const Limits& limits) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Error(StatusCode::kInvalidArgument, "the path of the database is empty or has a zero byte; name a file");
  }
  // To SQLite ":memory:" and "file:…" are not paths; with a directory in front they are.
  const std::string file = path.front() == '/' ? path : "./" + path;
  if (absl::Status created = CreateIfMissing(file); !created.ok()) return created;

  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(file));
  if (absl::Status status = database->Connect(limits); !status.ok()) return status;
  if (absl::Status status = database->RefuseForeign(schema); !status.ok()) return status;
  if (absl::Status status = database->Configure(limits); !status.ok()) return status;
  if (absl::Status status = database->Migrate(schema); !status.ok()) return status;
  return database;
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::OpenReadOnly(const std::string& path, const Schema& schema,
                                                                             const Limits& limits) {
  const std::string file = path.starts_with('/') ? path : "./" + path;
  // Without this word SQLite makes files beside a database in WAL mode even to read it. With it, SQLite looks at no log and takes no
  // lock, so it is only said where there is nothing of either (https://sqlite.org/uri.html#uriimmutable).
  std::error_code ignored;
  const bool unused = !std::filesystem::exists(file + "-wal", ignored) && !std::filesystem::exists(file + "-journal", ignored);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(file));
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(Cat(UriOf(file), unused ? "?immutable=1" : "").c_str(), &connection,
                                   SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  database->connection_.reset(connection);
  if (code != SQLITE_OK) return database->ErrorOf(code, "open the database for reading");
  sqlite3_busy_timeout(connection, static_cast<int>(limits.busy_timeout.count()));
  if (absl::Status ours = database->RefuseForeign(schema); !ours.ok()) return ours;
  if (const auto known = database->KnownVersion(schema); !known.ok()) return known.status();
  return database;
}

absl::Status SqliteDatabase::Connect(const Limits& limits) {
  sqlite3* connection = nullptr;
  const int code =
      sqlite3_open_v2(path_.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  connection_.reset(connection);  // there is one to close even if opening failed
  if (code != SQLITE_OK) return ErrorOf(code, "open the database");
  sqlite3_busy_timeout(connection, static_cast<int>(limits.busy_timeout.count()));
  if (sqlite3_db_readonly(connection, "main") != 0) return ErrorOf(SQLITE_READONLY, "open the database for writing");
  return absl::OkStatus();
}

// Reads only, because the file may be anybody's. Objects first: if another process creates ours meanwhile, what is read
// second is its application_id.
absl::Status SqliteDatabase::RefuseForeign(const Schema& schema) {
  const absl::StatusOr<std::int64_t> objects = IntegerOf("SELECT count(*) FROM sqlite_schema");
  if (!objects.ok()) {
    if (sqlite3_errcode(connection_.get()) != SQLITE_NOTADB) return objects.status();
    return Error(StatusCode::kFailedPrecondition,
                 Located("is not a SQLite database; name another file, or remove this one if nothing needs it"));
  }
  const absl::StatusOr<std::int64_t> application = IntegerOf("PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (*application == schema.application_id || (*application == 0 && *objects == 0)) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, Located(Cat("is a database of another program (application_id ", *application,
                                                            ", expected ", schema.application_id, "); name another file")));
}

absl::Status SqliteDatabase::Configure(const Limits& limits) {
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Each answers with the value that holds afterwards, or is asked for it: SQLite ignores what it can't do.
  const struct {
    const char* set;
    const char* get;
    std::string_view expected;
  } settings[] = {
      {"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"},
      {"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"},
      {"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1"},
      {"PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0"},
  };
  for (const auto& setting : settings) {
    if (absl::Status status = Execute(setting.set, "configure the database"); !status.ok()) return status;
    absl::StatusOr<SqliteStatement> get = Prepare(setting.get);
    if (!get.ok()) return get.status();
    SqliteStatement::Run run(*get, "configure the database");
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (const std::string actual = *row ? run.TextAt(0) : "nothing"; actual != setting.expected) {
      return Error(StatusCode::kFailedPrecondition, Located(Cat("cannot configure the database: after ", setting.set, " it is ",
                                                                Printable(actual), "; put the database on a local file system")));
    }
  }
  if (limits.max_bytes == 0) return absl::OkStatus();
  const absl::StatusOr<std::int64_t> page_size = IntegerOf("PRAGMA page_size");
  if (!page_size.ok()) return page_size.status();
  return Execute(Cat("PRAGMA max_page_count = ", limits.max_bytes / *page_size).c_str(), "limit the database's size");
}

absl::StatusOr<std::int64_t> SqliteDatabase::KnownVersion(const Schema& schema) {
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  const absl::StatusOr<std::int64_t> version = IntegerOf("PRAGMA user_version");
  if (!version.ok() || (*version >= 0 && *version <= newest)) return version;
  return Error(StatusCode::kFailedPrecondition,
               Located(Cat("has schema version ", *version, ", and this program knows versions up to ", newest,
                           "; run the program version that wrote it, or restore the backup made before its upgrade")));
}

absl::Status SqliteDatabase::Migrate(const Schema& schema) {
  constexpr std::string_view kOperation = "bring the schema up to date";
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  // Of several processes that open a new file at once, one migrates; so the version is read under the write lock.
  SqliteTransaction transaction(*this, kOperation);
  if (absl::Status status = transaction.Begin(); !status.ok()) return status;
  const absl::StatusOr<std::int64_t> version = KnownVersion(schema);
  if (!version.ok()) return version.status();
  if (*version == newest) return absl::OkStatus();
  for (std::int64_t next = *version; next < newest; ++next) {
    const char* migration = schema.migrations[static_cast<std::size_t>(next)];
    if (absl::Status status = Execute(migration, kOperation); !status.ok()) return status;
  }
  const std::string marks = Cat("PRAGMA application_id = ", schema.application_id, "; PRAGMA user_version = ", newest);
  if (absl::Status status = Execute(marks.c_str(), kOperation); !status.ok()) return status;
  return transaction.Commit();
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(const char* sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  SqliteStatement statement;
  statement.database_ = this;
  statement.handle_.reset(handle);
  if (code != SQLITE_OK) return ErrorOf(code, "prepare a statement");
  return statement;
}

absl::Status SqliteDatabase::PrepareAll(std::initializer_list<std::pair<SqliteStatement*, const char*>> statements) {
  for (const auto& [statement, sql] : statements) {
    absl::StatusOr<SqliteStatement> prepared = Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::Execute(const char* sql, std::string_view operation) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code, operation);
}

absl::Status SqliteDatabase::CopyTo(const std::string& path, const std::function<void(std::int64_t, std::int64_t)>& progress) {
  constexpr int kPagesAtOnce = 4096;
  constexpr std::chrono::milliseconds kPause{5};
  const std::string file = path.starts_with('/') ? path : "./" + path;
  if (absl::Status created = CreateIfMissing(file); !created.ok()) return created;
  SqliteDatabase target(file);
  sqlite3* connection = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  target.connection_.reset(connection);
  if (code != SQLITE_OK) return target.ErrorOf(code, "open the copy");
  sqlite3_backup* backup = sqlite3_backup_init(connection, "main", connection_.get(), "main");
  if (backup == nullptr) return target.ErrorOf(sqlite3_extended_errcode(connection), "begin the copy");
  // A read transaction holds the source still, so that writers meanwhile don't make the copy begin anew.
  const absl::Status held = Execute("BEGIN; SELECT count(*) FROM sqlite_schema", "hold the database still");
  do {
    code = sqlite3_backup_step(backup, kPagesAtOnce);
    if (progress) progress(sqlite3_backup_pagecount(backup) - sqlite3_backup_remaining(backup), sqlite3_backup_pagecount(backup));
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) sqlite3_sleep(static_cast<int>(kPause.count()));
  } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
  code = sqlite3_backup_finish(backup);
  if (held.ok()) {
    if (absl::Status released = Execute("COMMIT", "release the database"); !released.ok()) return released;
  }
  if (code != SQLITE_OK) return target.ErrorOf(code, "copy the database");
  return held;
}

absl::Status SqliteDatabase::RequireUnused(const std::string& path) {
  const std::string file = path.starts_with('/') ? path : "./" + path;
  SqliteDatabase database(file);
  sqlite3* connection = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  database.connection_.reset(connection);
  // Only a connection that is alone can leave WAL mode (https://sqlite.org/wal.html). A file that is damaged is in nobody's use
  // that could be saved.
  if (code == SQLITE_OK) code = sqlite3_exec(connection, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
  if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) {
    return Error(StatusCode::kFailedPrecondition, database.Located("another process has the database open; stop the server first"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> SqliteDatabase::IntegerOf(const char* sql) {
  absl::StatusOr<SqliteStatement> statement = Prepare(sql);
  if (!statement.ok()) return statement.status();
  SqliteStatement::Run run(*statement, "read the database");
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  return *row ? run.IntegerAt(0) : 0;
}

bool SqliteDatabase::InTransaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

std::int64_t SqliteDatabase::RowsChanged() const { return sqlite3_changes64(connection_.get()); }

std::string SqliteDatabase::Located(std::string_view text) const { return Cat(Printable(path_), ": ", text); }

absl::Status SqliteDatabase::ErrorOf(int code, std::string_view operation) const {
  const Advice advice = AdviceFor(code & 0xff);
  // The connection's text is more precise, if it is about this code.
  const bool about_this = connection_ != nullptr && sqlite3_extended_errcode(connection_.get()) == code;
  const char* text = about_this ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code);
  return Error(advice.code, Located(Cat("cannot ", operation, ": ", Printable(text), " (SQLite result code ", code, "); ", advice.text)));
}

}  // namespace assay::store

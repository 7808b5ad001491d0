#include "store/sqlite_store.h"

#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/hex.h"
#include "base/strings.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "store/sqlite_database.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using absl::StatusCode;

constexpr std::size_t kNonceSize = 32;  // CONTRACTS section 1
// How long a nonce is remembered beyond its challenge: more than any skew at which a challenge is still accepted.
constexpr Duration kRemembered{600};

constexpr const char* kMigrations[] = {R"sql(
  CREATE TABLE redeemed (
    nonce BLOB PRIMARY KEY NOT NULL CHECK (length(nonce) = 32),
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX redeemed_by_expiry ON redeemed (expires);

  CREATE TABLE verdict (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    recorded_at INTEGER NOT NULL,
    record BLOB NOT NULL
  ) STRICT;

  CREATE TABLE blob (
    sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(sha256) = 32),
    body BLOB NOT NULL
  ) STRICT;

  CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('latest_time', 0);
)sql"};
constexpr SqliteDatabase::Schema kSchema = {0x41737379 /* "Assy" */, kMigrations};

absl::Status Error(StatusCode code, const std::string& text) { return absl::Status(code, ToAbsl(text)); }

std::int64_t UnixSeconds(Time time) { return time.time_since_epoch().count(); }
Time FromUnixSeconds(std::int64_t seconds) { return Time{Duration{seconds}}; }

std::string Serialized(const v1::VerdictRecord& record) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    record.SerializeToCodedStream(&coded);
  }
  return bytes;
}

class SqliteStore final : public VerdictStore {
 public:
  static absl::StatusOr<std::unique_ptr<VerdictStore>> Open(const std::string& path,
                                                            const SqliteStoreOptions& options) {
    auto database = SqliteDatabase::Open(path, kSchema, {options.busy_timeout, options.max_bytes});
    if (!database.ok()) return database.status();
    std::unique_ptr<SqliteStore> store(new SqliteStore(*std::move(database)));
    if (absl::Status status = store->PrepareAll(); !status.ok()) return status;
    return store;
  }

  absl::Status Redeem(ByteView nonce, Time expires, Time now) override {
    if (nonce.size() != kNonceSize) {
      return Error(StatusCode::kInvalidArgument,
                   Cat("a nonce has ", kNonceSize, " bytes, this one has ", nonce.size()));
    }
    constexpr std::string_view kOperation = "redeem a challenge";
    const std::lock_guard lock(mutex_);
    SqliteTransaction transaction(*database_, kOperation);
    if (absl::Status status = transaction.Begin(); !status.ok()) return status;
    const absl::StatusOr<Time> latest = RaiseLatestTime(now, kOperation);
    if (!latest.ok()) return latest.status();
    // Measured by the latest time ever, not by `now`: after a clock went back, a nonce that was forgotten stays
    // refused.
    const Time forgotten_before = *latest - kRemembered;
    if (expires < forgotten_before) {
      return Error(StatusCode::kFailedPrecondition,
                   Cat("the challenge expired at ", FormatTime(expires),
                       ", and nonces of challenges that expired before ", FormatTime(forgotten_before),
                       " are forgotten; ask for a new challenge, and if this one was new, "
                       "set the clock: the store has seen ",
                       FormatTime(*latest)));
    }
    {
      SqliteStatement::Run insert(insert_nonce_, kOperation);
      if (absl::Status status = insert.Bind(nonce).Bind(UnixSeconds(expires)).Finish(); !status.ok()) return status;
      if (database_->RowsChanged() == 0) {
        return Error(StatusCode::kAlreadyExists, "the challenge was redeemed before; every attempt needs a new one");
      }
    }
    {
      SqliteStatement::Run forget(forget_nonces_, kOperation);
      if (absl::Status status = forget.Bind(UnixSeconds(forgotten_before)).Finish(); !status.ok()) return status;
    }
    return transaction.Commit();
  }

  absl::Status Record(const v1::VerdictRecord& record, const std::vector<ByteView>& blobs) override {
    if (absl::Status status = RefuseNonId(record.id()); !status.ok()) return status;
    if (!record.has_recorded_at()) {
      return Error(StatusCode::kInvalidArgument, Cat("verdict ", record.id(), ": recorded_at is not set"));
    }
    const std::string serialized = Serialized(record);
    // A string that is not UTF-8 can be written but not read back (protobuf: "Updating A Message Type", proto3
    // strings).
    if (!v1::VerdictRecord().ParseFromString(serialized)) {
      return Error(StatusCode::kInvalidArgument,
                   Cat("verdict ", record.id(), ": the record cannot be read back; a string in it is not UTF-8"));
    }
    std::vector<crypto::Sha256Digest> digests;
    for (const ByteView blob : blobs) digests.push_back(crypto::Sha256(blob));

    const std::string operation = Cat("record verdict ", record.id());
    const std::lock_guard lock(mutex_);
    SqliteTransaction transaction(*database_, operation);
    if (absl::Status status = transaction.Begin(); !status.ok()) return status;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      SqliteStatement::Run insert(insert_blob_, operation);
      if (absl::Status status = insert.Bind(ByteView(digests[i])).Bind(blobs[i]).Finish(); !status.ok()) return status;
    }
    {
      SqliteStatement::Run insert(insert_verdict_, operation);
      insert.Bind(record.id()).Bind(std::int64_t{record.recorded_at().seconds()}).Bind(AsBytes(serialized));
      if (absl::Status status = insert.Finish(); !status.ok()) return status;
      if (database_->RowsChanged() == 0) {
        return Error(StatusCode::kAlreadyExists, Cat("a verdict ", record.id(), " is recorded already"));
      }
    }
    const absl::StatusOr<Time> latest = RaiseLatestTime(FromUnixSeconds(record.recorded_at().seconds()), operation);
    if (!latest.ok()) return latest.status();
    return transaction.Commit();
  }

  absl::StatusOr<v1::VerdictRecord> Get(std::string_view id) override {
    if (absl::Status status = RefuseNonId(id); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
    SqliteStatement::Run select(select_verdict_, Cat("read verdict ", id));
    const absl::StatusOr<bool> row = select.Bind(id).Step();
    if (!row.ok()) return row.status();
    if (!*row) return Error(StatusCode::kNotFound, Cat("no verdict ", id, " is recorded"));
    const ByteView serialized = select.BlobAt(0);
    v1::VerdictRecord record;
    if (!record.ParseFromArray(serialized.data(), static_cast<int>(serialized.size())) || record.id() != id) {
      return Error(StatusCode::kDataLoss,
                   database_->Located(Cat("the record of verdict ", id, " is damaged; restore it from a backup")));
    }
    return record;
  }

  absl::StatusOr<Bytes> GetBlob(const crypto::Sha256Digest& sha256) override {
    const std::lock_guard lock(mutex_);
    SqliteStatement::Run select(select_blob_, Cat("read blob ", ToHex(sha256)));
    const absl::StatusOr<bool> row = select.Bind(ByteView(sha256)).Step();
    if (!row.ok()) return row.status();
    if (!*row) return Error(StatusCode::kNotFound, Cat("no blob ", ToHex(sha256), " is stored"));
    Bytes body = ToBytes(select.BlobAt(0));
    if (const crypto::Sha256Digest actual = crypto::Sha256(body); actual != sha256) {
      return Error(StatusCode::kDataLoss, database_->Located(Cat("blob ", ToHex(sha256), " is damaged, its digest is ",
                                                                 ToHex(actual), "; restore it from a backup")));
    }
    return body;
  }

  absl::StatusOr<Time> LatestTime() override {
    const std::lock_guard lock(mutex_);
    SqliteStatement::Run select(select_latest_time_, "read the latest time");
    return LatestTimeOf(select);
  }

  absl::Status Probe() override {
    constexpr std::string_view kOperation = "probe the database";
    const std::lock_guard lock(mutex_);
    SqliteTransaction transaction(*database_, kOperation);
    if (absl::Status status = transaction.Begin(); !status.ok()) return status;
    const absl::StatusOr<Time> latest = RaiseLatestTime(Time{}, kOperation);  // writes what it reads
    if (!latest.ok()) return latest.status();
    return transaction.Commit();
  }

 private:
  explicit SqliteStore(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)) {}

  absl::Status PrepareAll() {
    const struct {
      SqliteStatement& statement;
      const char* sql;
    } all[] = {
        {insert_nonce_, "INSERT INTO redeemed VALUES (?1, ?2) ON CONFLICT (nonce) DO NOTHING"},
        // Bounded, so that no call pays for a long pause; each adds one and forgets up to a thousand.
        {forget_nonces_,
         "DELETE FROM redeemed WHERE nonce IN (SELECT nonce FROM redeemed WHERE expires < ?1 LIMIT 1000)"},
        {insert_blob_, "INSERT INTO blob VALUES (?1, ?2) ON CONFLICT (sha256) DO NOTHING"},
        {insert_verdict_, "INSERT INTO verdict VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING"},
        {select_verdict_, "SELECT record FROM verdict WHERE id = ?1"},
        {select_blob_, "SELECT body FROM blob WHERE sha256 = ?1"},
        {select_latest_time_, "SELECT value FROM meta WHERE name = 'latest_time'"},
        {raise_latest_time_, "UPDATE meta SET value = max(value, ?1) WHERE name = 'latest_time' RETURNING value"},
    };
    for (const auto& [statement, sql] : all) {
      absl::StatusOr<SqliteStatement> prepared = database_->Prepare(sql);
      if (!prepared.ok()) return prepared.status();
      statement = *std::move(prepared);
    }
    return absl::OkStatus();
  }

  static absl::Status RefuseNonId(std::string_view id) {
    if (IsVerdictId(id)) return absl::OkStatus();
    return Error(StatusCode::kInvalidArgument, Cat("\"", Printable(id, 64),
                                                   "\" is no verdict id: 26 characters of 0-9 and "
                                                   "A-Z without I, L, O and U, the first at most 7"));
  }

  // Within the caller's transaction, under the mutex; both answer with the latest time as it is then.
  absl::StatusOr<Time> RaiseLatestTime(Time to, std::string_view operation) {
    SqliteStatement::Run raise(raise_latest_time_, operation);
    raise.Bind(UnixSeconds(to));
    return LatestTimeOf(raise);
  }
  absl::StatusOr<Time> LatestTimeOf(SqliteStatement::Run& run) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) {
      return Error(StatusCode::kDataLoss,
                   database_->Located("the latest time is missing; restore the database from a backup"));
    }
    const Time latest = FromUnixSeconds(run.IntegerAt(0));
    if (absl::Status status = run.Finish(); !status.ok()) return status;
    return latest;
  }

  std::mutex mutex_;  // guards everything below: one connection, since SQLite has one writer anyway
  std::unique_ptr<SqliteDatabase> database_;
  SqliteStatement insert_nonce_, forget_nonces_, insert_blob_, insert_verdict_, select_verdict_, select_blob_,
      select_latest_time_, raise_latest_time_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<VerdictStore>> OpenSqliteStore(const std::string& path,
                                                              const SqliteStoreOptions& options) {
  return SqliteStore::Open(path, options);
}

}  // namespace assay::store

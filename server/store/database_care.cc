#include "store/database_care.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "appraisal/appraiser.h"
#include "assay/v1/node.pb.h"
#include "assay/v1/verdict_record.pb.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"

namespace assay::store {
namespace {

using absl::StatusCode;

constexpr std::size_t kMostDefects = 100;
constexpr std::int64_t kProgressEvery = 1000;
constexpr std::chrono::milliseconds kBusy{10'000};
constexpr Duration kLongestChallenge{60};

absl::Status Error(StatusCode code, const std::string& text) { return absl::Status(code, ToAbsl(text)); }

absl::Status RequireFile(const std::string& path, std::string_view what) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument, Cat(Printable(path), ": expected ", what, ", actual: no such file. Name the right one."));
}
absl::Status RequireNothing(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument,
               Cat(Printable(path), ": expected a name that nothing has yet, actual: it exists. Name another, or move it away."));
}

// Opens what is there; never makes a new one.
absl::StatusOr<std::unique_ptr<SqliteDatabase>> OpenExisting(const std::string& path, std::string_view what) {
  if (absl::Status there = RequireFile(path, what); !there.ok()) return there;
  return SqliteDatabase::Open(path, kSchema, {kBusy, 0});
}

absl::Status SyncToDisk(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (synced) return absl::OkStatus();
  return Error(StatusCode::kUnavailable,
               Cat(Printable(path), ": expected to reach the disk, actual: ", std::strerror(error), ". Look at the disk."));
}

absl::Status Move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return Error(StatusCode::kUnavailable,
                 Cat(Printable(to), ": expected to take its name, actual: ", std::strerror(errno), ". Check the directory."));
  }
  const std::string directory = std::filesystem::path(to).parent_path().string();
  return SyncToDisk(directory.empty() ? "." : directory);
}

void RemoveDatabase(const std::string& path) {
  for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) ::unlink(Cat(path, suffix).c_str());
}

class Examination {
 public:
  Examination(SqliteDatabase& database, const Progress& progress) : database_(database), progress_(progress) {}

  absl::StatusOr<std::vector<std::string>> Run() {
    if (absl::Status done = Structure(); !done.ok()) return done;
    // A damaged tree can't be walked.
    if (!defects_.empty()) return defects_;
    for (const auto step :
         {&Examination::Records, &Examination::Blobs, &Examination::Collateral, &Examination::Flips, &Examination::Counts}) {
      if (absl::Status done = (this->*step)(); !done.ok()) return done;
    }
    return defects_;
  }

 private:
  void Say(std::string text) {
    if (defects_.size() < kMostDefects) defects_.push_back(std::move(text));
  }

  template <typename EachRow>
  absl::Status Rows(const char* sql, std::string_view operation, const EachRow& each) {
    absl::StatusOr<SqliteStatement> statement = database_.Prepare(sql);
    if (!statement.ok()) return statement.status();
    SqliteStatement::Run run(*statement, operation);
    while (true) {
      const absl::StatusOr<bool> row = run.Step();
      if (!row.ok()) return row.status();
      if (!*row) return absl::OkStatus();
      each(run);
    }
  }

  absl::Status Structure() {
    absl::Status walked = Rows("PRAGMA integrity_check(100)", "check the database", [&](const SqliteStatement::Run& run) {
      if (const std::string said = run.TextAt(0); said != "ok") Say(Cat("structure: ", Printable(said, 500)));
    });
    if (absl::IsDataLoss(walked)) {
      Say(Cat("structure: ", MessageOf(walked)));
      return absl::OkStatus();
    }
    if (!walked.ok()) return walked;
    return Rows("PRAGMA foreign_key_check", "check the database", [&](const SqliteStatement::Run& run) {
      Say(Cat("structure: a row of ", run.TextAt(0), " refers to one of ", run.TextAt(2), " that is not there"));
    });
  }

  absl::Status Total(const char* sql, std::int64_t& count) {
    return Rows(sql, "count", [&](const SqliteStatement::Run& run) { count = run.IntegerAt(0); });
  }
  void Step() {
    if (++done_ % kProgressEvery == 0 && progress_) progress_(done_, total_);
  }

  absl::Status Records() {
    if (absl::Status counted =
            Total("SELECT (SELECT count(*) FROM verdict) + (SELECT count(*) FROM blob) + (SELECT count(*) FROM collateral_body)", total_);
        !counted.ok()) {
      return counted;
    }
    return Rows("SELECT id, verdict, identity, recorded_at, record FROM verdict", "read the verdicts",
                [&](const SqliteStatement::Run& run) {
                  Step();
                  const std::string id = run.TextAt(0);
                  const ByteView serialized = run.BlobAt(4);
                  v1::VerdictRecord record;
                  if (!record.ParseFromArray(serialized.data(), static_cast<int>(serialized.size()))) {
                    return Say(Cat("verdict ", Printable(id), ": the record does not parse"));
                  }
                  if (record.id() != id || record.appraisal().verdict() != run.IntegerAt(1) ||
                      !Equal(AsBytes(record.appraisal().instance_identity()), run.BlobAt(2)) ||
                      record.recorded_at().seconds() != run.IntegerAt(3)) {
                    Say(Cat("verdict ", Printable(id), ": id, verdict, identity or time differ between row and record"));
                  }
                  const std::string digest(AsText(crypto::Sha256(AsBytes(appraisal::CanonicalJson(record.appraisal())))));
                  if (!record.appraisal_sha256().empty() && record.appraisal_sha256() != digest) {
                    Say(Cat("verdict ", Printable(id), ": the appraisal does not have the digest that the record names"));
                  }
                });
  }
  absl::Status Blobs() {
    return Rows("SELECT sha256, size, body FROM blob", "read the blobs", [&](const SqliteStatement::Run& run) {
      Step();
      const ByteView body = run.BlobAt(2);
      if (!Equal(crypto::Sha256(body), run.BlobAt(0))) Say(Cat("blob ", ToHex(run.BlobAt(0)), ": its bytes do not have this digest"));
      if (static_cast<std::int64_t>(body.size()) != run.IntegerAt(1)) {
        Say(Cat("blob ", ToHex(run.BlobAt(0)), ": its size is not ", run.IntegerAt(1)));
      }
    });
  }
  absl::Status Collateral() {
    if (absl::Status read = Rows("SELECT sha256, body FROM collateral_body", "read the collateral",
                                 [&](const SqliteStatement::Run& run) {
                                   Step();
                                   if (!Equal(crypto::Sha256(run.BlobAt(1)), run.BlobAt(0))) {
                                     Say(Cat("collateral ", ToHex(run.BlobAt(0)), ": its bytes do not have this digest"));
                                   }
                                 });
        !read.ok()) {
      return read;
    }
    // What is older than its own floor was put there by hand, or the floor was.
    return Rows(
        "SELECT c.kind, c.scope, c.detail, c.channel FROM collateral AS c JOIN floor AS f USING (kind, scope, detail, channel) WHERE (c.number, c.issued) < (f.number, f.issued)",
        "read the floors", [&](const SqliteStatement::Run& run) {
          Say(Cat("collateral ", Printable(Cat(run.TextAt(0), "/", run.TextAt(1), "/", run.TextAt(2), ", ", run.TextAt(3)), 200),
                  ": it is older than its floor"));
        });
  }
  absl::Status Flips() {
    return Rows("SELECT seq, verdict, flip FROM flip", "read the flips", [&](const SqliteStatement::Run& run) {
      const ByteView serialized = run.BlobAt(2);
      v1::VerdictFlip flip;
      if (!flip.ParseFromArray(serialized.data(), static_cast<int>(serialized.size())) || flip.became() != run.IntegerAt(1)) {
        Say(Cat("flip ", run.IntegerAt(0), ": it does not parse, or says another verdict"));
      }
    });
  }
  absl::Status Counts() {
    for (const std::string_view name : {"latest_time", "events_purged", "refuse_before", "bundle_number"}) {
      std::int64_t rows = 0;
      if (absl::Status counted = Total(Cat("SELECT count(*) FROM meta WHERE name = '", name, "'").c_str(), rows); !counted.ok()) {
        return counted;
      }
      if (rows != 1) Say(Cat("meta: '", name, "' is missing"));
    }
    return absl::OkStatus();
  }

  SqliteDatabase& database_;
  const Progress& progress_;
  std::vector<std::string> defects_;
  std::int64_t done_ = 0, total_ = 0;
};

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

// What must never go back does not go back by a restore: floors and numbers of imports of the database that is replaced stay, and
// documents of the backup that are older than them go. A former database that can't be read has nothing to give.
absl::Status CarryOverFloors(SqliteDatabase& restored, const std::string& former) {
  if (!OpenExisting(former, "the former database").ok()) return absl::OkStatus();  // opened: its schema is this one's now
  const std::string attach = Cat("ATTACH DATABASE ", Quoted(former), " AS former");
  if (absl::Status attached = restored.Execute(attach.c_str(), "read the former database"); !attached.ok()) return attached;
  absl::Status carried = restored.Execute(
      "BEGIN IMMEDIATE; "
      "INSERT INTO main.floor SELECT * FROM former.floor AS f WHERE true ON CONFLICT (kind, scope, detail, channel) DO UPDATE SET number = excluded.number, issued = excluded.issued "
      "WHERE (main.floor.number, main.floor.issued) < (excluded.number, excluded.issued); "
      "DELETE FROM main.collateral WHERE EXISTS (SELECT 1 FROM main.floor AS f WHERE f.kind = collateral.kind AND f.scope = collateral.scope AND f.detail = collateral.detail "
      "AND f.channel = collateral.channel AND (collateral.number IS NULL OR (collateral.number, collateral.issued) < (f.number, f.issued))); "
      "INSERT INTO main.bundle SELECT * FROM former.bundle AS b WHERE true ON CONFLICT (key_id) DO UPDATE SET number = excluded.number, sha256 = excluded.sha256, at = excluded.at, by = excluded.by "
      "WHERE main.bundle.number < excluded.number; "
      "UPDATE main.meta SET value = max(value, (SELECT value FROM former.meta WHERE name = 'bundle_number')) WHERE name = 'bundle_number'; COMMIT",
      "carry floors over");
  const absl::Status detached = restored.Execute("DETACH DATABASE former", "leave the former database");
  return carried.ok() ? detached : carried;
}

absl::Status RequireSound(const std::string& path, const Progress& progress) {
  const auto defects = CheckDatabase(path, progress);
  if (!defects.ok()) return defects.status();
  if (defects->empty()) return absl::OkStatus();
  return Error(StatusCode::kDataLoss, Cat(Printable(path), ": expected a sound database, actual: ", defects->size(),
                                          " defects, the first: ", defects->front(), ". `assayd db check` shows all; use another backup."));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> CheckDatabase(const std::string& path, const Progress& progress) {
  auto database = OpenExisting(path, "a database to check");
  if (absl::IsDataLoss(database.status())) return std::vector<std::string>{std::string(MessageOf(database.status()))};
  if (!database.ok()) return database.status();
  return Examination(**database, progress).Run();
}

absl::Status BackUpDatabase(const std::string& path, const std::string& to, const Progress& progress) {
  if (absl::Status free = RequireNothing(to); !free.ok()) return free;
  auto database = OpenExisting(path, "the database to back up");
  if (!database.ok()) return database.status();
  const std::string partial = to + ".partial";
  RemoveDatabase(partial);
  absl::Status done = (*database)->CopyTo(partial, progress);
  if (done.ok()) done = RequireSound(partial, {});
  if (done.ok()) done = SyncToDisk(partial);
  if (done.ok()) done = Move(partial, to);
  RemoveDatabase(partial);
  return done;
}

absl::Status RestoreDatabase(const std::string& path, const std::string& from, Time now, const Progress& progress) {
  if (absl::Status sound = RequireFile(from, "a backup to restore from"); !sound.ok()) return sound;
  const std::string partial = path + ".partial", former = path + ".before-restore";
  if (absl::Status free = RequireNothing(former); !free.ok()) return free;
  std::error_code ignored;
  const bool replaces = std::filesystem::exists(path, ignored);
  if (replaces) {
    // A server that has it open would go on writing into the file that is moved away.
    if (absl::Status alone = SqliteDatabase::RequireUnused(path); !alone.ok()) return alone;
  }
  RemoveDatabase(partial);
  const absl::Status prepared = [&] {
    auto backup = OpenExisting(from, "a backup to restore from");
    if (!backup.ok()) return backup.status();
    if (absl::Status copied = (*backup)->CopyTo(partial, progress); !copied.ok()) return copied;
    auto database = OpenExisting(partial, "the copy");
    if (!database.ok()) return database.status();
    // Nonces that were redeemed after the backup are not in it: challenges of that time must not be answered again.
    const std::string refuse =
        Cat("UPDATE meta SET value = ", (now + kLongestChallenge).time_since_epoch().count(), " WHERE name = 'refuse_before'");
    if (absl::Status marked = (*database)->Execute(refuse.c_str(), "mark the restored database"); !marked.ok()) return marked;
    if (replaces) {
      if (absl::Status carried = CarryOverFloors(**database, path); !carried.ok()) return carried;
    }
    return (*database)->Execute("PRAGMA wal_checkpoint(TRUNCATE)", "finish the restored database");
  }();
  absl::Status done = prepared;
  if (done.ok()) done = RequireSound(partial, {});
  if (done.ok()) done = SyncToDisk(partial);
  if (done.ok() && replaces) done = Move(path, former);
  if (done.ok()) {
    for (const std::string_view suffix : {"-wal", "-shm"}) ::unlink(Cat(path, suffix).c_str());
    done = Move(partial, path);
  }
  RemoveDatabase(partial);
  return done;
}

absl::StatusOr<Compacted> CompactDatabase(const std::string& path) {
  auto database = OpenExisting(path, "the database to compact");
  if (!database.ok()) return database.status();
  const auto size = [&] {
    std::error_code ignored;
    return static_cast<std::int64_t>(std::filesystem::file_size(path, ignored));
  };
  if (absl::Status done = (*database)->Execute("PRAGMA wal_checkpoint(TRUNCATE)", "compact the database"); !done.ok()) return done;
  Compacted compacted{.before = size()};
  if (absl::Status done = (*database)->Execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", "compact the database"); !done.ok()) return done;
  compacted.after = size();
  return compacted;
}

}  // namespace assay::store

#include "store/database_care.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

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

// One file under two names; not one name that leads to the other.
bool SameFile(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  return ::lstat(a.c_str(), &first) == 0 && ::lstat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return SyncToDisk(directory.empty() ? "." : directory);
}

absl::Status NotNamed(const std::string& path) {
  return Error(StatusCode::kUnavailable,
               Cat(Printable(path), ": expected to take its name, actual: ", std::strerror(errno), ". Check the directory."));
}

absl::Status Move(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? SyncDirectoryOf(to) : NotNamed(to);
}

// At every moment one of the two has the name `path`, and from before the one that is there first is `former` as well.
absl::Status Replace(const std::string& path, const std::string& by, const std::optional<std::string>& former) {
  if (former) {
    if (::link(path.c_str(), former->c_str()) != 0) return NotNamed(*former);
  }
  // A log would be taken for the new one's.
  for (const std::string_view suffix : {"-wal", "-shm"}) ::unlink(Cat(path, suffix).c_str());
  if (absl::Status synced = SyncDirectoryOf(path); !synced.ok()) return synced;
  return Move(by, path);
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

// What must never go back by a restore: taken out of the database that is replaced, as far as it is newer there.
struct Heirloom {
  std::string_view what;
  std::string counted;  // its rows are the number that is told
  std::string then = {};
};

std::vector<Heirloom> Heirlooms() {
  const std::string enrolled_as = Cat("iif(enrolment.kind = ", std::int64_t{v1::TPM_KEY_KIND_ENDORSEMENT},
                                      ", 'endorsement_key:', 'attestation_key:') || lower(hex(enrolment.spki))");
  const std::string ended = Cat("former.event WHERE kind = ", std::int64_t{v1::EVENT_KIND_UNENROLLED});
  return {
      {"floors",
       "INSERT INTO main.floor SELECT * FROM former.floor AS f WHERE true ON CONFLICT (kind, scope, detail, channel) DO UPDATE SET number = excluded.number, issued = excluded.issued "
       "WHERE (main.floor.number, main.floor.issued) < (excluded.number, excluded.issued)",
       // Documents of the backup that are older than them go.
       "DELETE FROM main.collateral WHERE EXISTS (SELECT 1 FROM main.floor AS f WHERE f.kind = collateral.kind AND f.scope = collateral.scope AND f.detail = collateral.detail "
       "AND f.channel = collateral.channel AND (collateral.number IS NULL OR (collateral.number, collateral.issued) < (f.number, f.issued)))"},
      {"numbers of imports",
       "INSERT INTO main.bundle SELECT * FROM former.bundle AS b WHERE true ON CONFLICT (key_id) DO UPDATE SET number = excluded.number, sha256 = excluded.sha256, at = excluded.at, by = excluded.by "
       "WHERE main.bundle.number < excluded.number",
       "UPDATE main.meta SET value = max(value, (SELECT value FROM former.meta WHERE name = 'bundle_number')) WHERE name = 'bundle_number'"},
      {"bans",
       "INSERT INTO main.ban (kind, value, at, by, because) SELECT kind, value, at, by, because FROM former.ban WHERE true ORDER BY seq "
       "ON CONFLICT (kind, value) DO NOTHING"},
      {"revocations",
       "UPDATE main.verdict SET revoked_at = f.revoked_at, revoked_by = f.revoked_by, revoked_because = f.revoked_because FROM former.verdict AS f "
       "WHERE (f.revoked_at > 0) = 1 AND f.id = verdict.id AND verdict.revoked_at = 0",
       "UPDATE main.node SET trusted_until = 0, trusted_id = '' WHERE trusted_id IN (SELECT id FROM main.verdict WHERE (revoked_at > 0) = 1)"},
      // Of one that is merely not there nobody knows that it was taken back: the former may have been begun anew.
      {"ends of enrolments",
       Cat("DELETE FROM main.enrolment WHERE EXISTS (SELECT 1 FROM (SELECT target, max(at) AS at FROM ", ended,
           " GROUP BY target) AS e WHERE e.target = ", enrolled_as,
           " AND e.at >= enrolment.at) AND NOT EXISTS (SELECT 1 FROM former.enrolment AS f ",
           "WHERE f.spki = enrolment.spki AND f.kind = enrolment.kind AND f.tpm_name = enrolment.tpm_name AND f.node = enrolment.node)"),
       // For the next restore of this backup, which looks for them in what is restored now.
       Cat("INSERT INTO main.event (at, kind, verdict_seq, target, by, because) SELECT at, kind, 0, target, by, because FROM ", ended,
           " AND (at, target) NOT IN (SELECT at, target FROM main.event WHERE kind = ", std::int64_t{v1::EVENT_KIND_UNENROLLED},
           ") ORDER BY seq")},
      {"redeemed challenges", "INSERT INTO main.redeemed SELECT * FROM former.redeemed WHERE true ON CONFLICT (nonce) DO NOTHING"},
      {"the latest time",
       "UPDATE main.meta SET value = f.value FROM former.meta AS f WHERE meta.name = 'latest_time' AND f.name = 'latest_time' AND f.value > meta.value"},
      {"numbers of events",
       "UPDATE main.meta SET value = f.seq FROM former.sqlite_sequence AS f WHERE meta.name = 'events_purged' AND f.name = 'event' AND f.seq > meta.value"},
  };
}

absl::StatusOr<std::int64_t> CarryOver(SqliteDatabase& restored, const Heirloom& heirloom) {
  constexpr std::string_view kOperation = "carry over what is newer";
  SqliteTransaction transaction(restored, kOperation);
  if (absl::Status begun = transaction.Begin(); !begun.ok()) return begun;
  if (absl::Status done = restored.Execute(heirloom.counted.c_str(), kOperation); !done.ok()) return done;
  const std::int64_t count = restored.RowsChanged();
  if (absl::Status done = restored.Execute(heirloom.then.c_str(), kOperation); !done.ok()) return done;
  if (absl::Status done = transaction.Commit(); !done.ok()) return done;
  return count;
}

// A former database that can't be read, or a part of it, has nothing to give: it may be why there is a restore.
absl::Status CarryOverAll(SqliteDatabase& restored, const std::string& former, Restored& told) {
  // Opened: its schema is this one's now.
  const bool readable = OpenExisting(former, "the former database").ok();
  if (readable) {
    const std::string attach = Cat("ATTACH DATABASE ", Quoted(former), " AS former");
    if (absl::Status attached = restored.Execute(attach.c_str(), "read the former database"); !attached.ok()) return attached;
  }
  for (const Heirloom& heirloom : Heirlooms()) {
    const absl::StatusOr<std::int64_t> carried = readable ? CarryOver(restored, heirloom) : absl::DataLossError("can't be read");
    if (carried.ok()) told.carried.push_back({std::string(heirloom.what), *carried});
    else if (absl::IsDataLoss(carried.status())) told.lost.emplace_back(heirloom.what);
    else return carried.status();
  }
  return readable ? restored.Execute("DETACH DATABASE former", "leave the former database") : absl::OkStatus();
}

// Events go on behind every sequence that was given to a watcher since the backup, whether or not the former database is there to
// say which: no verifier makes a million a second. To whoever resumes from before, what lies between counts as purged.
absl::Status SkipSequences(SqliteDatabase& restored, Time now) {
  const std::string skip = Cat("UPDATE meta SET value = 1 + max(value, ", now.time_since_epoch().count() * 1'000'000,
                               ", coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)) WHERE name = 'events_purged'; "
                               "DELETE FROM sqlite_sequence WHERE name = 'event'; "
                               "INSERT INTO sqlite_sequence (name, seq) SELECT 'event', value FROM meta WHERE name = 'events_purged'");
  return restored.Execute(skip.c_str(), "number events anew");
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

absl::StatusOr<Restored> RestoreDatabase(const std::string& path, const std::string& from, Time now, const Progress& progress) {
  if (absl::Status there = RequireFile(from, "a backup to restore from"); !there.ok()) return there;
  const std::string partial = path + ".partial", former = path + ".before-restore";
  std::error_code ignored;
  const bool replaces = std::filesystem::exists(path, ignored);
  // The same file under both names: a restore was interrupted before it had replaced anything.
  if (SameFile(path, former)) ::unlink(former.c_str());
  if (absl::Status free = RequireNothing(former); !free.ok()) return free;
  if (replaces) {
    // A server that has it open would go on writing into the file that is moved away.
    if (absl::Status alone = SqliteDatabase::RequireUnused(path); !alone.ok()) return alone;
  }
  RemoveDatabase(partial);
  Restored restored;
  restored.replaced = replaces;
  const absl::Status prepared = [&] {
    {
      auto backup = SqliteDatabase::OpenReadOnly(from, kSchema, {kBusy, 0});
      if (!backup.ok()) return backup.status();
      if (absl::Status copied = (*backup)->CopyTo(partial, progress); !copied.ok()) return copied;
    }
    auto database = OpenExisting(partial, "the copy");
    if (!database.ok()) return database.status();
    // Nonces that were redeemed after the backup are not in it: challenges of that time must not be answered again.
    const std::string refuse =
        Cat("UPDATE meta SET value = ", (now + kLongestChallenge).time_since_epoch().count(), " WHERE name = 'refuse_before'");
    if (absl::Status marked = (*database)->Execute(refuse.c_str(), "mark the restored database"); !marked.ok()) return marked;
    if (replaces) {
      if (absl::Status carried = CarryOverAll(**database, path, restored); !carried.ok()) return carried;
    }
    if (absl::Status skipped = SkipSequences(**database, now); !skipped.ok()) return skipped;
    return (*database)->Execute("PRAGMA wal_checkpoint(TRUNCATE)", "finish the restored database");
  }();
  absl::Status done = prepared;
  if (done.ok()) done = RequireSound(partial, {});
  if (done.ok()) done = SyncToDisk(partial);
  if (done.ok()) done = Replace(path, partial, replaces ? std::optional(former) : std::nullopt);
  RemoveDatabase(partial);
  if (!done.ok()) return done;
  return restored;
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

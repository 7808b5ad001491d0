#include "store/database_care.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/hex.h"
#include "base/random.h"
#include "base/strings.h"
#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_store.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Time kNow = *ParseTime("2026-11-24T02:00:00Z");

v1::VerdictRecord NewRecord() {
  static SystemRandom random;
  v1::VerdictRecord record;
  record.set_id(NewVerdictId(kNow, random));
  record.mutable_recorded_at()->set_seconds(kNow.time_since_epoch().count());
  record.mutable_appraisal()->set_instance_identity(std::string(32, 'i'));
  return record;
}

// What happens to the names in a directory, in order: "+name", "-name".
class Names {
 public:
  explicit Names(const std::filesystem::path& directory) : file_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    EXPECT_GE(inotify_add_watch(file_, directory.c_str(), IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO), 0);
  }
  ~Names() { ::close(file_); }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;
  std::vector<std::string> Seen() {
    std::vector<std::string> seen;
    alignas(inotify_event) char buffer[64 * 1024];
    for (ssize_t size = 0; (size = ::read(file_, buffer, sizeof buffer)) > 0;) {
      for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        seen.push_back(Cat((event->mask & (IN_CREATE | IN_MOVED_TO)) != 0 ? "+" : "-", std::string_view(event->name)));
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    return seen;
  }

 private:
  const int file_;
};

class DatabaseCareTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-care-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string File(std::string_view name) const { return (directory_ / name).string(); }
  std::unique_ptr<VerdictStore> Open(std::string_view name = "a.db") {
    auto store = OpenSqliteStore(File(name));
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  void Sql(const std::string& sql, std::string_view name = "a.db") {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(File(name).c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  std::string Read(std::string_view name) const {
    std::ifstream file(File(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string MessageIn(const absl::Status& status) { return std::string(MessageOf(status)); }

  const Bytes body_ = {1, 2, 3};
  const Blob blob_{body_, BlobClass::kEvidence};
  std::filesystem::path directory_;
};

TEST_F(DatabaseCareTest, ABackupIsTheDatabaseAndReadableForItsOwnerOnly) {
  const v1::VerdictRecord record = NewRecord();
  const auto store = Open();
  ASSERT_TRUE(store->Record(record, {&blob_, 1}).ok());
  ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
  struct stat status {};
  ASSERT_EQ(::stat(File("b.db").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto copy = Open("b.db");
  EXPECT_TRUE(copy->Get(record.id()).ok());
  EXPECT_EQ(*copy->GetBlob(crypto::Sha256(body_)), body_);
  EXPECT_FALSE(std::filesystem::exists(File("b.db.partial")));
}

TEST_F(DatabaseCareTest, ABackupUnderLoadIsOneState) {
  const auto store = Open();
  std::atomic<bool> stop = false;
  std::atomic<int> recorded = 0;
  std::thread writer([&] {
    while (!stop) recorded += store->Record(NewRecord(), {&blob_, 1}).ok() ? 1 : 0;
  });
  while (recorded < 20) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) {
    const int before = recorded;
    const absl::Status done = BackUpDatabase(File("a.db"), File(Cat("b", i, ".db")));
    ASSERT_TRUE(done.ok()) << done;
    EXPECT_TRUE(CheckDatabase(File(Cat("b", i, ".db")))->empty());
    EXPECT_GE(static_cast<int>(Open(Cat("b", i, ".db"))->ListVerdicts({.size = 100'000})->elements.size()), before);
  }
  stop = true;
  writer.join();
}

TEST_F(DatabaseCareTest, ABackupOverwritesNothing) {
  Open();
  std::ofstream(File("b.db")) << "precious";
  const absl::Status refused = BackUpDatabase(File("a.db"), File("b.db"));
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageIn(refused), HasSubstr("expected a name that nothing has yet"));
  EXPECT_EQ(std::filesystem::file_size(File("b.db")), 8u);
  EXPECT_EQ(BackUpDatabase(File("none.db"), File("c.db")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(File("none.db"))) << "a backup makes no database";
}

TEST_F(DatabaseCareTest, ADamagedDatabaseGivesNoBackup) {
  ASSERT_TRUE(Open()->Record(NewRecord(), {&blob_, 1}).ok());
  Sql("UPDATE blob SET body = x'00'");
  const absl::Status refused = BackUpDatabase(File("a.db"), File("b.db"));
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(MessageIn(refused), HasSubstr("2 defects, the first: blob "));
  EXPECT_FALSE(std::filesystem::exists(File("b.db")));
}

TEST_F(DatabaseCareTest, TheCheckFindsWhatIsWrong) {
  const auto fresh = [&](const std::string& damage) {
    std::filesystem::remove_all(directory_ / "a.db");
    for (const std::string_view suffix : {"-wal", "-shm"}) std::filesystem::remove(File(Cat("a.db", suffix)));
    v1::VerdictRecord record = NewRecord();
    record.set_appraisal_sha256(std::string(AsText(crypto::Sha256(AsBytes(appraisal::CanonicalJson(record.appraisal()))))));
    EXPECT_TRUE(Open()->Record(record, {&blob_, 1}).ok());
    EXPECT_TRUE(CheckDatabase(File("a.db"))->empty());
    Sql(damage);
    const auto defects = CheckDatabase(File("a.db"));
    EXPECT_TRUE(defects.ok()) << defects.status();
    return defects.ok() ? Join(*defects, "\n") : std::string();
  };
  EXPECT_THAT(fresh("UPDATE verdict SET record = x'ff'"), HasSubstr("the record does not parse"));
  EXPECT_THAT(fresh("UPDATE verdict SET verdict = 1"), HasSubstr("differ between row and record"));
  EXPECT_THAT(fresh("UPDATE verdict SET identity = x''"), HasSubstr("differ between row and record"));
  EXPECT_THAT(fresh("UPDATE blob SET body = x'010204'"), HasSubstr("its bytes do not have this digest"));
  EXPECT_THAT(fresh("UPDATE blob SET size = 4"), HasSubstr("its size is not 4"));
  EXPECT_THAT(fresh("DELETE FROM meta WHERE name = 'latest_time'"), HasSubstr("'latest_time' is missing"));
  EXPECT_THAT(fresh("PRAGMA foreign_keys = OFF; INSERT INTO verdict_reason VALUES ('x', 99)"),
              HasSubstr("a row of verdict_reason refers to one of verdict"));
  // The digest in the record, of an appraisal that was altered.
  std::string altered;
  v1::VerdictRecord record = NewRecord();
  record.set_appraisal_sha256(std::string(32, 'x'));
  std::filesystem::remove(File("a.db"));
  ASSERT_TRUE(Open("c.db")->Record(record, {}).ok());
  EXPECT_THAT(Join(*CheckDatabase(File("c.db")), "\n"), HasSubstr("does not have the digest that the record names"));
}

TEST_F(DatabaseCareTest, ATornFileIsADefectAndNoCrash) {
  ASSERT_TRUE(Open()->Record(NewRecord(), {&blob_, 1}).ok());
  const auto size = std::filesystem::file_size(File("a.db"));
  for (std::uintmax_t keep = size - 4096; keep > 8192; keep -= 4096) {
    std::filesystem::resize_file(File("a.db"), keep);
    const auto defects = CheckDatabase(File("a.db"));
    EXPECT_TRUE(!defects.ok() || !defects->empty()) << keep;
  }
}

TEST_F(DatabaseCareTest, ARestoreBringsBackTheBackupAndKeepsTheFormer) {
  const v1::VerdictRecord before = NewRecord(), after = NewRecord();
  {
    const auto store = Open();
    ASSERT_TRUE(store->Record(before, {&blob_, 1}).ok());
    ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
    ASSERT_TRUE(store->Record(after, {}).ok());
  }
  const auto restored = RestoreDatabase(File("a.db"), File("b.db"), kNow);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_TRUE(Open()->Get(before.id()).ok());
  EXPECT_EQ(Open()->Get(after.id()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Open("a.db.before-restore")->Get(after.id()).ok());
  // A second one would overwrite what the first kept.
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("b.db"), kNow).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(DatabaseCareTest, WhatWasTakenBackSinceTheBackupStaysSo) {
  const v1::VerdictRecord revoked = NewRecord(), kept = [] {
    v1::VerdictRecord record = NewRecord();
    record.mutable_appraisal()->set_instance_identity(std::string(32, 'k'));
    return record;
  }();
  const Act act{"op", "because", kNow}, later{"op", "later", kNow + Duration(5)};
  const auto key = [](char digest, std::string_view node) {
    v1::EnrolledKey enrolled;
    enrolled.set_kind(v1::TPM_KEY_KIND_ENDORSEMENT);
    enrolled.set_spki_sha256(std::string(32, digest));
    enrolled.set_node(std::string(node));
    return enrolled;
  };
  const std::string cluster_name = "prod/x", other_name = "prod/y";
  const Bytes ended(32, 'e'), moved(32, 'm');
  {
    const auto store = Open();
    for (v1::VerdictRecord record : {revoked, kept}) {
      record.mutable_appraisal()->set_verdict(v1::VERDICT_TRUSTED);
      record.mutable_appraisal()->mutable_valid_until()->set_seconds((kNow + Duration(3600)).time_since_epoch().count());
      ASSERT_TRUE(store->Record(record, {}).ok());
    }
    ASSERT_TRUE(store->Impose(v1::BAN_KIND_NAME, cluster_name, act).ok());
    for (const v1::EnrolledKey& enrolled : {key('e', "prod/e"), key('m', "prod/m"), key('s', "prod/s")}) {
      ASSERT_TRUE(store->Enrol(enrolled, act).ok());
    }
    ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
    ASSERT_TRUE(store->Impose(v1::BAN_KIND_NAME, other_name, later).ok());
    ASSERT_TRUE(store->Lift(v1::BAN_KIND_NAME, cluster_name, later).ok());
    ASSERT_TRUE(store->Revoke(revoked.id(), later).ok());
    ASSERT_TRUE(store->Unenrol(ended, later).ok());
    ASSERT_TRUE(store->Unenrol(moved, later).ok());
    ASSERT_TRUE(store->Enrol(key('m', "prod/other"), later).ok());
    ASSERT_TRUE(store->Redeem(Bytes(32, 9), kNow + Duration(200), kNow + Duration(100)).ok());
  }
  // Twice: what the first restore kept, the second finds in what the first made.
  for (int time = 0; time < 2; ++time) {
    const auto restored = RestoreDatabase(File("a.db"), File("b.db"), kNow);
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_TRUE(restored->replaced);
    EXPECT_THAT(restored->lost, IsEmpty());
    std::string told;
    for (const auto& [what, count] : restored->carried) told += Cat(what, " ", count, "; ");
    EXPECT_THAT(told, HasSubstr("bans 1; revocations 1; ends of enrolments 2; redeemed challenges 1; the latest time 1; "));
    const auto store = Open();
    const auto bans = store->ListBans({});
    ASSERT_EQ(bans->elements.size(), 2u);
    EXPECT_EQ(bans->elements[0].value(), cluster_name) << "one that was lifted since stands again";
    EXPECT_EQ(bans->elements[1].value(), other_name);
    EXPECT_EQ(bans->elements[1].reason(), "later");
    EXPECT_EQ(store->GetSummary(revoked.id())->revocation().reason(), "later");
    EXPECT_FALSE(store->GetSummary(kept.id())->has_revocation());
    EXPECT_EQ(store->ListNodes({.filter = "trusted_until > 2026-11-24T02:00:00Z"})->elements.size(), 1u) << "that of the other verdict";
    const auto enrolled = store->ListEnrolments({});
    ASSERT_EQ(enrolled->elements.size(), 1u);
    EXPECT_EQ(enrolled->elements[0].node(), "prod/s");
    EXPECT_EQ(*store->LatestTime(), kNow + Duration(100));
    EXPECT_EQ(store->Redeem(Bytes(32, 9), kNow + Duration(200), kNow + Duration(100)).code(), absl::StatusCode::kAlreadyExists);
    EXPECT_THAT(*CheckDatabase(File("a.db")), IsEmpty());
    std::filesystem::remove(File("a.db.before-restore"));
  }
}

// A new machine, on which a server was started before the restore.
TEST_F(DatabaseCareTest, AnEmptyFormerTakesNothingAway) {
  v1::EnrolledKey key;
  key.set_kind(v1::TPM_KEY_KIND_ATTESTATION);
  key.set_spki_sha256(std::string(32, 'k'));
  ASSERT_TRUE(Open("lost.db")->Enrol(key, {"op", "", kNow}).ok());
  ASSERT_TRUE(BackUpDatabase(File("lost.db"), File("b.db")).ok());
  Open();
  ASSERT_TRUE(RestoreDatabase(File("a.db"), File("b.db"), kNow).ok());
  EXPECT_EQ(Open()->ListEnrolments({})->elements.size(), 1u);
}

TEST_F(DatabaseCareTest, WhatCannotBeReadInTheFormerIsToldAndTheRestCarried) {
  {
    const auto store = Open();
    ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
    ASSERT_TRUE(store->Impose(v1::BAN_KIND_NAME, "prod/x", {"op", "", kNow}).ok());
  }
  // The page at which the verdicts begin is overwritten.
  std::int64_t page = 0;
  {
    auto database = *SqliteDatabase::Open(File("a.db"), kSchema, {std::chrono::milliseconds(1000), 0});
    auto find = *database->Prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'verdict_by_revocation'");
    SqliteStatement::Run run(find, "find");
    ASSERT_TRUE(*run.Step());
    page = run.IntegerAt(0);
  }
  {
    std::fstream file(File("a.db"), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp((page - 1) * 4096);
    file << std::string(4096, '\xff');
  }
  const auto restored = RestoreDatabase(File("a.db"), File("b.db"), kNow);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_THAT(restored->lost, ElementsAre("revocations"));
  EXPECT_EQ(Open()->ListBans({})->elements.size(), 1u);

  std::filesystem::remove(File("a.db.before-restore"));
  std::ofstream(File("a.db")) << "no database at all";
  const auto anew = RestoreDatabase(File("a.db"), File("b.db"), kNow);
  ASSERT_TRUE(anew.ok()) << anew.status();
  EXPECT_THAT(anew->carried, IsEmpty());
  EXPECT_THAT(anew->lost, testing::Contains("bans"));
}

// A crash between any two of these leaves one of the two databases under the name, and no log that is not its own.
TEST_F(DatabaseCareTest, ARestoreReplacesAtOneMoment) {
  ASSERT_TRUE(Open()->Record(NewRecord(), {}).ok());
  ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
  Names names(directory_);
  ASSERT_TRUE(RestoreDatabase(File("a.db"), File("b.db"), kNow).ok());
  const std::vector<std::string> seen = names.Seen();
  EXPECT_THAT(seen, Not(testing::Contains("-a.db")));
  const auto kept = std::find(seen.begin(), seen.end(), "+a.db.before-restore"), there = std::find(seen.begin(), seen.end(), "+a.db");
  ASSERT_NE(there, seen.end());
  EXPECT_LT(kept, there);
  EXPECT_EQ(std::find(there, seen.end(), "-a.db-wal"), seen.end());
}

TEST_F(DatabaseCareTest, AnInterruptedRestoreIsBegunAnew) {
  ASSERT_TRUE(Open()->Record(NewRecord(), {}).ok());
  ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
  std::filesystem::create_hard_link(File("a.db"), File("a.db.before-restore"));
  const auto restored = RestoreDatabase(File("a.db"), File("b.db"), kNow);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(Open("a.db.before-restore")->ListVerdicts({})->elements.size(), 1u);
}

TEST_F(DatabaseCareTest, TheBackupIsOnlyRead) {
  std::filesystem::create_directory(File("backups"));
  constexpr std::string_view kBackup = "backups/of ?#%41 version 3.db";
  const SqliteDatabase::Schema version3{kSchema.application_id, kSchema.migrations.first(3)};
  ASSERT_TRUE(SqliteDatabase::Open(File(kBackup), version3, {std::chrono::milliseconds(1000), 0}).ok());
  ASSERT_TRUE(Open()->Record(NewRecord(), {}).ok());
  const std::string before = Read(kBackup);
  Names names(directory_ / "backups");
  const auto restored = RestoreDatabase(File("a.db"), File(kBackup), kNow);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_THAT(names.Seen(), IsEmpty()) << "as where nobody can write";
  EXPECT_TRUE(Read(kBackup) == before);
  EXPECT_THAT(Open()->ListVerdicts({})->elements, IsEmpty());
}

// A copy of the files of a server that was killed: the last commits are in its log only.
TEST_F(DatabaseCareTest, ABackupWithALogIsReadWithIt) {
  const v1::VerdictRecord record = NewRecord();
  {
    const auto store = Open();
    ASSERT_TRUE(store->Record(record, {}).ok());
    for (const std::string_view suffix : {"", "-wal"}) std::filesystem::copy_file(File(Cat("a.db", suffix)), File(Cat("b.db", suffix)));
  }
  ASSERT_TRUE(RestoreDatabase(File("c.db"), File("b.db"), kNow).ok());
  EXPECT_TRUE(Open("c.db")->Get(record.id()).ok());
}

// Sequences that a watcher has seen are not given anew.
TEST_F(DatabaseCareTest, WatchersAreToldOfARestore) {
  std::int64_t seen = 0;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Record(NewRecord(), {}).ok());
    ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
    ASSERT_TRUE(store->Record(NewRecord(), {}).ok());
    seen = *store->LatestEvent();
  }
  for (const bool former : {true, false}) {
    if (!former) std::filesystem::remove(File("a.db"));
    std::filesystem::remove(File("a.db.before-restore"));
    ASSERT_TRUE(RestoreDatabase(File("a.db"), File("b.db"), kNow + Duration(former ? 0 : 60)).ok());
    const auto store = Open();
    EXPECT_EQ(store->EventsAfter(seen, "", 10).status().code(), absl::StatusCode::kOutOfRange) << former;
    const std::int64_t anew = *store->LatestEvent();
    EXPECT_TRUE(store->EventsAfter(anew, "", 10).ok());
    ASSERT_TRUE(store->Record(NewRecord(), {}).ok());
    EXPECT_EQ(store->EventsAfter(anew, "", 10)->elements.size(), 1u);
    seen = *store->LatestEvent();
    EXPECT_GT(seen, anew);
  }
}

// Between backup and restore nonces were redeemed that the restored database does not know.
TEST_F(DatabaseCareTest, NoNonceIsRedeemedTwiceAcrossARestore) {
  const Bytes nonce(32, 1), fresh(32, 2);
  {
    const auto store = Open();
    ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
    ASSERT_TRUE(store->Redeem(nonce, kNow + Duration(60), kNow).ok());
  }
  ASSERT_TRUE(RestoreDatabase(File("a.db"), File("b.db"), kNow).ok());
  const auto store = Open();
  EXPECT_EQ(store->Redeem(nonce, kNow + Duration(59), kNow).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(store->Redeem(fresh, kNow + Duration(61), kNow + Duration(1)).ok()) << "a challenge of after the restore";
}

TEST_F(DatabaseCareTest, WhatIsInUseIsNotReplaced) {
  const auto store = Open();
  ASSERT_TRUE(store->Record(NewRecord(), {}).ok());
  ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
  const absl::Status refused = RestoreDatabase(File("a.db"), File("b.db"), kNow).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(MessageIn(refused), HasSubstr("stop the server first"));
  EXPECT_TRUE(store->Record(NewRecord(), {}).ok());
}

TEST_F(DatabaseCareTest, ABackupThatIsNoneIsNotRestored) {
  ASSERT_TRUE(Open()->Record(NewRecord(), {}).ok());
  std::ofstream(File("text")) << "hello";
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("text"), kNow).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("none"), kNow).status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
  Sql("UPDATE verdict SET record = x'ff'", "b.db");
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("b.db"), kNow).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(std::filesystem::exists(File("a.db.before-restore")));
  EXPECT_EQ(Open()->ListVerdicts({})->elements.size(), 1u);
}

TEST_F(DatabaseCareTest, CompactingGivesSpaceBack) {
  const auto store = Open();
  for (int i = 0; i < 50; ++i) {
    const Bytes large(50'000, static_cast<std::uint8_t>(i));
    const Blob blob{large, BlobClass::kEvidence};
    ASSERT_TRUE(store->Record(NewRecord(), {&blob, 1}).ok());
  }
  while (store->Purge({.evidence = Duration(1)}, kNow + Duration(86400))->total() != 0) {}
  const auto compacted = CompactDatabase(File("a.db"));
  ASSERT_TRUE(compacted.ok()) << compacted.status();
  EXPECT_GT(compacted->before, 2'000'000);
  EXPECT_LT(compacted->after, compacted->before / 4);
  EXPECT_TRUE(CheckDatabase(File("a.db"))->empty());
  EXPECT_EQ(store->ListVerdicts({})->elements.size(), 50u) << "while a store has it open";
}

}  // namespace
}  // namespace assay::store

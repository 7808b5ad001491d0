#include "store/database_care.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/random.h"
#include "base/strings.h"
#include "store/sqlite_store.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using testing::HasSubstr;

const Time kNow = *ParseTime("2026-11-24T02:00:00Z");

v1::VerdictRecord NewRecord() {
  static SystemRandom random;
  v1::VerdictRecord record;
  record.set_id(NewVerdictId(kNow, random));
  record.mutable_recorded_at()->set_seconds(kNow.time_since_epoch().count());
  record.mutable_appraisal()->set_instance_identity(std::string(32, 'i'));
  return record;
}

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
  const absl::Status restored = RestoreDatabase(File("a.db"), File("b.db"), kNow);
  ASSERT_TRUE(restored.ok()) << restored;
  EXPECT_TRUE(Open()->Get(before.id()).ok());
  EXPECT_EQ(Open()->Get(after.id()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Open("a.db.before-restore")->Get(after.id()).ok());
  // A second one would overwrite what the first kept.
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("b.db"), kNow).code(), absl::StatusCode::kInvalidArgument);
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
  const absl::Status refused = RestoreDatabase(File("a.db"), File("b.db"), kNow);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(MessageIn(refused), HasSubstr("stop the server first"));
  EXPECT_TRUE(store->Record(NewRecord(), {}).ok());
}

TEST_F(DatabaseCareTest, ABackupThatIsNoneIsNotRestored) {
  ASSERT_TRUE(Open()->Record(NewRecord(), {}).ok());
  std::ofstream(File("text")) << "hello";
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("text"), kNow).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("none"), kNow).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(BackUpDatabase(File("a.db"), File("b.db")).ok());
  Sql("UPDATE verdict SET record = x'ff'", "b.db");
  EXPECT_EQ(RestoreDatabase(File("a.db"), File("b.db"), kNow).code(), absl::StatusCode::kDataLoss);
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

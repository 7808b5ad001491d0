// Writes that share transactions: whatever shares with whom, each stands or falls alone.
#include "store/group_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/bug.h"
#include "base/strings.h"
#include "store/sqlite_database.h"

namespace assay::store {
namespace {

constexpr const char* kMigrations[] = {
    "CREATE TABLE written (thread INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (thread, number)) STRICT"};
constexpr SqliteDatabase::Schema kSchema{0x54657374, kMigrations};

class GroupCommitTest : public ::testing::Test {
 protected:
  GroupCommitTest() {
    std::string folder = Cat(std::filesystem::temp_directory_path().string(), "/assay-group-XXXXXX");
    ASSAY_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    database_ = SqliteDatabase::Open(folder_ + "/test.db", kSchema, {std::chrono::seconds(5), 0}).value();
  }
  ~GroupCommitTest() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Every `failing`th write fails after it has written.
  absl::Status Write(GroupCommit& commits, int thread, int number, int failing) {
    return commits.Run("write", [&, thread, number] {
      if (absl::Status status = database_->Execute(Cat("INSERT INTO written VALUES (", thread, ", ", number, ")").c_str(), "write");
          !status.ok()) {
        return status;
      }
      return number % failing == 0 ? absl::AbortedError("not this one") : absl::OkStatus();
    });
  }
  std::string Sum() {
    SqliteStatement select = database_->Prepare("SELECT count(*) || ' ' || coalesce(sum(number), 0) FROM written").value();
    SqliteStatement::Run run(select, "count");
    return *run.Step() ? run.TextAt(0) : "nothing";
  }

  std::string folder_;
  std::unique_ptr<SqliteDatabase> database_;
};

TEST_F(GroupCommitTest, AWriteThatFailsIsUndoneAlone) {
  constexpr int kThreads = 8, kWrites = 60, kFailing = 5;
  GroupCommit commits(*database_);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 1; number <= kWrites; ++number) {
        EXPECT_EQ(Write(commits, thread, number, kFailing).code(),
                  number % kFailing == 0 ? absl::StatusCode::kAborted : absl::StatusCode::kOk);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int failed = kWrites / kFailing;
  const int sum = kWrites * (kWrites + 1) / 2 - kFailing * failed * (failed + 1) / 2;
  EXPECT_EQ(Sum(), Cat(kThreads * (kWrites - failed), ' ', kThreads * sum));
}

TEST_F(GroupCommitTest, AWriteAloneThatFailsRunsOnce) {
  GroupCommit commits(*database_);
  int runs = 0;
  const absl::Status status = commits.Run("write", [&] {
    ++runs;
    EXPECT_EQ(database_->Execute("INSERT INTO written VALUES (1, 1)", "write"), absl::OkStatus());
    return absl::AbortedError("not this one");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Sum(), "0 0");
  EXPECT_EQ(Write(commits, 1, 2, 5), absl::OkStatus());
  EXPECT_EQ(Sum(), "1 2");
}

// SQLite then rolls the whole transaction back by itself, savepoints included.
TEST_F(GroupCommitTest, OnAFullDiskEachIsToldSo) {
  constexpr int kThreads = 4, kRounds = 20;
  ASSERT_EQ(database_->Execute("CREATE TABLE filling (bytes BLOB NOT NULL) STRICT; PRAGMA max_page_count = 20", "limit"), absl::OkStatus());
  GroupCommit commits(*database_);
  std::atomic<int> stored = 0, refused = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> calling = 0;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        ++calling;
        const absl::Status status = commits.Run("write", [&] {
          // Whoever is first waits for the others, which then share the next transaction.
          while (calling < kThreads) std::this_thread::yield();
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          return database_->Execute("INSERT INTO filling VALUES (zeroblob(20000))", "write");
        });
        ++(status.ok() ? stored : refused);
        if (status.ok()) return;
        EXPECT_THAT(std::string(status.message()), testing::HasSubstr("database or disk is full"));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_GT(refused, 0);
  SqliteStatement select = database_->Prepare("SELECT count(*) FROM filling").value();
  SqliteStatement::Run run(select, "count");
  ASSERT_TRUE(*run.Step());
  EXPECT_EQ(run.IntegerAt(0), stored) << "what was answered with OK is there, and nothing else";
}

}  // namespace
}  // namespace assay::store

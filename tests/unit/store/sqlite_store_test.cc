#include "store/sqlite_store.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "base/strings.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Time At(std::string_view text) { return *ParseTime(text); }
const Time kNow = At("2026-11-24T02:00:00Z");
constexpr Duration kMinute{60};

Bytes NonceOf(std::uint64_t number) {
  Bytes nonce(24, 0x5a);
  AppendU64Be(nonce, number);
  return nonce;
}

std::string NewId(Time now = kNow) {
  SystemRandom random;
  return NewVerdictId(now, random);
}

v1::VerdictRecord RecordOf(const std::string& id, Time recorded_at = kNow) {
  v1::VerdictRecord record;
  record.set_id(id);
  record.mutable_recorded_at()->set_seconds(recorded_at.time_since_epoch().count());
  record.mutable_context()->set_cluster("prod");
  record.mutable_appraisal()->set_verdict(v1::VERDICT_TRUSTED);
  record.mutable_appraisal()->set_platform("qemu_sev_snp");
  record.add_evidence_media_types("application/vnd.assay.sev-snp-report");
  return record;
}

std::vector<Blob> Evidence(std::initializer_list<ByteView> bodies) {
  std::vector<Blob> blobs;
  for (const ByteView body : bodies) blobs.push_back({body, BlobClass::kEvidence});
  return blobs;
}

std::string MessageIn(const absl::Status& status) { return std::string(MessageOf(status)); }

// A file of its own for each test, and SQLite beside the store, for what the store would never do.
class SqliteStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-store-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ / "verdicts.db";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<VerdictStore> Open(const SqliteStoreOptions& options = {}) {
    auto store = OpenSqliteStore(path_, options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // The first column of the first row, as text; "" if there is none.
  std::string Sql(const std::string& sql) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    std::string first;
    char* error = nullptr;
    const auto keep_first = [](void* to, int, char** values, char**) {
      auto& text = *static_cast<std::string*>(to);
      if (text.empty() && values[0] != nullptr) text = values[0];
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), keep_first, &first, &error), SQLITE_OK) << error;
    sqlite3_free(error);
    sqlite3_close(database);
    return first;
  }

  void WriteFile(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
  std::string ReadFile() {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::filesystem::path directory_;
  std::string path_;
};

// --- verdicts and blobs --------------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, WhatWasRecordedIsReadBackAfterReopening) {
  const std::string id = NewId();
  const Bytes report(1184, 0xab), empty;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Record(RecordOf(id), Evidence({report, empty})).ok());
  }
  const auto store = Open();
  const auto record = store->Get(id);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->SerializeAsString(), RecordOf(id).SerializeAsString());
  for (const Bytes& blob : {report, empty}) {
    const auto body = store->GetBlob(crypto::Sha256(blob));
    ASSERT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(*body, blob);
  }
}

TEST_F(SqliteStoreTest, ABlobIsStoredOnceHoweverOftenItIsUsed) {
  const auto store = Open();
  const Bytes crl(5000, 0x30), report(1184, 1);
  ASSERT_TRUE(store->Record(RecordOf(NewId()), Evidence({crl, crl, report})).ok());
  ASSERT_TRUE(store->Record(RecordOf(NewId()), Evidence({crl})).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM blob"), "2");
  EXPECT_EQ(Sql("SELECT count(*) FROM verdict"), "2");
}

// --- blobs that every verdict has -------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, ABlobInUseIsMarkedOnceAnHour) {
  const auto store = Open();
  const Bytes blob{1, 2, 3};
  const auto used_at = [&] { return Sql("SELECT used_at FROM blob"); };
  const auto record_at = [&](Duration later) { return store->Record(RecordOf(NewId(kNow + later), kNow + later), Evidence({blob})); };
  ASSERT_TRUE(record_at(Duration(0)).ok());
  const std::string first = used_at();
  ASSERT_TRUE(record_at(Duration(3599)).ok());
  EXPECT_EQ(used_at(), first);
  ASSERT_TRUE(record_at(Duration(3601)).ok());
  EXPECT_EQ(used_at(), std::to_string((kNow + Duration(3601)).time_since_epoch().count()));
}

TEST_F(SqliteStoreTest, ABlobThatWasPurgedIsStoredAgain) {
  const auto store = Open();
  const Bytes blob{1, 2, 3};
  ASSERT_TRUE(store->Record(RecordOf(NewId()), Evidence({blob})).ok());
  const auto purged = store->Purge({.evidence = kMinute}, kNow + Duration(3 * 3600));
  ASSERT_TRUE(purged.ok());
  ASSERT_EQ(purged->blobs, 1);
  ASSERT_TRUE(store->Record(RecordOf(NewId()), Evidence({blob})).ok());
  EXPECT_EQ(*store->GetBlob(crypto::Sha256(blob)), blob);
}

TEST_F(SqliteStoreTest, ABlobOfARecordThatFailedIsStoredWithTheNext) {
  const auto store = Open();
  const Bytes blob{1, 2, 3};
  v1::VerdictRecord stale = RecordOf(NewId());
  stale.set_node_key_sha256(std::string(32, 'k'));
  stale.mutable_state()->set_ban("a ban that nobody imposed");
  ASSERT_TRUE(absl::IsAborted(store->Record(stale, Evidence({blob}))));
  const std::string id = NewId();
  ASSERT_TRUE(store->Record(RecordOf(id), {}).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(store->Record(RecordOf(id), Evidence({blob})))) << "the blob was written, and undone with the record";
  ASSERT_TRUE(store->Record(RecordOf(NewId()), Evidence({blob})).ok());
  EXPECT_EQ(*store->GetBlob(crypto::Sha256(blob)), blob);
}

TEST_F(SqliteStoreTest, ABlobIsKeptForTheBestOfItsUses) {
  const auto store = Open();
  const Bytes blob{1, 2, 3};
  const auto kind = [&] { return Sql("SELECT kind FROM blob"); };
  for (const auto& [use, kept] :
       {std::pair(BlobClass::kAttempt, "0"), std::pair(BlobClass::kEvidence, "1"), std::pair(BlobClass::kAttempt, "1"),
        std::pair(BlobClass::kInput, "2"), std::pair(BlobClass::kEvidence, "2")}) {
    ASSERT_TRUE(store->Record(RecordOf(NewId()), std::vector<Blob>{{blob, use}}).ok());
    EXPECT_EQ(kind(), kept);
  }
}

TEST_F(SqliteStoreTest, AnAttemptsBlobIsWrittenEveryTime) {
  const auto store = Open();
  const Bytes blob{1, 2, 3};
  const auto record = [&] { return store->Record(RecordOf(NewId()), std::vector<Blob>{{blob, BlobClass::kAttempt}}); };
  ASSERT_TRUE(record().ok());
  Sql("DELETE FROM blob");  // as a purge by another process would, for want of room
  ASSERT_TRUE(record().ok());
  EXPECT_EQ(*store->GetBlob(crypto::Sha256(blob)), blob);
}

TEST_F(SqliteStoreTest, ADigestThatTheCallerHasIsTaken) {
  const auto store = Open();
  const Bytes blob{1, 2, 3};
  ASSERT_TRUE(store->Record(RecordOf(NewId()), std::vector<Blob>{{blob, BlobClass::kEvidence, crypto::Sha256(blob)}}).ok());
  EXPECT_EQ(*store->GetBlob(crypto::Sha256(blob)), blob);
}

TEST_F(SqliteStoreTest, AVerdictIsRecordedOnce) {
  const auto store = Open();
  const std::string id = NewId();
  ASSERT_TRUE(store->Record(RecordOf(id), Evidence({})).ok());
  v1::VerdictRecord other = RecordOf(id, kNow + kMinute);
  other.mutable_appraisal()->set_verdict(v1::VERDICT_REJECTED);
  const Bytes blob = {1, 2, 3};
  const absl::Status again = store->Record(other, Evidence({blob}));
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(MessageIn(again), HasSubstr(id));
  // All of the second attempt is undone.
  EXPECT_EQ(store->Get(id)->appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(store->GetBlob(crypto::Sha256(blob)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*store->LatestTime(), kNow);
}

TEST_F(SqliteStoreTest, RefusesRecordsThatCouldNotBeFoundOrReadAgain) {
  const auto store = Open();
  v1::VerdictRecord without_time = RecordOf(NewId());
  without_time.clear_recorded_at();
  v1::VerdictRecord not_utf8 = RecordOf(NewId());
  not_utf8.mutable_appraisal()->set_platform("\xff");
  v1::VerdictRecord deep = RecordOf(NewId());
  deep.mutable_appraisal()->add_findings()->set_expected("caf\xc3\xa9");
  deep.mutable_appraisal()->add_findings()->set_actual("caf\xc3");
  v1::VerdictRecord repeated = RecordOf(NewId());
  repeated.add_evidence_media_types("text/plain");
  repeated.add_evidence_media_types("\xed\xa0\x80");  // a surrogate
  const struct {
    v1::VerdictRecord record;
    const char* message;
  } cases[] = {{RecordOf(""), "no verdict id"},
               {RecordOf("01m85mg280000g40r40m30e209"), "no verdict id"},
               {RecordOf("../../etc/passwd\n"), R"(passwd\x0a" is no verdict id)"},
               {without_time, "recorded_at"},
               {not_utf8, "UTF-8"},
               {deep, "UTF-8"},
               {repeated, "UTF-8"}};
  for (const auto& c : cases) {
    const absl::Status status = store->Record(c.record, Evidence({}));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(MessageIn(status), HasSubstr(c.message));
  }
  EXPECT_EQ(Sql("SELECT count(*) FROM verdict"), "0");

  v1::VerdictRecord text_and_bytes = RecordOf(NewId());
  text_and_bytes.mutable_appraisal()->add_findings()->set_expected("caf\xc3\xa9 \xf0\x9f\x94\x91");
  text_and_bytes.mutable_appraisal()->mutable_digests()->set_policy("\xff\x80");  // bytes are no text
  text_and_bytes.mutable_appraisal()->mutable_valid_until()->set_seconds(-1);
  EXPECT_EQ(store->Record(text_and_bytes, Evidence({})), absl::OkStatus());
  EXPECT_EQ(store->Get(text_and_bytes.id())->appraisal().findings(0).expected(), text_and_bytes.appraisal().findings(0).expected());
}

TEST_F(SqliteStoreTest, GetTellsAbsentFromImpossible) {
  const auto store = Open();
  const std::string absent = NewId();
  EXPECT_EQ(store->Get(absent).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageIn(store->Get(absent).status()), HasSubstr(absent));
  for (const std::string& id : {std::string(), std::string("'; DROP TABLE verdict; --"), absent + "0"}) {
    EXPECT_EQ(store->Get(id).status().code(), absl::StatusCode::kInvalidArgument) << id;
  }
  EXPECT_EQ(store->GetBlob(crypto::Sha256Digest{}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SqliteStoreTest, DamageIsNoticed) {
  const auto store = Open();
  const std::string garbled = NewId(), swapped = NewId(), other = NewId();
  const Bytes altered = {1, 2, 3}, emptied = {4, 5, 6};
  ASSERT_TRUE(store->Record(RecordOf(garbled), Evidence({altered, emptied})).ok());
  ASSERT_TRUE(store->Record(RecordOf(swapped), Evidence({})).ok());
  ASSERT_TRUE(store->Record(RecordOf(other), Evidence({})).ok());
  Sql("UPDATE blob SET body = x'010204' WHERE body = x'010203'");
  Sql("UPDATE blob SET body = x'' WHERE body = x'040506'");
  Sql("UPDATE verdict SET record = x'ff' WHERE id = '" + garbled + "'");
  Sql("UPDATE verdict SET record = (SELECT record FROM verdict WHERE id = '" + other + "') WHERE id = '" + swapped + "'");

  for (const absl::Status& status : {store->GetBlob(crypto::Sha256(altered)).status(), store->GetBlob(crypto::Sha256(emptied)).status(),
                                     store->Get(garbled).status(), store->Get(swapped).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(MessageIn(status), AllOf(HasSubstr(path_), HasSubstr("restore")));
  }
  EXPECT_TRUE(store->Get(other).ok());
}

TEST_F(SqliteStoreTest, ADamagedFileIsDataLossNotAbsence) {
  const std::string id = NewId();
  {
    const auto store = Open();
    ASSERT_TRUE(store->Record(RecordOf(id), Evidence({})).ok());
  }
  // The pages on which the tables begin.
  std::string content = ReadFile();
  for (const std::string_view table : {"verdict", "sqlite_autoindex_verdict_1", "redeemed", "meta"}) {
    const std::size_t page = std::stoul(Sql(Cat("SELECT rootpage FROM sqlite_schema WHERE name = '", table, "'")));
    ASSERT_LE(page * 4096, content.size());
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>((page - 1) * 4096), 4096, '\x7e');
  }
  WriteFile(content);
  {
    const auto store = Open();
    EXPECT_EQ(store->Get(id).status().code(), absl::StatusCode::kDataLoss) << store->Get(id).status();
    EXPECT_FALSE(store->Redeem(NonceOf(1), kNow + kMinute, kNow).ok());
    EXPECT_FALSE(store->Probe().ok());
  }
  // And where the schema itself is gone, it does not even open.
  std::fill(content.begin() + 4096, content.end(), '\x7e');
  WriteFile(content);
  EXPECT_EQ(OpenSqliteStore(path_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStoreTest, WithoutItsLatestTimeNothingIsAccepted) {
  const auto store = Open();
  Sql("DELETE FROM meta");
  EXPECT_EQ(store->LatestTime().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->Redeem(NonceOf(1), kNow + kMinute, kNow).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->Record(RecordOf(NewId()), Evidence({})).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->Probe().code(), absl::StatusCode::kDataLoss);
}

// --- redemption ----------------------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, ANonceIsRedeemedOnce) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->Redeem(NonceOf(1), kNow + kMinute, kNow).ok());
    EXPECT_EQ(store->Redeem(NonceOf(1), kNow + kMinute, kNow).code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(store->Redeem(NonceOf(1), kNow + 2 * kMinute, kNow + kMinute).code(), absl::StatusCode::kAlreadyExists);
    EXPECT_TRUE(store->Redeem(NonceOf(2), kNow + kMinute, kNow).ok());
  }
  EXPECT_EQ(Open()->Redeem(NonceOf(1), kNow + kMinute, kNow).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(SqliteStoreTest, ANonceHas32Bytes) {
  const auto store = Open();
  for (const std::size_t size : {0U, 1U, 31U, 33U, 64U}) {
    const absl::Status status = store->Redeem(Bytes(size, 1), kNow + kMinute, kNow);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(MessageIn(status), HasSubstr(Cat("this one has ", size)));
  }
  EXPECT_EQ(Sql("SELECT count(*) FROM redeemed"), "0");
}

TEST_F(SqliteStoreTest, OfManyThreadsOneRedeems) {
  // Two stores on one file: two replicas by mistake, or an old process that is still shutting down.
  const auto first = Open(), second = Open();
  for (std::uint64_t round = 0; round < 10; ++round) {
    constexpr int kThreads = 8;
    std::latch start(kThreads);
    std::atomic<int> redeemed = 0, refused = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        const absl::Status status = (t % 2 == 0 ? first : second)->Redeem(NonceOf(round), kNow + kMinute, kNow);
        if (status.ok()) ++redeemed;
        if (status.code() == absl::StatusCode::kAlreadyExists) ++refused;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(redeemed, 1);
    EXPECT_EQ(refused, kThreads - 1);
  }
}

TEST_F(SqliteStoreTest, OldNoncesAreForgottenAThousandAtATime) {
  const auto store = Open();
  ASSERT_TRUE(store->Redeem(NonceOf(1), kNow + kMinute, kNow).ok());
  // 1500 more that expire with it.
  Sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
      "INSERT INTO redeemed SELECT randomblob(32), (SELECT expires FROM redeemed) FROM n");

  const Time last_remembered = kNow + kMinute + 10 * kMinute;
  ASSERT_TRUE(store->Redeem(NonceOf(2), last_remembered + kMinute, last_remembered).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM redeemed"), "1502");
  EXPECT_EQ(store->Redeem(NonceOf(1), kNow + kMinute, last_remembered).code(), absl::StatusCode::kAlreadyExists);

  const Time forgotten = last_remembered + Duration{1};
  ASSERT_TRUE(store->Redeem(NonceOf(3), forgotten + kMinute, forgotten).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM redeemed"), "503");
  ASSERT_TRUE(store->Redeem(NonceOf(4), forgotten + kMinute, forgotten).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM redeemed"), "3");
}

TEST_F(SqliteStoreTest, AForgottenNonceIsNeverRedeemedAgain) {
  const auto store = Open();
  const Time expires = kNow + kMinute, much_later = kNow + 100 * kMinute;
  ASSERT_TRUE(store->Redeem(NonceOf(1), expires, kNow).ok());
  ASSERT_TRUE(store->Redeem(NonceOf(2), much_later + kMinute, much_later).ok());
  ASSERT_EQ(Sql("SELECT count(*) FROM redeemed"), "1");

  // Neither late nor by a clock that went back.
  for (const Time now : {much_later, kNow}) {
    const absl::Status status = store->Redeem(NonceOf(1), expires, now);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(MessageIn(status),
                AllOf(HasSubstr("2026-11-24T02:01:00Z"), HasSubstr("2026-11-24T03:30:00Z"), HasSubstr("ask for a new challenge")));
    EXPECT_EQ(MessageIn(status).find("6000 s behind 2026-11-24T03:40:00Z") != std::string::npos, now == kNow) << status;
    EXPECT_EQ(MessageIn(status).find("set the clock") != std::string::npos, now == kNow) << status;
  }
}

// What docs/operations.md says to do when the clock was ahead once: new challenges are answered again, and no old one is.
TEST_F(SqliteStoreTest, AClockThatWasAheadOnceIsForgotten) {
  const Duration ahead = 10 * 365 * 24 * 60 * kMinute;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Redeem(NonceOf(1), kNow + kMinute, kNow).ok());
    ASSERT_TRUE(store->Redeem(NonceOf(2), kNow + ahead + kMinute, kNow + ahead).ok());
    ASSERT_EQ(store->Redeem(NonceOf(3), kNow + 3 * kMinute, kNow + 2 * kMinute).code(), absl::StatusCode::kFailedPrecondition);
  }
  const std::string now = std::to_string((kNow + 2 * kMinute).time_since_epoch().count());
  Sql("UPDATE meta SET value = " + now + " + 120 WHERE name = 'refuse_before'; UPDATE meta SET value = " + now +
      " WHERE name = 'latest_time'");
  const auto store = Open();
  EXPECT_EQ(*store->LatestTime(), kNow + 2 * kMinute);
  EXPECT_TRUE(store->Redeem(NonceOf(4), kNow + 5 * kMinute, kNow + 4 * kMinute).ok());
  EXPECT_EQ(store->Redeem(NonceOf(1), kNow + kMinute, kNow + 4 * kMinute).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store->Redeem(NonceOf(2), kNow + ahead + kMinute, kNow + 4 * kMinute).code(), absl::StatusCode::kAlreadyExists);
}

// --- time ----------------------------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, LatestTimeNeverGoesBack) {
  auto store = Open();
  EXPECT_EQ(*store->LatestTime(), Time{});
  ASSERT_TRUE(store->Redeem(NonceOf(1), kNow + kMinute, kNow).ok());
  EXPECT_EQ(*store->LatestTime(), kNow);
  ASSERT_TRUE(store->Record(RecordOf(NewId(), kNow + Duration{5}), Evidence({})).ok());
  EXPECT_EQ(*store->LatestTime(), kNow + Duration{5});
  ASSERT_TRUE(store->Record(RecordOf(NewId(), kNow - Duration{5}), Evidence({})).ok());
  ASSERT_TRUE(store->Redeem(NonceOf(2), kNow + kMinute, kNow).ok());
  ASSERT_TRUE(store->Probe().ok());
  EXPECT_EQ(*store->LatestTime(), kNow + Duration{5});
  store.reset();
  EXPECT_EQ(*Open()->LatestTime(), kNow + Duration{5});
}

TEST_F(SqliteStoreTest, RefusedRedemptionsDoNotMoveTheLatestTime) {
  const auto store = Open();
  ASSERT_TRUE(store->Redeem(NonceOf(1), kNow + kMinute, kNow).ok());
  EXPECT_FALSE(store->Redeem(NonceOf(1), kNow + kMinute, kNow + Duration{30}).ok());
  EXPECT_EQ(*store->LatestTime(), kNow);
}

// --- opening -------------------------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, CreatesFileAndDirectoryForItsOwnerOnly) {
  path_ = directory_ / "new" / "verdicts.db";
  const mode_t before = umask(0);
  const auto store = Open();
  umask(before);
  ASSERT_TRUE(store->Probe().ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat found;
    ASSERT_EQ(stat((path_ + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 07777, 0600U) << suffix;
  }
  struct stat found;
  ASSERT_EQ(stat((directory_ / "new").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0700U);
}

TEST_F(SqliteStoreTest, MarksTheFileAsItsOwn) {
  Open();
  EXPECT_EQ(Sql("PRAGMA application_id"), "1098085241");
  EXPECT_EQ(Sql("PRAGMA user_version"), "5");
  EXPECT_EQ(Sql("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(Sql("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%STRICT%' AND name NOT LIKE 'sqlite_%'"), "0");
}

TEST_F(SqliteStoreTest, NamesThatSqliteTakesForSomethingElseAreFiles) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory_);
  for (const char* name : {":memory:", "file:x?mode=memory", "plain.db"}) {
    path_ = name;
    EXPECT_NE(Open(), nullptr);
    EXPECT_TRUE(std::filesystem::file_size(directory_ / name) > 0) << name;
  }
  std::filesystem::current_path(before);
}

struct UnfitFile {
  const char* what;
  bool ours;
  const char* message;
  std::function<void(const std::string& path, const std::function<void(const std::string& sql)>& sql)> make;
};

TEST_F(SqliteStoreTest, RefusesFilesThatAreNotItsOwnAndLeavesThemAlone) {
  const auto write = [](const std::string& content) {
    return [content](const std::string& path, const auto&) { std::ofstream(path, std::ios::binary) << content; };
  };
  const auto sql = [](const std::string& text) { return [text](const std::string&, const auto& run) { run(text); }; };
  const UnfitFile cases[] = {
      {"short text", false, "not a SQLite database", write("hello")},
      {"long text", false, "not a SQLite database", write(std::string(100'000, 'x'))},
      {"nearly the magic", false, "not a SQLite database", write("SQLite format 4" + std::string(8192, '\0'))},
      {"another program's mark", false, "another program (application_id 7,", sql("PRAGMA application_id = 7")},
      {"another program's tables", false, "another program (application_id 0,", sql("CREATE TABLE t (a)")},
      {"a newer schema", true, "schema version 6, and this program knows versions up to 5",
       sql("PRAGMA application_id = 1098085241; PRAGMA user_version = 6")},
      {"no schema version", true, "schema version -1", sql("PRAGMA application_id = 1098085241; PRAGMA user_version = -1")},
  };
  for (const UnfitFile& c : cases) {
    SCOPED_TRACE(c.what);
    std::filesystem::remove(path_);
    c.make(path_, [this](const std::string& text) { Sql(text); });
    const std::string before = ReadFile();
    const auto store = OpenSqliteStore(path_);
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition) << store.status();
    EXPECT_THAT(MessageIn(store.status()), AllOf(HasSubstr(path_), HasSubstr(c.message)));
    if (!c.ours) { EXPECT_EQ(ReadFile(), before); }
  }
}

TEST_F(SqliteStoreTest, RefusesPathsThatCannotBeAFile) {
  const std::string deep = directory_ / "no" / "such" / "verdicts.db";
  const struct {
    std::string path;
    absl::StatusCode code;
  } cases[] = {
      {"", absl::StatusCode::kInvalidArgument},
      {path_ + std::string("\0.txt", 5), absl::StatusCode::kInvalidArgument},
      {directory_, absl::StatusCode::kFailedPrecondition},
      {"/dev/null", absl::StatusCode::kFailedPrecondition},
      {deep, absl::StatusCode::kUnavailable},
  };
  for (const auto& c : cases) {
    const auto store = OpenSqliteStore(c.path);
    ASSERT_FALSE(store.ok()) << c.path;
    EXPECT_EQ(store.status().code(), c.code) << store.status();
  }
}

// Root may write anywhere, so the tests below do without it for a moment.
class AsNobody {
 public:
  AsNobody() {
    if (was_root_ && seteuid(65534) != 0) std::abort();
  }
  ~AsNobody() {
    if (was_root_ && seteuid(0) != 0) std::abort();
  }

 private:
  const bool was_root_ = geteuid() == 0;
};

TEST_F(SqliteStoreTest, ReadOnlyDirectoryIsUnavailable) {
  std::filesystem::permissions(directory_, std::filesystem::perms(0555));
  absl::Status status;
  {
    const AsNobody nobody;
    status = OpenSqliteStore(path_).status();
  }
  std::filesystem::permissions(directory_, std::filesystem::perms(0700));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(MessageIn(status), AllOf(HasSubstr(path_), HasSubstr("create"), HasSubstr("let this user write")));
}

TEST_F(SqliteStoreTest, ReadOnlyFileIsUnavailable) {
  Open();
  std::filesystem::permissions(path_, std::filesystem::perms(0444));
  std::filesystem::permissions(directory_, std::filesystem::perms(0777));
  absl::Status status;
  {
    const AsNobody nobody;
    status = OpenSqliteStore(path_).status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(MessageIn(status), AllOf(HasSubstr(path_), HasSubstr("let this user read and write")));
}

// --- trouble while running -----------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, FullDiskIsUnavailableAndStoresNothingByHalves) {
  SqliteStoreOptions options;
  options.max_bytes = 64 * 4096;
  const auto store = Open(options);
  const std::string kept = NewId();
  ASSERT_TRUE(store->Record(RecordOf(kept), Evidence({})).ok());

  const std::string refused = NewId();
  const Bytes small = {1, 2, 3}, large(1'000'000, 7);
  const absl::Status status = store->Record(RecordOf(refused, kNow + kMinute), Evidence({small, large}));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(MessageIn(status),
              AllOf(HasSubstr(path_), HasSubstr("record verdict " + refused), HasSubstr("full"), HasSubstr("free disk space")));
  EXPECT_EQ(store->Get(refused).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store->GetBlob(crypto::Sha256(small)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*store->LatestTime(), kNow);

  // What fits is stored again, and what was stored is there.
  EXPECT_TRUE(store->Record(RecordOf(NewId()), Evidence({small})).ok());
  EXPECT_TRUE(store->Get(kept).ok());
}

TEST_F(SqliteStoreTest, RedeemingOnAFullDiskFailsUntilThereIsSpace) {
  SqliteStoreOptions options;
  options.max_bytes = 56 * 4096;
  const auto store = Open(options);
  absl::Status status;
  std::uint64_t number = 0;
  while (number < 10'000 && (status = store->Redeem(NonceOf(number), kNow + kMinute, kNow)).ok()) ++number;
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(Sql("SELECT count(*) FROM redeemed"), std::to_string(number));
}

TEST_F(SqliteStoreTest, ALockThatAnotherProcessKeepsIsUnavailable) {
  SqliteStoreOptions options;
  options.busy_timeout = std::chrono::milliseconds{1};
  const auto store = Open(options);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  for (const absl::Status& status :
       {store->Redeem(NonceOf(1), kNow + kMinute, kNow), store->Record(RecordOf(NewId()), Evidence({})), store->Probe()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(MessageIn(status), AllOf(HasSubstr("locked"), HasSubstr("another process")));
  }
  EXPECT_TRUE(store->LatestTime().ok());  // reading goes on
  sqlite3_close(other);
  EXPECT_TRUE(store->Probe().ok());
  EXPECT_TRUE(store->Redeem(NonceOf(1), kNow + kMinute, kNow).ok());
}

TEST_F(SqliteStoreTest, OneStoreServesManyThreads) {
  const auto store = Open();
  constexpr std::uint64_t kThreads = 4, kEach = 10;
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const std::string id = NewId();
        const Bytes blob = NonceOf(t * kEach + i);
        if (!store->Redeem(blob, kNow + kMinute, kNow).ok() || !store->Record(RecordOf(id), Evidence({blob})).ok() ||
            !store->Get(id).ok() || !store->GetBlob(crypto::Sha256(blob)).ok()) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Sql("SELECT count(*) FROM verdict"), std::to_string(kThreads * kEach));
}

// --- sudden death --------------------------------------------------------------------------------------------------

// Redeems a nonce and records a verdict, again and again, and writes each verdict's id to the pipe once both are
// acknowledged. Ends by SIGKILL only.
[[noreturn]] void RecordForever(const std::string& path, int pipe) {
  const auto store = OpenSqliteStore(path);
  if (!store.ok()) _exit(1);
  SystemRandom random;
  while (true) {
    const std::string id = NewVerdictId(kNow, random);
    const crypto::Sha256Digest nonce = crypto::Sha256(AsBytes(id));
    if (!(*store)->Redeem(nonce, kNow + kMinute, kNow).ok()) _exit(2);
    if (!(*store)->Record(RecordOf(id), Evidence({AsBytes(id)})).ok()) _exit(3);
    if (write(pipe, id.data(), id.size()) != static_cast<ssize_t>(id.size())) _exit(4);
  }
}

TEST_F(SqliteStoreTest, NothingAcknowledgedIsLostWhenTheProcessIsKilled) {
  std::vector<std::string> acknowledged;
  for (const int enough : {1, 7, 30}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      RecordForever(path_, ends[1]);
    }
    close(ends[1]);
    // Killed at some point of the transaction after `enough` ids; what it acknowledged until then is still in the pipe.
    std::string id(26, '\0');
    for (int count = 1; read(ends[0], id.data(), id.size()) == 26; ++count) {
      acknowledged.push_back(id);
      if (count == enough) kill(child, SIGKILL);
    }
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);

    const auto store = Open();
    ASSERT_NE(store, nullptr);
    for (const std::string& known : acknowledged) {
      EXPECT_TRUE(store->Get(known).ok()) << store->Get(known).status();
      EXPECT_TRUE(store->GetBlob(crypto::Sha256(AsBytes(known))).ok());
      EXPECT_EQ(store->Redeem(crypto::Sha256(AsBytes(known)), kNow + kMinute, kNow).code(), absl::StatusCode::kAlreadyExists);
    }
  }
  EXPECT_GE(acknowledged.size(), 38U);
  EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace assay::store

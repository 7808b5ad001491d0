#include "store/collateral_store.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/strings.h"
#include "store/database_care.h"
#include "store/sqlite_schema.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using trust::Channel;
using trust::CollateralSource;

const Time kNow = *ParseTime("2026-11-24T02:00:00Z");
const trust::CollateralKey kCrl{"intel.pck_crl", "platform", ""}, kInfo{"intel.tcb_info", "TDX", "00806f050000"},
    kVcek{"amd.vcek", "Milan", "ab/cd"};

KeptDocument Document(const trust::CollateralKey& key, std::uint64_t number, Bytes body = {1, 2, 3}) {
  return {.key = key,
          .body = std::move(body),
          .obtained = kNow,
          .number = number,
          .issued = kNow - Duration(100),
          .next_update = kNow + Duration(86400)};
}
trust::Floor FloorOf(const trust::CollateralKey& series, std::uint64_t number, Time issued = kNow - Duration(100),
                     Channel channel = Channel::kStandard) {
  return {{series, number, issued}, channel};
}

class CollateralStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-collateral-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string File(std::string_view name = "a.db") const { return (directory_ / name).string(); }
  std::unique_ptr<CollateralStore> Open(std::string_view name = "a.db") {
    auto store = OpenSqliteCollateral(File(name));
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  std::string Sql(const std::string& sql, std::string_view name = "a.db") {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(File(name).c_str(), &database), SQLITE_OK);
    std::string first;
    char* error = nullptr;
    const auto keep_first = [](void* to, int, char** values, char**) {
      auto& text = *static_cast<std::string*>(to);
      if (text.empty() && values[0] != nullptr) text = values[0];
      return 0;
    };
    const int code = sqlite3_exec(database, sql.c_str(), keep_first, &first, &error);
    if (code != SQLITE_OK) first = error;
    sqlite3_free(error);
    sqlite3_close(database);
    return first;
  }
  std::filesystem::path directory_;
};

std::uint64_t FloorIn(CollateralStore& store, const trust::CollateralKey& series, Channel channel = Channel::kStandard) {
  const auto floors = store.LoadFloors();
  const trust::Floor* floor = floors.ok() ? trust::FindFloor(*floors, series, channel) : nullptr;
  return floor == nullptr ? 0 : floor->edition.number;
}
std::vector<CollateralState> ListOf(CollateralStore& store, const std::string& filter = "") {
  const auto page = store.List({.filter = filter});
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? page->elements : std::vector<CollateralState>();
}

TEST_F(CollateralStoreTest, WhatWasPutIsThereAfterReopening) {
  KeptDocument early = Document(kInfo, 20, {4, 5});
  early.channel = Channel::kEarly;
  early.source = CollateralSource::kImport;
  {
    const auto store = Open();
    ASSERT_TRUE(store->Put(Document(kInfo, 19)).ok());
    ASSERT_TRUE(store->Put(early).ok());
    ASSERT_TRUE(store->Put({.key = kVcek, .body = {7}, .obtained = kNow}).ok());
  }
  const auto store = Open();
  const auto found = store->Find(kInfo);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ(found->at(0).body, (Bytes{1, 2, 3}));
  EXPECT_EQ(found->at(0).number, 19u);
  EXPECT_EQ(found->at(0).next_update, kNow + Duration(86400));
  EXPECT_EQ(found->at(1).channel, Channel::kEarly);
  EXPECT_EQ(found->at(1).source, CollateralSource::kImport);
  const std::string_view leaves[] = {"amd.vcek", "intel.pck"};
  EXPECT_EQ(store->Load(leaves)->size(), 2u);
  const auto all = store->Load({});
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->back().key, kVcek);
  EXPECT_EQ(all->back().number, std::nullopt);
  EXPECT_EQ(all->back().issued, std::nullopt);
}

TEST_F(CollateralStoreTest, ADocumentReplacesTheFormerOfItsKeyAndChannelAndBodiesAreKeptByContent) {
  const auto store = Open();
  ASSERT_TRUE(store->Put(Document(kInfo, 19)).ok());
  ASSERT_TRUE(store->Put(Document(kCrl, 7)).ok());  // the same bytes
  EXPECT_EQ(Sql("SELECT count(*) FROM collateral_body"), "1");
  ASSERT_TRUE(store->Put(Document(kInfo, 20, {9})).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM collateral_body"), "2") << "the list still has the former bytes";
  ASSERT_TRUE(store->Put(Document(kCrl, 8, {9})).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM collateral_body"), "1") << "nobody has them any more";
  EXPECT_EQ(store->Find(kInfo)->at(0).body, Bytes{9});
}

TEST_F(CollateralStoreTest, AFailureStandsBesideTheDocumentUntilItIsGotAgain) {
  const auto store = Open();
  ASSERT_TRUE(store->NoteFailure(kCrl, Channel::kStandard, "HTTP 503", kNow).ok());
  std::vector<CollateralState> list = ListOf(*store);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].sha256, std::nullopt) << "never got";
  EXPECT_EQ(list[0].failure, "HTTP 503");
  EXPECT_THAT(*store->Find(kCrl), IsEmpty());
  ASSERT_TRUE(store->Put(Document(kCrl, 7)).ok());
  EXPECT_EQ(ListOf(*store)[0].failed, std::nullopt);
  ASSERT_TRUE(store->NoteFailure(kCrl, Channel::kStandard, "HTTP 429\x1b[31m", kNow).ok());
  list = ListOf(*store);
  EXPECT_EQ(list[0].failed, kNow);
  EXPECT_EQ(list[0].number, 7u) << "what is kept stays";
  EXPECT_EQ(list[0].failure.find('\x1b'), std::string::npos);
}

// Whoever names documents that there are none of fills no disk, and pushes out nothing that was ever got, nor what failed lately.
TEST_F(CollateralStoreTest, FailuresOfWhatWasNeverGotAreBounded) {
  const auto store = Open();
  ASSERT_TRUE(store->Put(Document(kInfo, 19)).ok());
  ASSERT_TRUE(store->NoteFailure(kInfo, Channel::kStandard, "HTTP 503", kNow - Duration(86400)).ok());
  Sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO collateral (kind, scope, detail, channel, "
      "failed_at, failure) SELECT 'intel.tcb_info', 'TDX', 'invented ' || i, 'standard', i, 'HTTP 404' FROM n");
  ASSERT_EQ(Sql("SELECT count(*) FROM collateral WHERE sha256 IS NULL"), "1500");
  ASSERT_TRUE(store->NoteFailure(kCrl, Channel::kStandard, "HTTP 503", kNow).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM collateral WHERE sha256 IS NULL"), "1000");
  EXPECT_EQ(Sql("SELECT min(failed_at) FROM collateral WHERE sha256 IS NULL"), "502") << "the oldest go";
  EXPECT_EQ(ListOf(*store, "kind = intel.pck_crl").size(), 1U);
  EXPECT_EQ(store->Find(kInfo)->size(), 1U) << "older, and got";
}

TEST_F(CollateralStoreTest, ListsGoPageByPageAndAreFiltered) {
  const auto store = Open();
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(store->Put({.key = {"amd.vcek", "Milan", std::to_string(i)}, .body = {1}, .obtained = kNow}).ok());
  }
  ASSERT_TRUE(store->Put(Document(kCrl, 7)).ok());
  PageRequest request{.size = 3};
  std::vector<std::string> details;
  do {
    const auto page = store->List(request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const CollateralState& state : page->elements) details.push_back(state.key.detail);
    request.after = page->next;
  } while (request.after != 0);
  EXPECT_THAT(details, ElementsAre("0", "1", "2", "3", "4", "5", "6", ""));
  EXPECT_EQ(ListOf(*store, "kind = intel.pck_crl AND next_update > 2026-11-24T00:00:00Z").size(), 1u);
  EXPECT_EQ(ListOf(*store, "failed = true").size(), 0u);
  EXPECT_EQ(store->List({.filter = "body = 1"}).status().code(), absl::StatusCode::kInvalidArgument);
}

// --- what never goes back -------------------------------------------------------------------------------------------

TEST_F(CollateralStoreTest, AFloorOnlyRisesWhoeverAsks) {
  const auto a = Open(), b = Open();
  ASSERT_TRUE(a->RaiseFloors(std::vector{FloorOf(kInfo, 19), FloorOf(kInfo, 25, kNow, Channel::kEarly)}).ok());
  ASSERT_TRUE(b->RaiseFloors(std::vector{FloorOf(kInfo, 18, kNow + Duration(9))}).ok());
  EXPECT_EQ(FloorIn(*a, kInfo), 19u);
  EXPECT_EQ(FloorIn(*a, kInfo, Channel::kEarly), 25u) << "channels apart";
  ASSERT_TRUE(b->RaiseFloors(std::vector{FloorOf(kInfo, 19, kNow)}).ok());
  EXPECT_EQ(a->LoadFloors()->at(0).edition.issued, kNow) << "of one number the later";
  ASSERT_TRUE(b->RaiseFloors(std::vector{FloorOf(kInfo, 0xFFFFFFFFFFFFFFFFu)}).ok());
  ASSERT_TRUE(a->RaiseFloors(std::vector{FloorOf(kInfo, 0x7FFFFFFFFFFFFFFFu)}).ok());
  EXPECT_EQ(FloorIn(*a, kInfo), 0xFFFFFFFFFFFFFFFFu) << "compared without a sign";
  EXPECT_THAT(Sql("UPDATE floor SET number = x'0000000000000001' WHERE channel = 'standard'"), HasSubstr("a floor never falls"));
}

TEST_F(CollateralStoreTest, ManyWritersLeaveTheHighest) {
  std::vector<std::thread> writers;
  Open();
  for (std::uint64_t t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      const auto store = Open();
      for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(store->RaiseFloors(std::vector{FloorOf(kCrl, (i * 7 + t * 31) % 80 + 1)}).ok());
    });
  }
  std::uint64_t highest = 0;
  for (std::uint64_t t = 0; t < 4; ++t) {
    for (std::uint64_t i = 0; i < 20; ++i) highest = std::max(highest, (i * 7 + t * 31) % 80 + 1);
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(FloorIn(*Open(), kCrl), highest);
}

TEST_F(CollateralStoreTest, ADocumentBelowItsFloorIsNotKept) {
  const auto store = Open();
  ASSERT_TRUE(store->Put(Document(kCrl, 7)).ok());
  ASSERT_TRUE(store->RaiseFloors(std::vector{FloorOf(kCrl, 8)}).ok());
  const absl::Status refused = store->Put(Document(kCrl, 7, {66}));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(MessageOf(refused)), HasSubstr("expected at least number 8"));
  EXPECT_EQ(Sql("SELECT count(*) FROM collateral_body"), "1") << "not even its bytes";
  KeptDocument earlier = Document(kCrl, 8);
  earlier.issued = kNow - Duration(101);
  EXPECT_EQ(store->Put(earlier).code(), absl::StatusCode::kFailedPrecondition) << "the same number, issued before";
  EXPECT_TRUE(store->Put(Document(kCrl, 8)).ok());
  KeptDocument early = Document(kCrl, 1);
  early.channel = Channel::kEarly;
  EXPECT_TRUE(store->Put(early).ok()) << "another channel";
}

TEST_F(CollateralStoreTest, SeveralArePutTogetherOrNotAtAllButWhatIsOlderThanItsFloor) {
  const auto store = Open();
  ASSERT_TRUE(store->RaiseFloors(std::vector{FloorOf(kCrl, 9)}).ok());
  ASSERT_TRUE(store->PutAll(std::vector{Document(kCrl, 8, {1}), Document(kInfo, 5, {2})}).ok());
  EXPECT_THAT(*store->Find(kCrl), IsEmpty());
  EXPECT_EQ(store->Find(kInfo)->size(), 1u);
  EXPECT_EQ(store->PutAll(std::vector{Document(kVcek, 1, {3}), Document({"", "", ""}, 1)}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(*store->Find(kVcek), IsEmpty());
}

TEST_F(CollateralStoreTest, KeysAreText) {
  const auto store = Open();
  EXPECT_EQ(store->Put({.key = {"", "", ""}, .body = {1}, .obtained = kNow}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store->Put({.key = {"amd.crl", "Milan\x01", ""}, .body = {1}, .obtained = kNow}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store->NoteFailure({"a\x1b", "", ""}, Channel::kStandard, "", kNow).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store->RaiseFloors(std::vector{FloorOf({"", "x", ""}, 1)}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(ListOf(*store), IsEmpty());
}

// --- bundles --------------------------------------------------------------------------------------------------------

ImportedBundle BundleOf(std::int64_t number, std::uint8_t content = 1, std::string key_id = "k1") {
  return {.key_id = std::move(key_id), .number = number, .sha256 = crypto::Sha256(Bytes{content}), .at = kNow, .by = "spiffe://x/admin"};
}

TEST_F(CollateralStoreTest, ABundleIsImportedOnceAndNoneBehindIt) {
  const auto store = Open();
  const std::vector documents{Document(kCrl, 7)};
  const std::vector floors{FloorOf(kCrl, 7)};
  EXPECT_EQ(*store->Import(BundleOf(100), documents, floors), 1);
  EXPECT_EQ(FloorIn(*store, kCrl), 7u);
  EXPECT_EQ(store->Import(BundleOf(100), documents, floors).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(store->Import(BundleOf(100, 2), documents, floors).status().code(), absl::StatusCode::kFailedPrecondition)
      << "another under its number";
  const auto older = store->Import(BundleOf(99), std::vector{Document(kInfo, 5)}, std::vector{FloorOf(kInfo, 5)});
  EXPECT_EQ(older.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(MessageOf(older.status())), HasSubstr("expected a number above 100"));
  EXPECT_EQ(FloorIn(*store, kInfo), 0u) << "nothing of it";
  EXPECT_TRUE(store->Import(BundleOf(1, 1, "k2"), {}, {}).ok()) << "each key counts for itself";
  EXPECT_EQ(store->Imports()->size(), 2u);
  EXPECT_EQ(store->Imports()->at(0).number, 100);
  EXPECT_EQ(store->Imports()->at(0).by, "spiffe://x/admin");
}

TEST_F(CollateralStoreTest, WhatIsOlderThanAFloorStaysOutOfABundleAndTheRestComesIn) {
  const auto store = Open();
  ASSERT_TRUE(store->RaiseFloors(std::vector{FloorOf(kCrl, 9)}).ok());
  EXPECT_EQ(*store->Import(BundleOf(1), std::vector{Document(kCrl, 7), Document(kInfo, 5, {8})}, std::vector{FloorOf(kCrl, 7)}), 1);
  EXPECT_EQ(FloorIn(*store, kCrl), 9u);
  EXPECT_THAT(*store->Find(kCrl), IsEmpty());
  EXPECT_EQ(store->Find(kInfo)->size(), 1u);
}

TEST_F(CollateralStoreTest, ABundleWithOneBadKeyIsNotImportedAtAll) {
  const auto store = Open();
  EXPECT_EQ(store->Import(BundleOf(1), std::vector{Document(kInfo, 5), Document({"", "", ""}, 5)}, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(ListOf(*store), IsEmpty());
  EXPECT_THAT(*store->Imports(), IsEmpty());
}

TEST_F(CollateralStoreTest, NumbersOfBundlesRise) {
  const auto store = Open();
  const std::int64_t now = kNow.time_since_epoch().count();
  EXPECT_EQ(*store->NextBundleNumber(kNow), now);
  EXPECT_EQ(*store->NextBundleNumber(kNow), now + 1);
  EXPECT_EQ(*store->NextBundleNumber(kNow - Duration(500)), now + 2) << "whatever the clock says";
  EXPECT_EQ(*store->NextBundleNumber(kNow + Duration(500)), now + 500);
}

// --- what survives --------------------------------------------------------------------------------------------------

TEST_F(CollateralStoreTest, WhatWasAnsweredSurvivesKill9) {
  Open();
  int answers[2];
  ASSERT_EQ(pipe(answers), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = OpenSqliteCollateral(File());
    for (std::uint64_t number = 1; store.ok(); ++number) {
      if (!(*store)->Put(Document(kCrl, number, {static_cast<std::uint8_t>(number)})).ok() ||
          !(*store)->RaiseFloors(std::vector{FloorOf(kCrl, number)}).ok()) {
        break;
      }
      if (write(answers[1], &number, sizeof(number)) != sizeof(number)) break;
    }
    _exit(1);
  }
  close(answers[1]);
  std::uint64_t answered = 0;
  for (int i = 0; i < 25; ++i) ASSERT_EQ(read(answers[0], &answered, sizeof(answered)), static_cast<ssize_t>(sizeof(answered)));
  kill(child, SIGKILL);
  while (read(answers[0], &answered, sizeof(answered)) == sizeof(answered)) {}
  close(answers[0]);
  waitpid(child, nullptr, 0);
  const auto store = Open();
  EXPECT_GE(FloorIn(*store, kCrl), answered);
  ASSERT_EQ(store->Find(kCrl)->size(), 1u);
  EXPECT_GE(store->Find(kCrl)->at(0).number, answered);
  EXPECT_THAT(*CheckDatabase(File()), IsEmpty());
}

TEST_F(CollateralStoreTest, ABackupHasItAndARestoreNeverLowersAFloor) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->Put(Document(kCrl, 7)).ok());
    ASSERT_TRUE(store->Put(Document(kInfo, 3, {5})).ok());
    ASSERT_TRUE(store->RaiseFloors(std::vector{FloorOf(kCrl, 7), FloorOf(kInfo, 3)}).ok());
    ASSERT_TRUE(store->Import(BundleOf(10), {}, {}).ok());
    ASSERT_TRUE(BackUpDatabase(File(), File("b.db")).ok());
    ASSERT_TRUE(store->Put(Document(kCrl, 8, {6})).ok());
    ASSERT_TRUE(store->RaiseFloors(std::vector{FloorOf(kCrl, 8)}).ok());
    ASSERT_TRUE(store->Import(BundleOf(11), {}, {}).ok());
    ASSERT_TRUE(store->NextBundleNumber(kNow).ok());
  }
  EXPECT_EQ(FloorIn(*Open("b.db"), kCrl), 7u);
  const auto restored = RestoreDatabase(File(), File("b.db"), kNow);
  ASSERT_TRUE(restored.ok()) << restored.status();
  const auto store = Open();
  EXPECT_EQ(FloorIn(*store, kCrl), 8u);
  EXPECT_EQ(FloorIn(*store, kInfo), 3u);
  EXPECT_THAT(*store->Find(kCrl), IsEmpty()) << "the list of the backup is older than what was had since";
  EXPECT_EQ(store->Find(kInfo)->size(), 1u);
  EXPECT_EQ(store->Import(BundleOf(11), {}, {}).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_GT(*store->NextBundleNumber(kNow), kNow.time_since_epoch().count());
  EXPECT_THAT(*CheckDatabase(File()), IsEmpty());
}

TEST_F(CollateralStoreTest, TheCheckFindsWhatIsWrong) {
  const auto fresh = [&](const std::string& damage) {
    for (const std::string_view suffix : {"", "-wal", "-shm"}) std::filesystem::remove(File(Cat("a.db", suffix)));
    const auto store = Open();
    EXPECT_TRUE(store->Put(Document(kCrl, 7)).ok());
    EXPECT_TRUE(store->RaiseFloors(std::vector{FloorOf(kCrl, 7)}).ok());
    EXPECT_THAT(*CheckDatabase(File()), IsEmpty());
    EXPECT_EQ(Sql(damage), "");
    return Join(*CheckDatabase(File()), "\n");
  };
  EXPECT_THAT(fresh("UPDATE collateral_body SET body = x'00'"), HasSubstr("its bytes do not have this digest"));
  EXPECT_THAT(fresh("UPDATE collateral SET number = x'0000000000000006'"),
              HasSubstr("intel.pck_crl/platform/, standard: it is older than its floor"));
  EXPECT_THAT(fresh("PRAGMA foreign_keys = OFF; DELETE FROM collateral_body"),
              HasSubstr("a row of collateral refers to one of collateral_body"));
  EXPECT_THAT(fresh("DELETE FROM meta WHERE name = 'bundle_number'"), HasSubstr("'bundle_number' is missing"));
}

TEST_F(CollateralStoreTest, DamagedBytesAreNotHandedOut) {
  const auto store = Open();
  ASSERT_TRUE(store->Put(Document(kCrl, 7)).ok());
  ASSERT_EQ(Sql("UPDATE collateral_body SET body = x'00'"), "");
  EXPECT_EQ(store->Find(kCrl).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->Load({}).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(CollateralStoreTest, ADatabaseOfVersion3IsTakenOver) {
  SystemRandom random;
  v1::VerdictRecord record;
  record.set_id(NewVerdictId(kNow, random));
  record.mutable_recorded_at()->set_seconds(kNow.time_since_epoch().count());
  {
    auto now = OpenSqliteStore(File("now.db"));
    ASSERT_TRUE((*now)->Record(record, {}).ok());
  }
  {
    const SqliteDatabase::Schema version3{kSchema.application_id, kSchema.migrations.first(3)};
    auto old = SqliteDatabase::Open(File(), version3, {std::chrono::milliseconds(1000), 0});
    ASSERT_TRUE(old.ok()) << old.status();
    const std::string copy =
        Cat("ATTACH DATABASE '", File("now.db"),
            "' AS now; INSERT INTO main.verdict SELECT * FROM now.verdict; UPDATE meta SET value = 77 WHERE name = 'events_purged'");
    ASSERT_TRUE((*old)->Execute(copy.c_str(), "make an old database").ok());
  }
  ASSERT_EQ(Sql("PRAGMA user_version"), "3");
  const auto store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Sql("PRAGMA user_version"), "5");
  EXPECT_EQ(Sql("SELECT value FROM meta WHERE name = 'events_purged'"), "77");
  EXPECT_TRUE(store->Put(Document(kCrl, 7)).ok());
  auto verdicts = OpenSqliteStore(File());
  EXPECT_EQ((*verdicts)->Get(record.id())->SerializeAsString(), record.SerializeAsString());
  EXPECT_THAT((*verdicts)->ListFlips({})->elements, IsEmpty());
  EXPECT_THAT(*CheckDatabase(File()), IsEmpty());
}

}  // namespace
}  // namespace assay::store

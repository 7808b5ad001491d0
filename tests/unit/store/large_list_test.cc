// Lists of a large store: every page is a page, whatever the filter, and nothing is sorted or gathered to make it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>

#include "base/random.h"
#include "base/strings.h"
#include "store/sqlite_store.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRows = 20'000;

// What the connections of this process are asked, from Start on.
class Statements {
 public:
  static void Start() {
    std::call_once(started_, [] { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&Attach)); });
    Take();
  }
  static std::vector<std::string> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
  }

 private:
  static int Attach(sqlite3* connection, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, &Note, nullptr);
  }
  static int Note(unsigned, void*, void*, void* sql) {
    const std::lock_guard lock(mutex_);
    asked_.emplace_back(static_cast<const char*>(sql));
    return 0;
  }
  static inline std::once_flag started_;
  static inline std::mutex mutex_;
  static inline std::vector<std::string> asked_;
};

class LargeListTest : public testing::Test {
 protected:
  LargeListTest() {
    std::string path = (std::filesystem::temp_directory_path() / "assay-large-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    path_ = (directory_ / "assay.db").string();
    Statements::Start();
    store_ = *OpenSqliteStore(path_);
    EXPECT_EQ(sqlite3_open(path_.c_str(), &database_), SQLITE_OK);
  }
  ~LargeListTest() override {
    sqlite3_close(database_);
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  // One verdict as the store records it, and copies of it that differ in what lists are filtered by.
  void Fill(int rows) {
    SystemRandom random;
    v1::VerdictRecord record;
    record.set_id(NewVerdictId(Time(Duration(1'800'000'000)), random));
    record.mutable_recorded_at()->set_seconds(1'800'000'000);
    record.mutable_appraisal()->set_verdict(v1::VERDICT_REJECTED);
    record.mutable_appraisal()->set_instance_identity(std::string(32, 'i'));
    record.mutable_context()->set_cluster("rare");
    ASSERT_TRUE(store_->Record(record, {}).ok());
    const std::string sql = Cat(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ", rows - 1,
        ") "
        "INSERT INTO verdict (id, recorded_at, attempt, cluster, role, name, verdict, platform, policy_set, policy, strength, reason, valid_until, identity, node_key, simulated, record) "
        "SELECT printf('0%025d', i), recorded_at + i, i % 7 = 0, 'common', 'worker', printf('n%d', i % 1000), 1 + i % 4, 'qemu_sev_snp', 's', 'p', 1, '', recorded_at + i + 600, "
        "randomblob(32), randomblob(32), 0, record FROM verdict, n WHERE seq = 1");
    ASSERT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database_);
  }
  std::string PlanOf(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database_, ("EXPLAIN QUERY PLAN " + sql).c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sql << sqlite3_errmsg(database_);
    std::string plan;
    while (sqlite3_step(statement) == SQLITE_ROW) plan += Cat(reinterpret_cast<const char*>(sqlite3_column_text(statement, 3)), "\n");
    sqlite3_finalize(statement);
    return plan;
  }
  // How SQLite goes about the list that `request` asks for.
  std::string PlanOfList(const PageRequest& request, bool nodes = false) {
    Statements::Take();
    if (nodes) EXPECT_TRUE(store_->ListNodes(request).ok()) << request.filter;
    else EXPECT_TRUE(store_->ListVerdicts(request).ok()) << request.filter;
    std::vector<std::string> asked = Statements::Take();
    std::erase_if(asked, [](const std::string& sql) { return !sql.starts_with("SELECT "); });
    EXPECT_EQ(asked.size(), 1u) << request.filter;
    return asked.empty() ? "" : PlanOf(asked.front());
  }

  std::filesystem::path directory_;
  std::string path_;
  std::unique_ptr<VerdictStore> store_;
  sqlite3* database_ = nullptr;
};

TEST_F(LargeListTest, EveryVerdictIsOnOnePageInBothOrders) {
  Fill(kRows);
  for (const bool newest_first : {false, true}) {
    std::set<std::int64_t> seen;
    PageRequest request{.newest_first = newest_first, .size = 999};
    do {
      const auto page = store_->ListVerdicts(request);
      ASSERT_TRUE(page.ok());
      ASSERT_LE(page->elements.size(), 999u);
      for (const v1::VerdictSummary& verdict : page->elements) EXPECT_TRUE(seen.insert(verdict.sequence()).second);
      request.after = page->next;
    } while (request.after != 0);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(kRows));
  }
}

TEST_F(LargeListTest, FiltersFindWhatTheyShouldHoweverTheyAreAsked) {
  Fill(kRows);
  const auto count = [&](const std::string& filter) {
    std::size_t found = 0;
    PageRequest request{.filter = filter, .size = 500};
    do {
      const auto page = store_->ListVerdicts(request);
      EXPECT_TRUE(page.ok()) << filter;
      if (!page.ok()) return found;
      found += page->elements.size();
      request.after = page->next;
    } while (request.after != 0);
    return found;
  };
  EXPECT_EQ(count("cluster = rare"), 1u);
  EXPECT_EQ(count("cluster = common"), kRows - 1u);
  EXPECT_EQ(count("name = n17"), 20u);
  EXPECT_EQ(count("name = n17 OR name = n18"), 40u);
  EXPECT_EQ(count("name = n17 OR cluster = rare"), 21u);
  EXPECT_EQ(count("verdict = TRUSTED OR verdict = REJECTED"), count("verdict = TRUSTED") + count("verdict = REJECTED"));
  EXPECT_EQ(count("platform = none"), 0u);
  EXPECT_EQ(count("NOT name = n17"), kRows - 20u);
}

// What a page costs must not grow with what it is taken from: neither sorted nor materialised, whatever is combined.
TEST_F(LargeListTest, NothingIsSortedOrGathered) {
  Fill(100);
  const std::vector<std::string> terms = {"attempt = true",
                                          "cluster = c",
                                          "id = x",
                                          "identity = 00",
                                          "name = n",
                                          "name = \"n*\"",
                                          "node_key = 00",
                                          "platform = p",
                                          "policy = p",
                                          "policy_set = s",
                                          "reason:r",
                                          "recorded_at > 2026-11-24T00:00:00Z",
                                          "recorded_at = 2026-11-24T00:00:00Z",
                                          "revoked = true",
                                          "role = r",
                                          "simulated = true",
                                          "strength = A",
                                          "valid_until < 2026-11-24T00:00:00Z",
                                          "verdict = REJECTED",
                                          "name != n"};
  std::vector<std::string> filters = {""};
  for (const std::string& term : terms) {
    filters.insert(filters.end(), {term, "NOT " + term});
    for (const std::string& other : terms) filters.insert(filters.end(), {Cat(term, " ", other), Cat(term, " OR ", other)});
  }
  for (const std::string& filter : filters) {
    for (const bool newest_first : {false, true}) {
      for (const std::int64_t after : {0, 50}) {
        const std::string plan = PlanOfList({.filter = filter, .newest_first = newest_first, .after = after});
        for (const char* bad : {"TEMP B-TREE", "MATERIALIZE", "LIST SUBQUERY", "MULTI-INDEX OR"}) {
          EXPECT_THAT(plan, Not(HasSubstr(bad))) << filter;
        }
      }
    }
  }
}

// What is looked for most, and what few rows have, is found by an index, in the order of the list; the rest is walked through.
TEST_F(LargeListTest, WhatOperatorsLookForHasAnIndex) {
  Fill(100);
  for (const char* filter :
       {"attempt = true", "cluster = c", "id = x", "identity = 00", "name = n", "node_key = 00", "platform = p", "revoked = true",
        "verdict = REJECTED", "cluster = c name = n", "recorded_at > 2026-11-24T00:00:00Z verdict = REJECTED",
        "cluster = c (verdict = REJECTED OR verdict = INDETERMINATE)"}) {
    for (const bool newest_first : {false, true}) {
      for (const std::int64_t after : {0, 50}) {
        EXPECT_THAT(PlanOfList({.filter = filter, .newest_first = newest_first, .after = after}), HasSubstr("SEARCH verdict USING INDEX "))
            << filter;
      }
    }
  }
  for (const char* filter : {"", "policy = p", "policy_set = s", "role = r", "simulated = true", "strength = A",
                             "valid_until < 2026-11-24T00:00:00Z", "reason:r"}) {
    EXPECT_THAT(PlanOfList({.filter = filter, .after = 50}), HasSubstr("SEARCH verdict USING INTEGER PRIMARY KEY")) << filter;
  }
}

TEST_F(LargeListTest, NodesAreWalkedInOrderToo) {
  for (const char* filter :
       {"", "cluster = c", "name = n", "cluster = c name = n", "cluster = c OR name = n", "verdict = REJECTED", "conflict = true"}) {
    for (const char* bad : {"TEMP B-TREE", "MATERIALIZE", "MULTI-INDEX OR"}) {
      EXPECT_THAT(PlanOfList({.filter = filter, .after = 1}, true), Not(HasSubstr(bad))) << filter;
    }
  }
}

}  // namespace
}  // namespace assay::store

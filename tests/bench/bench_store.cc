// What lists of a large store cost: bench_store [--rows N]
//
// A store of a million verdicts, copied from one that the store recorded itself, is paged through over the store's interface:
// the first, a middle and the last page in both orders and under filters, then all of it, with what memory grew by. Numbers for
// people; tests/unit/store/large_list_test.cc shows that nothing is sorted or gathered.
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/bug.h"
#include "base/random.h"
#include "base/strings.h"
#include "store/sqlite_store.h"
#include "store/verdict_id.h"

namespace assay {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point begin) { return std::chrono::duration<double, std::milli>(Clock::now() - begin).count(); }

std::size_t ResidentKiB() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

// Copies of one verdict that the store itself recorded: a thousand names, one in a thousand rejected, one row of its own cluster.
void Fill(const std::string& path, std::int64_t rows, int record_bytes) {
  {
    const auto store = store::OpenSqliteStore(path);
    ASSAY_CHECK(store.ok());
    SystemRandom random;
    v1::VerdictRecord record;
    record.set_id(store::NewVerdictId(Time(Duration(1'800'000'000)), random));
    record.mutable_recorded_at()->set_seconds(1'800'000'000);
    record.mutable_context()->set_cluster("rare");
    record.mutable_appraisal()->set_verdict(v1::VERDICT_TRUSTED);
    record.mutable_appraisal()->set_instance_identity(std::string(32, 'i'));
    record.add_policy_source_names(std::string(static_cast<std::size_t>(record_bytes), 'p'));
    ASSAY_CHECK((*store)->Record(record, {}).ok());
  }
  sqlite3* database = nullptr;
  ASSAY_CHECK(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  const std::string sql = Cat(
      "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ",
      rows - 1,
      ") "
      "INSERT INTO verdict (id, recorded_at, attempt, cluster, role, name, verdict, platform, policy_set, policy, strength, reason, valid_until, identity, node_key, simulated, record) "
      "SELECT printf('0%025d', i), recorded_at + i, 0, 'prod', 'worker', printf('n%d', i % 1000), iif(i % 1000 = 0, 3, 1), 'qemu_sev_snp', 's', 'p', 1, '', recorded_at + i + 600, "
      "randomblob(32), randomblob(32), 0, record FROM verdict, n WHERE seq = 1; PRAGMA wal_checkpoint(TRUNCATE)");
  ASSAY_CHECK(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

struct Timing {
  double median, worst;
};

Timing Measure(store::VerdictStore& store, const store::PageRequest& request) {
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) {
    const auto begin = Clock::now();
    ASSAY_CHECK(store.ListVerdicts(request).ok());
    times.push_back(MillisecondsSince(begin));
  }
  std::sort(times.begin(), times.end());
  return {times[4], times.back()};
}

int Run(std::int64_t rows, int record_bytes, const std::string& directory) {
  std::string path = Cat(directory, "/assay-bench-store-XXXXXX");
  ASSAY_CHECK(::mkdtemp(path.data()) != nullptr);
  const std::string file = path + "/assay.db";
  const auto filling = Clock::now();
  Fill(file, rows, record_bytes);
  std::printf("%lld verdicts with records of %d bytes, %.0f MiB, made in %.0f s\n\n", static_cast<long long>(rows), record_bytes,
              static_cast<double>(std::filesystem::file_size(file)) / 1048576.0, MillisecondsSince(filling) / 1000);
  {
    const auto opened = store::OpenSqliteStore(file);
    ASSAY_CHECK(opened.ok());
    store::VerdictStore& store = **opened;
    ASSAY_CHECK(store.ListVerdicts({}).ok());  // what a store costs whatever is in it
    const std::size_t before = ResidentKiB();
    std::printf("%-58s %10s %10s\n", "page of 100", "median ms", "worst ms");
    const auto row = [&](const std::string& name, const store::PageRequest& request) {
      const Timing timing = Measure(store, request);
      std::printf("%-58s %10.2f %10.2f\n", name.c_str(), timing.median, timing.worst);
    };
    for (const bool newest_first : {true, false}) {
      const std::string order = newest_first ? "newest first, " : "oldest first, ";
      row(order + "first page", {.newest_first = newest_first});
      row(order + "middle page", {.newest_first = newest_first, .after = rows / 2});
      row(order + "last page", {.newest_first = newest_first, .after = newest_first ? 101 : rows - 100});
    }
    for (const char* filter :
         {"name = n17", "cluster = prod", "cluster = rare", "verdict = REJECTED", "verdict = REJECTED OR verdict = INDETERMINATE",
          "revoked = true", "platform = none", "node_key = 00", "role = none", "reason:none", "valid_until < 2020-01-01T00:00:00Z"}) {
      row(filter, {.filter = filter, .newest_first = true});
    }
    row("largest page (1000)", {.newest_first = true, .size = 1000});
    const auto begin = Clock::now();
    std::int64_t seen = 0;
    store::PageRequest all{.size = 1000};
    do {
      const auto page = store.ListVerdicts(all);
      ASSAY_CHECK(page.ok());
      seen += static_cast<std::int64_t>(page->elements.size());
      all.after = page->next;
    } while (all.after != 0);
    std::printf("\nall %lld in pages of 1000: %.1f s; memory grew by %.1f MiB over all of the above\n", static_cast<long long>(seen),
                MillisecondsSince(begin) / 1000, (static_cast<double>(ResidentKiB()) - static_cast<double>(before)) / 1024);
  }
  std::filesystem::remove_all(path);
  return 0;
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) {
  CLI::App app("bench_store");
  std::int64_t rows = 1'000'000;
  int record_bytes = 1024;
  std::string directory = std::filesystem::temp_directory_path().string();
  app.add_option("--rows", rows, "verdicts in the store")->check(CLI::Range(std::int64_t{1000}, std::int64_t{100'000'000}));
  app.add_option("--record-bytes", record_bytes, "size of each record")->check(CLI::Range(1, 1'000'000));
  app.add_option("--directory", directory, "where the store is made, and removed");
  CLI11_PARSE(app, argc, argv);
  return assay::Run(rows, record_bytes, directory);
}

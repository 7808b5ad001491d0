// What is read of the database: records, blobs, and lists a page at a time, on a connection of its own that no writer waits
// for.
#pragma once

#include <mutex>

#include "store/filter.h"
#include "store/sqlite_enrolments.h"
#include "store/sqlite_nodes.h"
#include "store/verdict_store.h"

namespace assay::store {

// Columns of a verdict in short, and the message that they make; read from `first` on.
inline constexpr const char* kSummaryColumns =
    "verdict.seq, verdict.id, verdict.recorded_at, verdict.cluster, verdict.role, verdict.name, verdict.verdict, verdict.platform, verdict.policy_set, "
    "verdict.policy, verdict.strength, verdict.reason, verdict.valid_until, verdict.identity, verdict.node_key, verdict.simulated, verdict.attempt, "
    "verdict.revoked_at, verdict.revoked_by, verdict.revoked_because";
v1::VerdictSummary SummaryAt(const SqliteStatement::Run& run, int first);

absl::Status RefuseNonId(std::string_view id);

class SqliteReader {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteReader>> On(std::unique_ptr<SqliteDatabase> database);

  absl::StatusOr<appraisal::InstanceState> InstanceStateOf(const Candidate& candidate, Time now);
  absl::StatusOr<std::vector<appraisal::Denial>> Denials();
  absl::StatusOr<std::vector<appraisal::Enrolment>> EnrolmentsOf(const appraisal::TpmState& asked);
  absl::StatusOr<v1::VerdictRecord> Get(std::string_view id);
  absl::StatusOr<v1::VerdictSummary> GetSummary(std::string_view id);
  absl::StatusOr<Bytes> GetBlob(const crypto::Sha256Digest& sha256);
  absl::StatusOr<Page<v1::VerdictSummary>> ListVerdicts(const PageRequest& request);
  absl::StatusOr<Page<v1::Node>> ListNodes(const PageRequest& request);
  absl::StatusOr<Page<v1::Ban>> ListBans(const PageRequest& request);
  absl::StatusOr<Page<v1::EnrolledKey>> ListEnrolments(const PageRequest& request);
  absl::StatusOr<Page<v1::VerdictFlip>> ListFlips(const PageRequest& request);
  absl::StatusOr<Page<v1::VerdictEvent>> EventsAfter(std::int64_t after, const std::string& filter, int size);
  absl::StatusOr<NodeCounts> CountNodes(Time now);
  absl::StatusOr<std::vector<VerdictCount>> CountVerdicts(Time since);
  absl::StatusOr<std::int64_t> LatestEvent();
  absl::StatusOr<std::int64_t> LatestTime();
  std::int64_t SizeInBytes();

 private:
  explicit SqliteReader(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)) {}
  absl::StatusOr<std::int64_t> IntegerOf(SqliteStatement& statement, std::string_view operation);
  absl::StatusOr<std::string> InOrder(std::string_view table, const std::string& before, const std::string& behind);
  template <typename T>
  absl::StatusOr<Page<T>> List(const std::string& sql, const std::vector<SqlValue>& parameters, const PageRequest& request,
                               T (*at)(const SqliteStatement::Run&, int));

  std::mutex mutex_;  // guards everything below
  std::unique_ptr<SqliteDatabase> database_;
  SqliteNodes nodes_;
  SqliteEnrolments enrolments_;
  SqliteStatement select_verdict_, select_summary_, select_blob_, select_latest_time_, select_latest_event_, select_events_purged_,
      select_size_, count_nodes_, count_verdicts_;
};

}  // namespace assay::store

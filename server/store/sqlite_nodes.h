// Nodes, bans and events as rows: what a verdict means for its node.
//
// Promises: an attempt changes nothing here; a name is held by an instance from the first verdict that trusts it under that
// name, until that verdict ends, is revoked, or an operator releases it; an instance that asks for a second name while it
// holds one is in conflict until it is released, even if the first name ends meanwhile. The caller holds the transaction, and
// the connection.
#pragma once

#include "store/sqlite_database.h"
#include "store/verdict_store.h"

namespace assay::store {

class SqliteNodes {
 public:
  absl::Status Prepare(SqliteDatabase& database);

  absl::StatusOr<appraisal::InstanceState> InstanceStateOf(const Candidate& candidate, Time now);
  // Certificates and signed values that are banned, sorted by kind and value.
  absl::StatusOr<std::vector<appraisal::Denial>> Denials();
  // What the record, which is row `sequence` of the verdicts, means for its node. Its events are added.
  absl::Status Apply(const v1::VerdictRecord& record, std::int64_t sequence);
  absl::Status Revoked(const v1::VerdictSummary& verdict, const Act& act);
  absl::Status Flipped(const v1::VerdictSummary& verdict, v1::Verdict became, const Act& act);
  absl::StatusOr<v1::Node> Release(ByteView identity, const Act& act);
  absl::StatusOr<v1::Ban> Impose(v1::BanKind kind, std::string_view value, const Act& act);
  absl::StatusOr<v1::Ban> Lift(v1::BanKind kind, std::string_view value, const Act& act);

  absl::Status AddEvent(v1::EventKind kind, std::int64_t sequence, std::string_view target, const Act& act);

 private:
  absl::StatusOr<std::optional<v1::Ban>> FindBan(v1::BanKind kind, std::string_view value);
  absl::StatusOr<std::optional<v1::Node>> FindNode(ByteView identity);

  SqliteStatement find_node_, find_held_, upsert_node_, trust_node_, conflict_, release_, distrust_, flip_, find_ban_, find_denials_,
      count_denials_, insert_ban_, delete_ban_, insert_event_;
};

// Rows as messages. The columns are read from `first` on.
inline constexpr const char* kNodeColumns =
    "node.seq, node.identity, node.cluster, node.role, node.name, node.platform, node.node_key, node.first_seen, node.last_seen, node.verdict, "
    "node.verdict_id, node.simulated, node.trusted_until, node.conflict_at, node.conflict_cluster, node.conflict_role, node.conflict_name";
v1::Node NodeAt(const SqliteStatement::Run& run, int first);
inline constexpr const char* kBanColumns = "ban.seq, ban.kind, ban.value, ban.at, ban.by, ban.because";
v1::Ban BanAt(const SqliteStatement::Run& run, int first);

}  // namespace assay::store

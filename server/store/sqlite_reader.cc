#include "store/sqlite_reader.h"

#include <algorithm>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using absl::StatusCode;
using Values = std::pair<std::string_view, std::int64_t>;

absl::Status Error(StatusCode code, const std::string& text) { return absl::Status(code, ToAbsl(text)); }

constexpr Values kVerdicts[] = {{"TRUSTED", v1::VERDICT_TRUSTED},
                                {"TRUSTED_WITH_WARNINGS", v1::VERDICT_TRUSTED_WITH_WARNINGS},
                                {"REJECTED", v1::VERDICT_REJECTED},
                                {"INDETERMINATE", v1::VERDICT_INDETERMINATE}};
constexpr Values kStrengths[] = {{"A", v1::STRENGTH_A}, {"B", v1::STRENGTH_B}, {"C", v1::STRENGTH_C},
                                 {"D", v1::STRENGTH_D}, {"E", v1::STRENGTH_E}, {"none", v1::STRENGTH_UNSPECIFIED}};

// docs/operations.md lists both.
constexpr FilterField kVerdictFields[] = {
    {"attempt", FieldType::kBool, "verdict.attempt"},
    {"cluster", FieldType::kText, "verdict.cluster"},
    {"id", FieldType::kText, "verdict.id"},
    {"identity", FieldType::kHex, "verdict.identity"},
    {"name", FieldType::kText, "verdict.name"},
    {"node_key", FieldType::kHex, "verdict.node_key"},
    {"platform", FieldType::kText, "verdict.platform"},
    {"policy", FieldType::kText, "verdict.policy"},
    {"policy_set", FieldType::kText, "verdict.policy_set"},
    {"reason", FieldType::kHas,
     "EXISTS (SELECT 1 FROM verdict_reason WHERE verdict_reason.reason = ? AND verdict_reason.seq = verdict.seq)"},
    {"recorded_at", FieldType::kTime, "verdict.recorded_at"},
    {"revoked", FieldType::kBool, "(verdict.revoked_at > 0)"},
    {"role", FieldType::kText, "verdict.role"},
    {"simulated", FieldType::kBool, "verdict.simulated"},
    {"strength", FieldType::kEnum, "verdict.strength", kStrengths},
    {"valid_until", FieldType::kTime, "verdict.valid_until"},
    {"verdict", FieldType::kEnum, "verdict.verdict", kVerdicts},
};
constexpr FilterField kNodeFields[] = {
    {"cluster", FieldType::kText, "node.cluster"},
    {"conflict", FieldType::kBool, "(node.conflict_at > 0)"},
    {"first_seen", FieldType::kTime, "node.first_seen"},
    {"identity", FieldType::kHex, "node.identity"},
    {"last_seen", FieldType::kTime, "node.last_seen"},
    {"name", FieldType::kText, "node.name"},
    {"node_key", FieldType::kHex, "node.node_key"},
    {"platform", FieldType::kText, "node.platform"},
    {"role", FieldType::kText, "node.role"},
    {"simulated", FieldType::kBool, "node.simulated"},
    {"trusted_until", FieldType::kTime, "node.trusted_until"},
    {"verdict", FieldType::kEnum, "node.verdict", kVerdicts},
};

void BindAll(SqliteStatement::Run& run, const std::vector<SqlValue>& values) {
  for (const SqlValue& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) run.Bind(*number);
    else if (const auto* text = std::get_if<std::string>(&value)) run.Bind(std::string_view(*text));
    else run.Bind(ByteView(std::get<Bytes>(value)));
  }
}

std::int64_t SequenceOf(const v1::VerdictSummary& verdict) { return verdict.sequence(); }
std::int64_t SequenceOf(const v1::Node& node) { return node.sequence(); }
std::int64_t SequenceOf(const v1::VerdictFlip& flip) { return flip.sequence(); }

struct NumberedBan {
  v1::Ban ban;
  std::int64_t sequence;
};
std::int64_t SequenceOf(const NumberedBan& ban) { return ban.sequence; }

struct NumberedEnrolment {
  v1::EnrolledKey key;
  std::int64_t sequence;
};
std::int64_t SequenceOf(const NumberedEnrolment& enrolment) { return enrolment.sequence; }

}  // namespace

absl::Status RefuseNonId(std::string_view id) {
  if (IsVerdictId(id)) return absl::OkStatus();
  return Error(
      StatusCode::kInvalidArgument,
      Cat("\"", Printable(id, 64), "\" is no verdict id: 26 characters of 0-9 and A-Z without I, L, O and U, the first at most 7"));
}

v1::VerdictSummary SummaryAt(const SqliteStatement::Run& run, int first) {
  v1::VerdictSummary verdict;
  verdict.set_sequence(run.IntegerAt(first));
  verdict.set_id(run.TextAt(first + 1));
  verdict.mutable_recorded_at()->set_seconds(run.IntegerAt(first + 2));
  verdict.mutable_context()->set_cluster(run.TextAt(first + 3));
  verdict.mutable_context()->set_role(run.TextAt(first + 4));
  verdict.mutable_context()->set_name(run.TextAt(first + 5));
  verdict.set_verdict(static_cast<v1::Verdict>(run.IntegerAt(first + 6)));
  verdict.set_platform(run.TextAt(first + 7));
  verdict.set_policy_set(run.TextAt(first + 8));
  verdict.set_policy(run.TextAt(first + 9));
  verdict.set_strength(static_cast<v1::Strength>(run.IntegerAt(first + 10)));
  verdict.set_reason(run.TextAt(first + 11));
  if (const std::int64_t until = run.IntegerAt(first + 12); until != 0) verdict.mutable_valid_until()->set_seconds(until);
  verdict.set_instance_identity(std::string(AsText(run.BlobAt(first + 13))));
  verdict.set_node_key_sha256(std::string(AsText(run.BlobAt(first + 14))));
  verdict.set_simulated(run.IntegerAt(first + 15) != 0);
  verdict.set_attempt(run.IntegerAt(first + 16) != 0);
  if (const std::int64_t at = run.IntegerAt(first + 17); at != 0) {
    verdict.mutable_revocation()->mutable_at()->set_seconds(at);
    verdict.mutable_revocation()->set_by(run.TextAt(first + 18));
    verdict.mutable_revocation()->set_reason(run.TextAt(first + 19));
  }
  return verdict;
}

absl::StatusOr<std::unique_ptr<SqliteReader>> SqliteReader::On(std::unique_ptr<SqliteDatabase> database) {
  std::unique_ptr<SqliteReader> reader(new SqliteReader(std::move(database)));
  if (absl::Status prepared = reader->nodes_.Prepare(*reader->database_); !prepared.ok()) return prepared;
  if (absl::Status prepared = reader->enrolments_.Prepare(*reader->database_); !prepared.ok()) return prepared;
  const std::string summary = Cat("SELECT ", kSummaryColumns, " FROM verdict WHERE id = ?1");
  const absl::Status prepared = reader->database_->PrepareAll({
      {&reader->select_verdict_, "SELECT record FROM verdict WHERE id = ?1"},
      {&reader->select_summary_, summary.c_str()},
      {&reader->select_blob_, "SELECT body FROM blob WHERE sha256 = ?1"},
      {&reader->select_latest_time_, "SELECT value FROM meta WHERE name = 'latest_time'"},
      // Where all are purged, the last that was: a watch begins behind it.
      {&reader->select_latest_event_,
       "SELECT max(value, (SELECT coalesce(max(seq), 0) FROM event)) FROM meta WHERE name = 'events_purged'"},
      {&reader->select_events_purged_, "SELECT value FROM meta WHERE name = 'events_purged'"},
      {&reader->count_nodes_,
       "SELECT CASE WHEN EXISTS (SELECT 1 FROM ban WHERE (ban.kind = 1 AND ban.value = lower(hex(node.identity))) OR (ban.kind = 2 AND ban.value = lower(hex(node.node_key))) "
       "OR (ban.kind = 3 AND ban.value = node.cluster || '/' || node.name)) THEN -1 WHEN node.verdict IN (1, 2) AND node.trusted_until < ?1 THEN -2 ELSE node.verdict END, "
       "count(*) FROM node GROUP BY 1"},
      // With max() alone, the other columns are those of its row (SQLite, "Bare columns in an aggregate query").
      {&reader->count_verdicts_,
       "SELECT platform, verdict, strength, simulated, count(*), max(seq), id FROM verdict WHERE recorded_at >= ?1 AND attempt = 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"},
      {&reader->select_size_, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"},
  });
  if (!prepared.ok()) return prepared;
  return reader;
}

absl::StatusOr<appraisal::InstanceState> SqliteReader::InstanceStateOf(const Candidate& candidate, Time now) {
  const std::lock_guard lock(mutex_);
  return nodes_.InstanceStateOf(candidate, now);
}

absl::StatusOr<std::vector<appraisal::Denial>> SqliteReader::Denials() {
  const std::lock_guard lock(mutex_);
  return nodes_.Denials();
}

absl::StatusOr<std::vector<appraisal::Enrolment>> SqliteReader::EnrolmentsOf(const appraisal::TpmState& asked) {
  const std::lock_guard lock(mutex_);
  return enrolments_.Of(asked);
}

absl::StatusOr<v1::VerdictRecord> SqliteReader::Get(std::string_view id) {
  if (absl::Status status = RefuseNonId(id); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  SqliteStatement::Run select(select_verdict_, Cat("read verdict ", id));
  const absl::StatusOr<bool> row = select.Bind(id).Step();
  if (!row.ok()) return row.status();
  if (!*row) return Error(StatusCode::kNotFound, Cat("no verdict ", id, " is recorded"));
  const ByteView serialized = select.BlobAt(0);
  v1::VerdictRecord record;
  if (!record.ParseFromArray(serialized.data(), static_cast<int>(serialized.size())) || record.id() != id) {
    return Error(StatusCode::kDataLoss, database_->Located(Cat("the record of verdict ", id, " is damaged; restore it from a backup")));
  }
  return record;
}

absl::StatusOr<v1::VerdictSummary> SqliteReader::GetSummary(std::string_view id) {
  if (absl::Status status = RefuseNonId(id); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  SqliteStatement::Run select(select_summary_, Cat("read verdict ", id));
  const absl::StatusOr<bool> row = select.Bind(id).Step();
  if (!row.ok()) return row.status();
  if (!*row) return Error(StatusCode::kNotFound, Cat("no verdict ", id, " is recorded"));
  return SummaryAt(select, 0);
}

absl::StatusOr<Bytes> SqliteReader::GetBlob(const crypto::Sha256Digest& sha256) {
  const std::lock_guard lock(mutex_);
  SqliteStatement::Run select(select_blob_, Cat("read blob ", ToHex(sha256)));
  const absl::StatusOr<bool> row = select.Bind(ByteView(sha256)).Step();
  if (!row.ok()) return row.status();
  if (!*row) return Error(StatusCode::kNotFound, Cat("no blob ", ToHex(sha256), " is stored"));
  Bytes body = ToBytes(select.BlobAt(0));
  if (const crypto::Sha256Digest actual = crypto::Sha256(body); actual != sha256) {
    return Error(StatusCode::kDataLoss, database_->Located(Cat("blob ", ToHex(sha256), " is damaged, its digest is ", ToHex(actual),
                                                               "; restore it from a backup")));
  }
  return body;
}

// "FROM `table`" of a list, such that its rows come in their order. SQLite may find it cheaper to look matches up and sort them
// (terms joined by OR, above all), which takes memory for each match, for each page; walking the table takes none.
absl::StatusOr<std::string> SqliteReader::InOrder(std::string_view table, const std::string& before, const std::string& behind) {
  std::string from = Cat(before, " FROM ", table, " ", behind);
  absl::StatusOr<SqliteStatement> explain = database_->Prepare(Cat("EXPLAIN QUERY PLAN ", from).c_str());
  if (!explain.ok()) return explain.status();
  SqliteStatement::Run run(*explain, "list");
  while (true) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return from;
    if (run.TextAt(3).find("TEMP B-TREE") != std::string::npos) return Cat(before, " FROM ", table, " NOT INDEXED ", behind);
  }
}

template <typename T>
absl::StatusOr<Page<T>> SqliteReader::List(const std::string& sql, const std::vector<SqlValue>& parameters, const PageRequest& request,
                                           T (*at)(const SqliteStatement::Run&, int)) {
  constexpr std::string_view kOperation = "list";
  absl::StatusOr<SqliteStatement> statement = database_->Prepare(sql.c_str());
  if (!statement.ok()) return statement.status();
  SqliteStatement::Run run(*statement, kOperation);
  BindAll(run, parameters);
  Page<T> page;
  while (true) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return page;
    if (static_cast<int>(page.elements.size()) == request.size) {  // one more than asked for: there is another page
      page.next = SequenceOf(page.elements.back());
      return page;
    }
    page.elements.push_back(at(run, 0));
  }
}

absl::StatusOr<Page<v1::VerdictSummary>> SqliteReader::ListVerdicts(const PageRequest& request) {
  absl::StatusOr<SqlCondition> condition = ParseFilter(request.filter, kVerdictFields);
  if (!condition.ok()) return condition.status();
  const std::string_view behind = request.newest_first ? "<" : ">", direction = request.newest_first ? "DESC" : "ASC";
  const std::lock_guard lock(mutex_);
  const absl::StatusOr<std::string> sql = InOrder(
      "verdict", Cat("SELECT ", kSummaryColumns),
      Cat("WHERE (", condition->where, ")", request.after == 0 ? std::string() : Cat(" AND verdict.seq ", behind, " ", request.after),
          " ORDER BY verdict.seq ", direction, " LIMIT ", request.size + 1));
  if (!sql.ok()) return sql.status();
  return List<v1::VerdictSummary>(*sql, condition->parameters, request, &SummaryAt);
}

absl::StatusOr<Page<v1::Node>> SqliteReader::ListNodes(const PageRequest& request) {
  absl::StatusOr<SqlCondition> condition = ParseFilter(request.filter, kNodeFields);
  if (!condition.ok()) return condition.status();
  const std::lock_guard lock(mutex_);
  const absl::StatusOr<std::string> sql =
      InOrder("node", Cat("SELECT ", kNodeColumns),
              Cat("WHERE (", condition->where, ") AND node.seq > ", request.after, " ORDER BY node.seq LIMIT ", request.size + 1));
  if (!sql.ok()) return sql.status();
  return List<v1::Node>(*sql, condition->parameters, request, &NodeAt);
}

absl::StatusOr<Page<v1::Ban>> SqliteReader::ListBans(const PageRequest& request) {
  const std::string sql =
      Cat("SELECT ", kBanColumns, " FROM ban WHERE ban.seq > ", request.after, " ORDER BY ban.seq LIMIT ", request.size + 1);
  const std::lock_guard lock(mutex_);
  auto numbered = List<NumberedBan>(sql, {}, request, [](const SqliteStatement::Run& run, int first) {
    return NumberedBan{BanAt(run, first), run.IntegerAt(first)};
  });
  if (!numbered.ok()) return numbered.status();
  Page<v1::Ban> page;
  page.next = numbered->next;
  for (NumberedBan& ban : numbered->elements) page.elements.push_back(std::move(ban.ban));
  return page;
}

absl::StatusOr<Page<v1::EnrolledKey>> SqliteReader::ListEnrolments(const PageRequest& request) {
  const std::string sql = Cat("SELECT ", kEnrolmentColumns, " FROM enrolment WHERE enrolment.seq > ", request.after,
                              " ORDER BY enrolment.seq LIMIT ", request.size + 1);
  const std::lock_guard lock(mutex_);
  auto numbered = List<NumberedEnrolment>(sql, {}, request, [](const SqliteStatement::Run& run, int first) {
    return NumberedEnrolment{EnrolmentAt(run, first), run.IntegerAt(first)};
  });
  if (!numbered.ok()) return numbered.status();
  Page<v1::EnrolledKey> page;
  page.next = numbered->next;
  for (NumberedEnrolment& enrolment : numbered->elements) page.elements.push_back(std::move(enrolment.key));
  return page;
}

absl::StatusOr<Page<v1::VerdictFlip>> SqliteReader::ListFlips(const PageRequest& request) {
  absl::StatusOr<SqlCondition> condition = ParseFilter(request.filter, kVerdictFields);
  if (!condition.ok()) return condition.status();
  const std::string sql =
      Cat("SELECT flip.seq, flip.flip, ", kSummaryColumns, " FROM flip CROSS JOIN verdict ON verdict.seq = flip.verdict_seq WHERE (",
          condition->where, ")", request.after == 0 ? std::string() : Cat(" AND flip.seq < ", request.after),
          " ORDER BY flip.seq DESC LIMIT ", request.size + 1);
  const std::lock_guard lock(mutex_);
  return List<v1::VerdictFlip>(sql, condition->parameters, request, [](const SqliteStatement::Run& run, int first) {
    v1::VerdictFlip flip;
    const ByteView serialized = run.BlobAt(first + 1);
    flip.ParseFromArray(serialized.data(),
                        static_cast<int>(serialized.size()));  // what does not parse shows as empty; `assayd db check` says so
    flip.set_sequence(run.IntegerAt(first));
    *flip.mutable_verdict() = SummaryAt(run, first + 2);
    return flip;
  });
}

absl::StatusOr<Page<v1::VerdictEvent>> SqliteReader::EventsAfter(std::int64_t after, const std::string& filter, int size) {
  absl::StatusOr<SqlCondition> condition = ParseFilter(filter, kVerdictFields);
  if (!condition.ok()) return condition.status();
  const std::lock_guard lock(mutex_);
  const absl::StatusOr<std::int64_t> purged = IntegerOf(select_events_purged_, "read the events");
  if (!purged.ok()) return purged.status();
  if (after < *purged) return Error(StatusCode::kOutOfRange, Cat("events up to ", *purged, " have been purged"));
  const absl::StatusOr<std::int64_t> latest = IntegerOf(select_latest_event_, "read the events");
  if (!latest.ok()) return latest.status();
  Page<v1::VerdictEvent> page;
  page.next = std::max(after, *latest);
  if (*latest <= after) return page;

  const std::string sql =
      Cat("SELECT event.seq, event.at, event.kind, event.target, event.by, event.because, ", kSummaryColumns,
          " FROM event LEFT JOIN verdict ON verdict.seq = event.verdict_seq WHERE (event.verdict_seq = 0 OR (verdict.seq IS NOT NULL AND (",
          condition->where, "))) AND event.seq > ", after, " AND event.seq <= ", *latest, " ORDER BY event.seq LIMIT ", size);
  absl::StatusOr<SqliteStatement> statement = database_->Prepare(sql.c_str());
  if (!statement.ok()) return statement.status();
  SqliteStatement::Run run(*statement, "read the events");
  BindAll(run, condition->parameters);
  while (true) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) break;
    v1::VerdictEvent& event = page.elements.emplace_back();
    event.set_sequence(run.IntegerAt(0));
    event.mutable_at()->set_seconds(run.IntegerAt(1));
    event.set_kind(static_cast<v1::EventKind>(run.IntegerAt(2)));
    event.set_target(run.TextAt(3));
    event.set_by(run.TextAt(4));
    event.set_reason(run.TextAt(5));
    if (run.IntegerAt(6) != 0) *event.mutable_verdict() = SummaryAt(run, 6);
  }
  if (static_cast<int>(page.elements.size()) == size) page.next = page.elements.back().sequence();
  return page;
}

absl::StatusOr<std::int64_t> SqliteReader::IntegerOf(SqliteStatement& statement, std::string_view operation) {
  SqliteStatement::Run run(statement, operation);
  const absl::StatusOr<bool> row = run.Step();
  if (!row.ok()) return row.status();
  if (!*row) {
    return Error(StatusCode::kDataLoss, database_->Located("a number that every database has is missing; restore it from a backup"));
  }
  return run.IntegerAt(0);
}

absl::StatusOr<NodeCounts> SqliteReader::CountNodes(Time now) {
  const std::lock_guard lock(mutex_);
  SqliteStatement::Run run(count_nodes_, "count the nodes");
  run.Bind(std::int64_t{now.time_since_epoch().count()});
  NodeCounts counts;
  while (true) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return counts;
    const std::int64_t count = run.IntegerAt(1);
    switch (run.IntegerAt(0)) {
      case -1: counts.banned = count; break;
      case -2: counts.expired = count; break;
      case v1::VERDICT_TRUSTED: counts.trusted = count; break;
      case v1::VERDICT_TRUSTED_WITH_WARNINGS: counts.trusted_with_warnings = count; break;
      case v1::VERDICT_INDETERMINATE: counts.indeterminate = count; break;
      default: counts.rejected = count;
    }
  }
}

absl::StatusOr<std::vector<VerdictCount>> SqliteReader::CountVerdicts(Time since) {
  const std::lock_guard lock(mutex_);
  SqliteStatement::Run run(count_verdicts_, "count the verdicts");
  run.Bind(std::int64_t{since.time_since_epoch().count()});
  std::vector<VerdictCount> counts;
  while (true) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return counts;
    counts.push_back({.platform = run.TextAt(0),
                      .verdict = static_cast<v1::Verdict>(run.IntegerAt(1)),
                      .strength = static_cast<v1::Strength>(run.IntegerAt(2)),
                      .simulated = run.IntegerAt(3) != 0,
                      .count = run.IntegerAt(4),
                      .latest = run.IntegerAt(5),
                      .latest_id = run.TextAt(6)});
  }
}

absl::StatusOr<std::int64_t> SqliteReader::LatestEvent() {
  const std::lock_guard lock(mutex_);
  return IntegerOf(select_latest_event_, "read the events");
}

absl::StatusOr<std::int64_t> SqliteReader::LatestTime() {
  const std::lock_guard lock(mutex_);
  return IntegerOf(select_latest_time_, "read the latest time");
}

std::int64_t SqliteReader::SizeInBytes() {
  const std::lock_guard lock(mutex_);
  return IntegerOf(select_size_, "measure the database").value_or(0);
}

}  // namespace assay::store

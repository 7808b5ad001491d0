#include "store/sqlite_nodes.h"

#include <algorithm>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::store {
namespace {

using absl::StatusCode;

constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kLeastMeasurement = 8, kMostMeasurement = 64;
constexpr std::int64_t kMostDenials = 1000;
constexpr std::size_t kLongestName = 253 + 1 + 253;

std::int64_t UnixSeconds(Time time) { return time.time_since_epoch().count(); }

std::string_view NameOf(v1::BanKind kind) {
  switch (kind) {
    case v1::BAN_KIND_INSTANCE: return "instance";
    case v1::BAN_KIND_NODE_KEY: return "node_key";
    case v1::BAN_KIND_NAME: return "name";
    case v1::BAN_KIND_CERTIFICATE: return "certificate";
    case v1::BAN_KIND_MEASUREMENT: return "measurement";
    default: return "";
  }
}

absl::Status CheckBan(v1::BanKind kind, std::string_view value) {
  const auto refuse = [&](std::string_view expected) {
    return absl::InvalidArgumentError(ToAbsl(Cat("value: expected ", expected, ", actual '", Printable(value, 80), "'")));
  };
  switch (kind) {
    case v1::BAN_KIND_MEASUREMENT: {
      const auto octets = FromHex(value);
      if (!octets || octets->size() < kLeastMeasurement || octets->size() > kMostMeasurement || ToHex(*octets) != value) {
        return refuse("16 to 128 lower-case hexadecimal digits");
      }
      // What many nodes have in common, or none has: zero means "none" in every format.
      return AllZero(*octets) ? refuse("a value that is not zero") : absl::OkStatus();
    }
    case v1::BAN_KIND_INSTANCE:
    case v1::BAN_KIND_CERTIFICATE:
    case v1::BAN_KIND_NODE_KEY: {
      const auto digest = FromHex(value);
      if (!digest || digest->size() != kDigestSize || ToHex(*digest) != value) return refuse("64 lower-case hexadecimal digits");
      return absl::OkStatus();
    }
    case v1::BAN_KIND_NAME: {
      const std::size_t slash = value.find('/');
      const bool whole = slash != std::string_view::npos && slash > 0 && slash + 1 < value.size() && value.size() <= kLongestName;
      return whole ? absl::OkStatus() : refuse("cluster/name");
    }
    default: return absl::InvalidArgumentError("kind: expected instance, node_key, name, certificate or measurement, actual: none of them");
  }
}

bool Trusts(const v1::Appraisal& appraisal) {
  return appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS;
}

// The verdict that refuses an instance for its second name says so itself.
bool SaysConflict(const v1::Appraisal& appraisal) {
  static const std::string reason(EntryOf(Reason::kIdentityConflict).name);
  return std::any_of(appraisal.findings().begin(), appraisal.findings().end(),
                     [](const v1::Finding& finding) { return finding.reason() == reason; });
}

std::string Target(v1::BanKind kind, std::string_view value) { return Cat(NameOf(kind), ":", value); }

std::string Told(const v1::Ban& ban) {
  return Cat(Target(ban.kind(), ban.value()), " banned by ", ban.by(), " at ", FormatTime(Time{Duration{ban.at().seconds()}}), ": ",
             ban.reason());
}

}  // namespace

v1::Node NodeAt(const SqliteStatement::Run& run, int first) {
  v1::Node node;
  node.set_sequence(run.IntegerAt(first));
  node.set_instance_identity(std::string(AsText(run.BlobAt(first + 1))));
  node.mutable_context()->set_cluster(run.TextAt(first + 2));
  node.mutable_context()->set_role(run.TextAt(first + 3));
  node.mutable_context()->set_name(run.TextAt(first + 4));
  node.set_platform(run.TextAt(first + 5));
  node.set_node_key_sha256(std::string(AsText(run.BlobAt(first + 6))));
  node.mutable_first_seen()->set_seconds(run.IntegerAt(first + 7));
  node.mutable_last_seen()->set_seconds(run.IntegerAt(first + 8));
  node.set_verdict(static_cast<v1::Verdict>(run.IntegerAt(first + 9)));
  node.set_verdict_id(run.TextAt(first + 10));
  node.set_simulated(run.IntegerAt(first + 11) != 0);
  if (const std::int64_t until = run.IntegerAt(first + 12); until != 0) node.mutable_trusted_until()->set_seconds(until);
  if (const std::int64_t since = run.IntegerAt(first + 13); since != 0) {
    v1::NameConflict& conflict = *node.mutable_conflict();
    conflict.mutable_since()->set_seconds(since);
    conflict.mutable_asked()->set_cluster(run.TextAt(first + 14));
    conflict.mutable_asked()->set_role(run.TextAt(first + 15));
    conflict.mutable_asked()->set_name(run.TextAt(first + 16));
  }
  return node;
}

v1::Ban BanAt(const SqliteStatement::Run& run, int first) {
  v1::Ban ban;
  ban.set_kind(static_cast<v1::BanKind>(run.IntegerAt(first + 1)));
  ban.set_value(run.TextAt(first + 2));
  ban.mutable_at()->set_seconds(run.IntegerAt(first + 3));
  ban.set_by(run.TextAt(first + 4));
  ban.set_reason(run.TextAt(first + 5));
  return ban;
}

absl::Status SqliteNodes::Prepare(SqliteDatabase& database) {
  const std::string find_node = Cat("SELECT ", kNodeColumns, " FROM node WHERE identity = ?1");
  const std::string find_ban = Cat("SELECT ", kBanColumns, " FROM ban WHERE kind = ?1 AND value = ?2");
  const std::string find_denials = Cat("SELECT ", kBanColumns, " FROM ban WHERE kind IN (4, 5) ORDER BY kind, value");
  return database.PrepareAll({
      {&find_node_, find_node.c_str()},
      {&find_held_,
       "SELECT held_cluster, held_name FROM node WHERE identity = ?1 AND held_name <> '' AND (trusted_until >= ?2 OR conflict_at > 0) "
       "AND NOT (held_cluster = ?3 AND held_name = ?4)"},
      {&upsert_node_,
       "INSERT INTO node (identity, cluster, role, name, platform, node_key, first_seen, last_seen, verdict, verdict_id, simulated, "
       "trusted_until, trusted_id, held_cluster, held_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, 0, '', '', '') "
       "ON CONFLICT (identity) DO UPDATE SET cluster = ?2, role = ?3, name = ?4, platform = ?5, node_key = ?6, last_seen = ?7, "
       "verdict = ?8, verdict_id = ?9, simulated = ?10"},
      // Nameless verdicts leave the name that is held as it is.
      {&trust_node_,
       "UPDATE node SET trusted_until = ?2, trusted_id = ?3, held_cluster = iif(?5 = '', held_cluster, ?4), held_name = iif(?5 = '', held_name, ?5) "
       "WHERE identity = ?1"},
      {&conflict_,
       "UPDATE node SET last_seen = ?2, conflict_at = ?2, conflict_cluster = ?3, conflict_role = ?4, conflict_name = ?5 "
       "WHERE identity = ?1 AND conflict_at = 0"},
      {&release_,
       "UPDATE node SET held_cluster = '', held_name = '', conflict_at = 0, conflict_cluster = '', conflict_role = '', conflict_name = '' "
       "WHERE identity = ?1"},
      {&distrust_, "UPDATE node SET trusted_until = 0, trusted_id = '' WHERE trusted_id = ?1"},
      {&flip_, "UPDATE node SET verdict = ?2 WHERE verdict_id = ?1"},
      {&find_ban_, find_ban.c_str()},
      {&find_denials_, find_denials.c_str()},
      {&count_denials_, "SELECT count(*) FROM ban WHERE kind IN (4, 5)"},
      {&insert_ban_, "INSERT INTO ban (kind, value, at, by, because) VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&delete_ban_, "DELETE FROM ban WHERE kind = ?1 AND value = ?2"},
      {&insert_event_, "INSERT INTO event (at, kind, verdict_seq, target, by, because) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
  });
}

absl::StatusOr<std::optional<v1::Ban>> SqliteNodes::FindBan(v1::BanKind kind, std::string_view value) {
  SqliteStatement::Run run(find_ban_, "read the bans");
  const absl::StatusOr<bool> row = run.Bind(std::int64_t{kind}).Bind(value).Step();
  if (!row.ok()) return row.status();
  return *row ? std::optional(BanAt(run, 0)) : std::nullopt;
}

absl::StatusOr<std::optional<v1::Node>> SqliteNodes::FindNode(ByteView identity) {
  SqliteStatement::Run run(find_node_, "read a node");
  const absl::StatusOr<bool> row = run.Bind(identity).Step();
  if (!row.ok()) return row.status();
  return *row ? std::optional(NodeAt(run, 0)) : std::nullopt;
}

absl::StatusOr<appraisal::InstanceState> SqliteNodes::InstanceStateOf(const Candidate& candidate, Time now) {
  appraisal::InstanceState state{.identity = candidate.identity};
  const std::string name = Cat(candidate.cluster, "/", candidate.name);
  const struct {
    v1::BanKind kind;
    std::string value;
    bool asked;
  } subjects[] = {{v1::BAN_KIND_INSTANCE, ToHex(candidate.identity), !candidate.identity.empty()},
                  {v1::BAN_KIND_NODE_KEY, ToHex(candidate.node_key_sha256), true},
                  {v1::BAN_KIND_NAME, name, !candidate.name.empty()}};
  for (const auto& subject : subjects) {
    if (!subject.asked || !state.ban.empty()) continue;
    const auto ban = FindBan(subject.kind, subject.value);
    if (!ban.ok()) return ban.status();
    if (!*ban) continue;
    state.ban = Told(**ban);
  }
  if (candidate.identity.empty() || candidate.name.empty()) return state;
  SqliteStatement::Run held(find_held_, "read a node");
  const absl::StatusOr<bool> row =
      held.Bind(ByteView(candidate.identity)).Bind(UnixSeconds(now)).Bind(candidate.cluster).Bind(candidate.name).Step();
  if (!row.ok()) return row.status();
  if (*row) state.held_as = Cat(held.TextAt(0), "/", held.TextAt(1));
  return state;
}

absl::StatusOr<std::vector<appraisal::Denial>> SqliteNodes::Denials() {
  std::vector<appraisal::Denial> denials;
  SqliteStatement::Run run(find_denials_, "read the bans");
  while (true) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return denials;
    const v1::Ban ban = BanAt(run, 0);
    denials.push_back({ban.kind() == v1::BAN_KIND_CERTIFICATE ? appraisal::Denial::Of::kCertificate : appraisal::Denial::Of::kMeasurement,
                       FromHex(ban.value()).value_or(Bytes{}), Told(ban)});
  }
}

absl::Status SqliteNodes::AddEvent(v1::EventKind kind, std::int64_t sequence, std::string_view target, const Act& act) {
  SqliteStatement::Run run(insert_event_, "record an event");
  return run.Bind(UnixSeconds(act.at))
      .Bind(std::int64_t{kind})
      .Bind(sequence)
      .Bind(target)
      .Bind(std::string_view(act.by))
      .Bind(std::string_view(act.reason))
      .Finish();
}

absl::Status SqliteNodes::Apply(const v1::VerdictRecord& record, std::int64_t sequence) {
  const v1::Appraisal& appraisal = record.appraisal();
  const ByteView identity = AsBytes(appraisal.instance_identity());
  if (identity.empty()) return absl::OkStatus();
  const v1::AttestationContext& context = record.context();
  const Act act{"", "", Time{Duration{record.recorded_at().seconds()}}};
  if (absl::Status added = AddEvent(v1::EVENT_KIND_RECORDED, sequence, "", act); !added.ok()) return added;
  if (SaysConflict(appraisal)) {
    // The node stays what it was under the name that it holds.
    SqliteStatement::Run run(conflict_, "record a name conflict");
    if (absl::Status done =
            run.Bind(identity).Bind(UnixSeconds(act.at)).Bind(context.cluster()).Bind(context.role()).Bind(context.name()).Finish();
        !done.ok()) {
      return done;
    }
    return AddEvent(v1::EVENT_KIND_CONFLICT, sequence, Target(v1::BAN_KIND_INSTANCE, ToHex(identity)), act);
  }
  {
    SqliteStatement::Run run(upsert_node_, "record a node");
    run.Bind(identity).Bind(context.cluster()).Bind(context.role()).Bind(context.name()).Bind(appraisal.platform());
    run.Bind(AsBytes(record.node_key_sha256())).Bind(UnixSeconds(act.at)).Bind(std::int64_t{appraisal.verdict()}).Bind(record.id());
    if (absl::Status done = run.Bind(std::int64_t{appraisal.simulated()}).Finish(); !done.ok()) return done;
  }
  if (!Trusts(appraisal)) return absl::OkStatus();
  SqliteStatement::Run run(trust_node_, "record a node");
  run.Bind(identity).Bind(std::int64_t{appraisal.valid_until().seconds()}).Bind(record.id()).Bind(context.cluster());
  return run.Bind(context.name()).Finish();
}

absl::Status SqliteNodes::Revoked(const v1::VerdictSummary& verdict, const Act& act) {
  {
    SqliteStatement::Run run(distrust_, "record a revocation");
    if (absl::Status done = run.Bind(verdict.id()).Finish(); !done.ok()) return done;
  }
  return AddEvent(v1::EVENT_KIND_REVOKED, verdict.sequence(), "", act);
}

absl::Status SqliteNodes::Flipped(const v1::VerdictSummary& verdict, v1::Verdict became, const Act& act) {
  // What could not be decided again takes nothing back: the node stays what it was until its verdict ends.
  if (became != v1::VERDICT_INDETERMINATE) {
    SqliteStatement::Run run(flip_, "record a flip");
    if (absl::Status done = run.Bind(verdict.id()).Bind(std::int64_t{became}).Finish(); !done.ok()) return done;
  }
  if (became == v1::VERDICT_REJECTED) {
    SqliteStatement::Run run(distrust_, "record a flip");
    if (absl::Status done = run.Bind(verdict.id()).Finish(); !done.ok()) return done;
  }
  return AddEvent(v1::EVENT_KIND_FLIPPED, verdict.sequence(), "", act);
}

absl::StatusOr<v1::Node> SqliteNodes::Release(ByteView identity, const Act& act) {
  const auto node = FindNode(identity);
  if (!node.ok()) return node.status();
  if (!*node) return absl::NotFoundError(ToAbsl(Cat("no node has the instance identity ", ToHex(identity))));
  {
    SqliteStatement::Run run(release_, "release a node");
    if (absl::Status done = run.Bind(identity).Finish(); !done.ok()) return done;
  }
  if (absl::Status added = AddEvent(v1::EVENT_KIND_RELEASED, 0, Target(v1::BAN_KIND_INSTANCE, ToHex(identity)), act); !added.ok()) {
    return added;
  }
  const auto released = FindNode(identity);
  if (!released.ok()) return released.status();
  return **released;
}

absl::StatusOr<v1::Ban> SqliteNodes::Impose(v1::BanKind kind, std::string_view value, const Act& act) {
  if (absl::Status good = CheckBan(kind, value); !good.ok()) return good;
  const auto present = FindBan(kind, value);
  if (!present.ok()) return present.status();
  if (*present) return **present;
  if (kind == v1::BAN_KIND_CERTIFICATE || kind == v1::BAN_KIND_MEASUREMENT) {
    SqliteStatement::Run count(count_denials_, "record a ban");
    const absl::StatusOr<bool> row = count.Step();
    if (!row.ok()) return row.status();
    if (count.IntegerAt(0) >= kMostDenials) {
      return absl::InvalidArgumentError(
          ToAbsl(Cat("value: expected at most ", kMostDenials,
                     " banned certificates and measurements, actual: one more. For so many, let policies name what is allowed.")));
    }
  }
  {
    SqliteStatement::Run run(insert_ban_, "record a ban");
    run.Bind(std::int64_t{kind}).Bind(value).Bind(UnixSeconds(act.at)).Bind(std::string_view(act.by)).Bind(std::string_view(act.reason));
    if (absl::Status done = run.Finish(); !done.ok()) return done;
  }
  if (absl::Status added = AddEvent(v1::EVENT_KIND_BANNED, 0, Target(kind, value), act); !added.ok()) return added;
  const auto imposed = FindBan(kind, value);
  if (!imposed.ok()) return imposed.status();
  return **imposed;
}

absl::StatusOr<v1::Ban> SqliteNodes::Lift(v1::BanKind kind, std::string_view value, const Act& act) {
  if (absl::Status good = CheckBan(kind, value); !good.ok()) return good;
  const auto present = FindBan(kind, value);
  if (!present.ok()) return present.status();
  if (!*present) return absl::NotFoundError(ToAbsl(Cat("there is no ban of ", Target(kind, value))));
  {
    SqliteStatement::Run run(delete_ban_, "lift a ban");
    if (absl::Status done = run.Bind(std::int64_t{kind}).Bind(value).Finish(); !done.ok()) return done;
  }
  if (absl::Status added = AddEvent(v1::EVENT_KIND_UNBANNED, 0, Target(kind, value), act); !added.ok()) return added;
  return **present;
}

}  // namespace assay::store

#include "store/sqlite_store.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "store/group_commit.h"
#include "store/sqlite_database.h"
#include "store/sqlite_enrolments.h"
#include "store/sqlite_nodes.h"
#include "store/sqlite_reader.h"
#include "store/sqlite_schema.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using absl::StatusCode;

constexpr std::size_t kNonceSize = 32;  // field 1 of the binding transcript
// How long a nonce is remembered beyond its challenge: more than any skew at which a challenge is still accepted.
constexpr Duration kRemembered{600};
// A blob in use is marked as used this often, not at every use; purging allows for twice as much.
constexpr std::int64_t kMarkedEvery = 3600;
constexpr std::int64_t kNodesAtOnce = 5000;  // that one purge looks at
// Who revokes what a re-appraisal rejects. No identity of an operator is without ':' or '.'.
constexpr std::string_view kVerifier = "assayd";

absl::Status Error(StatusCode code, const std::string& text) { return absl::Status(code, ToAbsl(text)); }

std::int64_t UnixSeconds(Time time) { return time.time_since_epoch().count(); }
Time FromUnixSeconds(std::int64_t seconds) { return Time{Duration{seconds}}; }

std::string Serialized(const v1::VerdictRecord& record) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    record.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// A string that is not UTF-8 can be written but not read back (protobuf: "Updating A Message Type", proto3 strings). Of a message
// that was written here nothing else can fail, so only its text is looked at: reading it back would cost hundreds of allocations.
bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const bool ascii = static_cast<unsigned char>(text[at]) < 0x80;
    const std::size_t length = ascii ? 1 : Utf8SequenceLength(text.substr(at));
    if (length == 0) return false;
    at += length;
  }
  return true;
}

bool CanBeReadBack(const google::protobuf::Descriptor& type, ByteView serialized) {
  using google::protobuf::FieldDescriptor;
  google::protobuf::io::CodedInputStream stream(serialized.data(), static_cast<int>(serialized.size()));
  while (const std::uint32_t tag = stream.ReadTag()) {
    // Protobuf "Encoding": the number of the field, and in three bits how long its value is.
    const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(tag >> 3U));
    const std::uint32_t wire_type = tag & 7U;
    std::uint64_t number = 0;
    if (field == nullptr || (wire_type != 0 && wire_type != 2) || !stream.ReadVarint64(&number)) return false;
    if (wire_type == 0) continue;
    const auto at = static_cast<std::size_t>(stream.CurrentPosition());
    if (number > serialized.size() - at || !stream.Skip(static_cast<int>(number))) return false;
    const ByteView content = serialized.subspan(at, number);
    if (field->type() == FieldDescriptor::TYPE_STRING && !IsUtf8(AsText(content))) return false;
    if (field->type() == FieldDescriptor::TYPE_MESSAGE && !CanBeReadBack(*field->message_type(), content)) return false;
  }
  return stream.ConsumedEntireMessage();
}

// Which blobs are stored and were marked as used within the hour, so that what all nodes send, certificates and policies, is not
// written again with every verdict. Of those that only age makes purge forget, which is longer than an hour.
class Marks {
 public:
  bool Has(const crypto::Sha256Digest& sha256, BlobClass kind, std::int64_t at) {
    const std::lock_guard lock(mutex_);
    const auto found = marks_.find(sha256);
    return found != marks_.end() && kind <= found->second.kind && at >= found->second.at && at - found->second.at < kMarkedEvery;
  }
  // Durable since. `purges` is from within the same write: what was purged meanwhile is not there any more.
  void Set(const crypto::Sha256Digest& sha256, BlobClass kind, std::int64_t at, std::uint64_t purges) {
    if (kind == BlobClass::kAttempt) return;
    const std::lock_guard lock(mutex_);
    if (purges != purges_) return;
    if (marks_.size() >= kMost) marks_.clear();
    marks_.insert_or_assign(sha256, Mark{kind, at});
  }
  void Forget() {  // within a write
    const std::lock_guard lock(mutex_);
    ++purges_;
    marks_.clear();
  }
  std::uint64_t purges() const {
    const std::lock_guard lock(mutex_);
    return purges_;
  }

 private:
  static constexpr std::size_t kMost = 16 * 1024;
  struct Mark {
    BlobClass kind;
    std::int64_t at;
  };
  struct FirstBytes {
    std::size_t operator()(const crypto::Sha256Digest& digest) const {
      std::size_t first = 0;
      std::memcpy(&first, digest.data(), sizeof first);
      return first;
    }
  };
  mutable std::mutex mutex_;
  std::unordered_map<crypto::Sha256Digest, Mark, FirstBytes> marks_;  // guarded by mutex_
  std::uint64_t purges_ = 0;                                          // guarded by mutex_
};

bool SameDenials(const std::vector<appraisal::Denial>& denials, const v1::RememberedState& state) {
  return std::equal(denials.begin(), denials.end(), state.denials().begin(), state.denials().end(),
                    [](const appraisal::Denial& now, const v1::Denial& then) {
                      return (now.of == appraisal::Denial::Of::kCertificate) == then.certificate() &&
                             Equal(now.value, AsBytes(then.value())) && now.why == then.why();
                    });
}

bool IsAttempt(const v1::VerdictRecord& record) { return record.appraisal().instance_identity().empty(); }

class SqliteStore final : public VerdictStore {
 public:
  static absl::StatusOr<std::unique_ptr<VerdictStore>> Open(const std::string& path, const SqliteStoreOptions& options) {
    auto database = SqliteDatabase::Open(path, kSchema, {options.busy_timeout, options.max_bytes});
    if (!database.ok()) return database.status();
    // A page that is written with every verdict is copied out of the log that much less often.
    if (absl::Status status = (*database)->Execute("PRAGMA wal_autocheckpoint = 4000", "configure the database"); !status.ok()) {
      return status;
    }
    std::unique_ptr<SqliteStore> store(new SqliteStore(*std::move(database)));
    if (absl::Status status = store->PrepareAll(); !status.ok()) return status;
    if (absl::Status status = store->TakeOverVersion1(); !status.ok()) return status;
    // A list may walk through everything: an appraisal, which looks up one instance, does not wait for it.
    for (std::unique_ptr<SqliteReader>* const reader : {&store->reader_, &store->lists_}) {
      auto connection = SqliteDatabase::Open(path, kSchema, {options.busy_timeout, options.max_bytes});
      if (!connection.ok()) return connection.status();
      auto opened = SqliteReader::On(*std::move(connection));
      if (!opened.ok()) return opened.status();
      *reader = *std::move(opened);
    }
    return store;
  }

  absl::Status Redeem(ByteView nonce, Time expires, Time now) override {
    if (nonce.size() != kNonceSize) {
      return Error(StatusCode::kInvalidArgument, Cat("a nonce has ", kNonceSize, " bytes, this one has ", nonce.size()));
    }
    return commits_.Run("redeem a challenge", [&] { return RedeemNow(nonce, expires, now); });
  }

  absl::StatusOr<appraisal::InstanceState> InstanceStateOf(const Candidate& candidate, Time now) override {
    return reader_->InstanceStateOf(candidate, now);
  }

  absl::StatusOr<std::vector<appraisal::Denial>> Denials() override { return reader_->Denials(); }
  absl::StatusOr<std::vector<appraisal::Enrolment>> EnrolmentsOf(const appraisal::TpmState& asked) override {
    return reader_->EnrolmentsOf(asked);
  }

  absl::Status Record(const v1::VerdictRecord& record, std::span<const Blob> blobs) override {
    if (absl::Status status = RefuseNonId(record.id()); !status.ok()) return status;
    if (!record.has_recorded_at()) return Error(StatusCode::kInvalidArgument, Cat("verdict ", record.id(), ": recorded_at is not set"));
    const std::string serialized = Serialized(record);
    if (!CanBeReadBack(*v1::VerdictRecord::descriptor(), AsBytes(serialized))) {
      return Error(StatusCode::kInvalidArgument,
                   Cat("verdict ", record.id(), ": the record cannot be read back; a string in it is not UTF-8"));
    }
    std::vector<crypto::Sha256Digest> digests;
    for (const Blob& blob : blobs) digests.push_back(blob.sha256 ? *blob.sha256 : crypto::Sha256(blob.bytes));
    const std::string operation = Cat("record verdict ", record.id());
    std::vector<std::size_t> written;
    std::uint64_t purges = 0;
    const absl::Status recorded = commits_.Run(operation, [&] {
      written.clear();
      purges = marks_.purges();
      return RecordNow(record, serialized, blobs, digests, operation, written);
    });
    if (recorded.ok()) {
      for (const std::size_t i : written) marks_.Set(digests[i], blobs[i].kind, record.recorded_at().seconds(), purges);
    }
    return recorded;
  }

  absl::StatusOr<v1::VerdictRecord> Get(std::string_view id) override { return reader_->Get(id); }
  absl::StatusOr<v1::VerdictSummary> GetSummary(std::string_view id) override { return reader_->GetSummary(id); }
  absl::StatusOr<Bytes> GetBlob(const crypto::Sha256Digest& sha256) override { return reader_->GetBlob(sha256); }
  absl::StatusOr<Page<v1::VerdictSummary>> ListVerdicts(const PageRequest& request) override { return lists_->ListVerdicts(request); }
  absl::StatusOr<Page<v1::Node>> ListNodes(const PageRequest& request) override { return lists_->ListNodes(request); }
  absl::StatusOr<Page<v1::Ban>> ListBans(const PageRequest& request) override { return lists_->ListBans(request); }
  absl::StatusOr<Page<v1::EnrolledKey>> ListEnrolments(const PageRequest& request) override { return lists_->ListEnrolments(request); }
  absl::StatusOr<Page<v1::VerdictEvent>> EventsAfter(std::int64_t after, const std::string& filter, int size) override {
    return lists_->EventsAfter(after, filter, size);
  }
  absl::StatusOr<NodeCounts> CountNodes(Time now) override { return lists_->CountNodes(now); }
  absl::StatusOr<std::vector<VerdictCount>> CountVerdicts(Time since) override { return lists_->CountVerdicts(since); }
  absl::StatusOr<std::int64_t> LatestEvent() override { return reader_->LatestEvent(); }

  absl::StatusOr<v1::VerdictSummary> Revoke(std::string_view id, const Act& act) override {
    absl::StatusOr<v1::VerdictSummary> verdict = GetSummary(id);
    if (!verdict.ok() || verdict->has_revocation()) return verdict;
    const std::string operation = Cat("revoke verdict ", id);
    const absl::Status revoked = commits_.Run(operation, [&] {
      {
        SqliteStatement::Run update(revoke_, operation);
        update.Bind(id).Bind(UnixSeconds(act.at)).Bind(std::string_view(act.by)).Bind(std::string_view(act.reason));
        if (absl::Status status = update.Finish(); !status.ok()) return status;
      }
      // Somebody else was quicker: theirs stands.
      if (database_->RowsChanged() == 0) return absl::OkStatus();
      return nodes_.Revoked(*verdict, act);
    });
    if (!revoked.ok()) return revoked;
    return GetSummary(id);
  }

  absl::StatusOr<v1::Node> Release(ByteView identity, const Act& act) override {
    return Change<v1::Node>("release a node", [&] { return nodes_.Release(identity, act); });
  }
  absl::StatusOr<v1::Ban> Impose(v1::BanKind kind, std::string_view value, const Act& act) override {
    return Change<v1::Ban>("record a ban", [&] { return nodes_.Impose(kind, value, act); });
  }
  absl::StatusOr<v1::Ban> Lift(v1::BanKind kind, std::string_view value, const Act& act) override {
    return Change<v1::Ban>("lift a ban", [&] { return nodes_.Lift(kind, value, act); });
  }

  absl::StatusOr<v1::EnrolledKey> Enrol(const v1::EnrolledKey& key, const Act& act) override {
    return Change<v1::EnrolledKey>("record an enrolment", [&]() -> absl::StatusOr<v1::EnrolledKey> {
      auto enrolled = enrolments_.Enrol(key, act);
      if (!enrolled.ok()) return enrolled.status();
      if (enrolled->news) {
        if (absl::Status added = nodes_.AddEvent(v1::EVENT_KIND_ENROLLED, 0, TargetOf(enrolled->key), act); !added.ok()) return added;
      }
      return std::move(enrolled->key);
    });
  }
  absl::StatusOr<v1::EnrolledKey> Unenrol(ByteView spki_sha256, const Act& act) override {
    return Change<v1::EnrolledKey>("end an enrolment", [&]() -> absl::StatusOr<v1::EnrolledKey> {
      auto gone = enrolments_.Unenrol(spki_sha256);
      if (!gone.ok()) return gone.status();
      if (absl::Status added = nodes_.AddEvent(v1::EVENT_KIND_UNENROLLED, 0, TargetOf(*gone), act); !added.ok()) return added;
      return gone;
    });
  }

  absl::StatusOr<bool> RecordFlip(std::string_view id, const v1::VerdictFlip& found) override {
    const absl::StatusOr<v1::VerdictSummary> verdict = GetSummary(id);
    if (!verdict.ok()) return verdict.status();
    bool news = false;
    const absl::Status recorded = commits_.Run("record a flip", [&] {
      news = false;  // of a run that was undone
      return FlipNow(*verdict, found, news);
    });
    if (!recorded.ok()) return recorded;
    return news;
  }
  absl::StatusOr<Page<v1::VerdictFlip>> ListFlips(const PageRequest& request) override { return lists_->ListFlips(request); }

  absl::StatusOr<Purged> Purge(const Retention& retention, Time now) override {
    Purged purged;
    const absl::Status done = commits_.Run("forget what is old", [&] { return PurgeNow(retention, UnixSeconds(now), purged); });
    if (!done.ok()) return done;
    return purged;
  }

  absl::StatusOr<Time> LatestTime() override {
    const absl::StatusOr<std::int64_t> latest = reader_->LatestTime();
    if (!latest.ok()) return latest.status();
    return FromUnixSeconds(*latest);
  }

  absl::Status Probe() override {
    return commits_.Run("probe the database",
                        [&] { return RaiseLatestTime(Time{}, "probe the database").status(); });  // writes what it reads
  }

  std::int64_t SizeInBytes() override { return reader_->SizeInBytes(); }

 private:
  explicit SqliteStore(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)), commits_(*database_) {}

  absl::Status PrepareAll() {
    if (absl::Status prepared = nodes_.Prepare(*database_); !prepared.ok()) return prepared;
    if (absl::Status prepared = enrolments_.Prepare(*database_); !prepared.ok()) return prepared;
    return database_->PrepareAll({
        {&insert_nonce_, "INSERT INTO redeemed VALUES (?1, ?2) ON CONFLICT (nonce) DO NOTHING"},
        // Bounded, so that no call pays for a long pause; each adds one and forgets up to a thousand.
        {&forget_nonces_, "DELETE FROM redeemed WHERE nonce IN (SELECT nonce FROM redeemed WHERE expires < ?1 LIMIT 1000)"},
        {&insert_blob_,
         "INSERT INTO blob VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (sha256) DO UPDATE SET kind = max(kind, ?2), used_at = max(used_at, ?3) "
         "WHERE kind < ?2 OR used_at < ?3 - 3600"},
        {&insert_verdict_,
         "INSERT INTO verdict (id, recorded_at, attempt, cluster, role, name, verdict, platform, policy_set, policy, strength, reason, "
         "valid_until, identity, node_key, simulated, record) "
         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) ON CONFLICT (id) DO NOTHING RETURNING seq"},
        {&insert_reason_, "INSERT INTO verdict_reason VALUES (?1, ?2)"},
        {&raise_latest_time_, "UPDATE meta SET value = max(value, ?1) WHERE name = 'latest_time' RETURNING value"},
        {&refuse_before_, "SELECT value FROM meta WHERE name = 'refuse_before'"},
        {&revoke_, "UPDATE verdict SET revoked_at = ?2, revoked_by = ?3, revoked_because = ?4 WHERE id = ?1 AND revoked_at = 0"},
        {&last_flip_, "SELECT verdict, reason FROM flip WHERE verdict_seq = ?1 ORDER BY seq DESC LIMIT 1"},
        {&insert_flip_, "INSERT INTO flip (verdict_seq, at, verdict, reason, flip) VALUES (?1, ?2, ?3, ?4, ?5)"},
        {&purge_verdicts_, "DELETE FROM verdict WHERE seq IN (SELECT seq FROM verdict WHERE recorded_at < ?1 LIMIT 500)"},
        {&purge_attempts_,
         "DELETE FROM verdict WHERE seq IN (SELECT seq FROM verdict WHERE attempt = 1 ORDER BY seq DESC LIMIT 500 OFFSET ?1)"},
        {&purge_blobs_, "DELETE FROM blob WHERE sha256 IN (SELECT sha256 FROM blob WHERE kind = ?1 AND used_at < ?2 LIMIT 500)"},
        {&attempt_bytes_, "SELECT coalesce(sum(size), 0) FROM blob WHERE kind = 0"},
        {&purge_oldest_attempts_, "DELETE FROM blob WHERE sha256 IN (SELECT sha256 FROM blob WHERE kind = 0 ORDER BY used_at LIMIT 500)"},
        {&nodes_part_, "SELECT coalesce(max(seq), 0), count(*) FROM (SELECT seq FROM node WHERE seq > ?1 ORDER BY seq LIMIT ?2)"},
        // A name is held for as long as its verdict stands, or while there is a conflict about it. Bans and enrolments name whom
        // they are about by themselves.
        {&purge_nodes_, "DELETE FROM node WHERE seq > ?1 AND seq <= ?2 AND last_seen < ?3 AND trusted_until < ?3 AND conflict_at = 0"},
        {&last_old_event_, "SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM event WHERE at < ?1 ORDER BY seq LIMIT 500)"},
        {&purge_events_, "DELETE FROM event WHERE seq <= ?1"},
        {&mark_events_purged_, "UPDATE meta SET value = max(value, ?1) WHERE name = 'events_purged'"},
    });
  }

  // What a database of version 1 recorded becomes rows that can be listed; in one transaction, so that it happens once.
  absl::Status TakeOverVersion1() {
    constexpr std::string_view kOperation = "take over the verdicts of an older version";
    SqliteTransaction transaction(*database_, kOperation);
    if (absl::Status status = transaction.Begin(); !status.ok()) return status;
    {
      absl::StatusOr<SqliteStatement> find = database_->Prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'verdict_v1'");
      if (!find.ok()) return find.status();
      SqliteStatement::Run run(*find, kOperation);
      const absl::StatusOr<bool> row = run.Step();
      if (!row.ok()) return row.status();
      if (run.IntegerAt(0) == 0) return absl::OkStatus();
    }
    {
      absl::StatusOr<SqliteStatement> select = database_->Prepare("SELECT id, record FROM verdict_v1 ORDER BY id");
      if (!select.ok()) return select.status();
      SqliteStatement::Run run(*select, kOperation);
      while (true) {
        const absl::StatusOr<bool> row = run.Step();
        if (!row.ok()) return row.status();
        if (!*row) break;
        v1::VerdictRecord record;
        const ByteView serialized = run.BlobAt(1);
        if (!record.ParseFromArray(serialized.data(), static_cast<int>(serialized.size()))) {
          return Error(StatusCode::kDataLoss,
                       database_->Located(Cat("the record of verdict ", run.TextAt(0), " is damaged; restore it from a backup")));
        }
        if (absl::Status status = InsertVerdict(record, std::string(AsText(serialized)), std::string(kOperation)).status(); !status.ok()) {
          return status;
        }
      }
    }
    if (absl::Status status = database_->Execute("DROP TABLE verdict_v1", kOperation); !status.ok()) return status;
    return transaction.Commit();
  }

  template <typename T, typename Write>
  absl::StatusOr<T> Change(const std::string& operation, const Write& write) {
    absl::StatusOr<T> result = absl::InternalError("not run");
    const absl::Status committed = commits_.Run(operation, [&] {
      result = write();
      return result.status();
    });
    if (!committed.ok()) return committed;
    return result;
  }

  absl::Status RedeemNow(ByteView nonce, Time expires, Time now) {
    constexpr std::string_view kOperation = "redeem a challenge";
    const absl::StatusOr<Time> latest = RaiseLatestTime(now, kOperation);
    if (!latest.ok()) return latest.status();
    // Measured by the latest time ever, not by `now`: after a clock went back, a nonce that was forgotten stays refused.
    const absl::StatusOr<std::int64_t> refuse_before = RefuseBefore();
    if (!refuse_before.ok()) return refuse_before.status();
    const Time forgotten_before = std::max(*latest - kRemembered, FromUnixSeconds(*refuse_before));
    if (expires < forgotten_before) {
      const std::string clock = *latest > now ? Cat("the clock says ", FormatTime(now), ", ", (*latest - now).count(), " s behind ",
                                                    FormatTime(*latest), ", the latest time that the store has seen: set the clock; ")
                                              : std::string();
      return Error(StatusCode::kFailedPrecondition,
                   Cat(clock, "the challenge expired at ", FormatTime(expires), ", and nonces of challenges that expired before ",
                       FormatTime(forgotten_before), " are forgotten: ask for a new challenge"));
    }
    {
      SqliteStatement::Run insert(insert_nonce_, kOperation);
      if (absl::Status status = insert.Bind(nonce).Bind(UnixSeconds(expires)).Finish(); !status.ok()) return status;
      if (database_->RowsChanged() == 0) {
        return Error(StatusCode::kAlreadyExists, "the challenge was redeemed before; every attempt needs a new one");
      }
    }
    SqliteStatement::Run forget(forget_nonces_, kOperation);
    return forget.Bind(UnixSeconds(forgotten_before)).Finish();
  }

  absl::Status RecordNow(const v1::VerdictRecord& record, const std::string& serialized, std::span<const Blob> blobs,
                         const std::vector<crypto::Sha256Digest>& digests, const std::string& operation,
                         std::vector<std::size_t>& written) {
    const Time recorded_at = FromUnixSeconds(record.recorded_at().seconds());
    if (record.has_state()) {
      const auto state = nodes_.InstanceStateOf({.identity = ToBytes(AsBytes(record.state().identity())),
                                                 .node_key_sha256 = AsBytes(record.node_key_sha256()),
                                                 .cluster = record.context().cluster(),
                                                 .name = record.context().name()},
                                                recorded_at);
      if (!state.ok()) return state.status();
      const auto denials = nodes_.Denials();
      if (!denials.ok()) return denials.status();
      const appraisal::TpmState then = appraisal::TpmStateOf(record);
      const auto enrolments = enrolments_.Of(then);
      if (!enrolments.ok()) return enrolments.status();
      if (state->ban != record.state().ban() || state->held_as != record.state().held_as() || !SameDenials(*denials, record.state()) ||
          *enrolments != then.enrolments) {
        return Error(StatusCode::kAborted, Cat("verdict ", record.id(),
                                               ": what is remembered of the instance has changed since it was appraised; appraise again"));
      }
    }
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      if (marks_.Has(digests[i], blobs[i].kind, UnixSeconds(recorded_at))) continue;
      written.push_back(i);
      SqliteStatement::Run insert(insert_blob_, operation);
      insert.Bind(ByteView(digests[i])).Bind(static_cast<std::int64_t>(blobs[i].kind)).Bind(UnixSeconds(recorded_at));
      insert.Bind(static_cast<std::int64_t>(blobs[i].bytes.size())).Bind(blobs[i].bytes);
      if (absl::Status status = insert.Finish(); !status.ok()) return status;
    }
    const absl::StatusOr<std::int64_t> sequence = InsertVerdict(record, serialized, operation);
    if (!sequence.ok()) return sequence.status();
    if (absl::Status status = nodes_.Apply(record, *sequence); !status.ok()) return status;
    return RaiseLatestTime(recorded_at, operation).status();
  }

  absl::StatusOr<std::int64_t> InsertVerdict(const v1::VerdictRecord& record, const std::string& serialized, const std::string& operation) {
    const v1::Appraisal& appraisal = record.appraisal();
    const v1::Finding* deciding = appraisal::DecidingFinding(appraisal);
    std::int64_t sequence = 0;
    {
      SqliteStatement::Run insert(insert_verdict_, operation);
      insert.Bind(record.id()).Bind(std::int64_t{record.recorded_at().seconds()}).Bind(std::int64_t{IsAttempt(record)});
      insert.Bind(record.context().cluster())
          .Bind(record.context().role())
          .Bind(record.context().name())
          .Bind(std::int64_t{appraisal.verdict()});
      insert.Bind(appraisal.platform()).Bind(appraisal.policy_set()).Bind(appraisal.policy()).Bind(std::int64_t{appraisal.strength()});
      insert.Bind(deciding == nullptr ? std::string_view() : std::string_view(deciding->reason()))
          .Bind(std::int64_t{appraisal.valid_until().seconds()});
      insert.Bind(AsBytes(appraisal.instance_identity())).Bind(AsBytes(record.node_key_sha256())).Bind(std::int64_t{appraisal.simulated()});
      const absl::StatusOr<bool> row = insert.Bind(AsBytes(serialized)).Step();
      if (!row.ok()) return row.status();
      if (!*row) return Error(StatusCode::kAlreadyExists, Cat("a verdict ", record.id(), " is recorded already"));
      sequence = insert.IntegerAt(0);
      if (absl::Status status = insert.Finish(); !status.ok()) return status;
    }
    std::set<std::string_view> reasons;
    for (const v1::Finding& finding : appraisal.findings()) reasons.insert(finding.reason());
    for (const std::string_view reason : reasons) {
      SqliteStatement::Run insert(insert_reason_, operation);
      if (absl::Status status = insert.Bind(reason).Bind(sequence).Finish(); !status.ok()) return status;
    }
    return sequence;
  }

  absl::Status FlipNow(const v1::VerdictSummary& verdict, v1::VerdictFlip flip, bool& news) {
    constexpr std::string_view kOperation = "record a flip";
    flip.set_was(verdict.verdict());
    std::string reason = verdict.reason();
    {
      SqliteStatement::Run last(last_flip_, kOperation);
      const absl::StatusOr<bool> row = last.Bind(verdict.sequence()).Step();
      if (!row.ok()) return row.status();
      if (*row) {
        flip.set_was(static_cast<v1::Verdict>(last.IntegerAt(0)));
        reason = last.TextAt(1);
      }
    }
    if (flip.became() == flip.was() && flip.finding().reason() == reason) return absl::OkStatus();
    const std::string why = Cat(v1::Verdict_Name(flip.was()).substr(8), " became ", v1::Verdict_Name(flip.became()).substr(8),
                                flip.has_finding() ? ": " : "", flip.finding().reason(),
                                flip.finding().actual().empty() ? "" : Cat(", ", flip.finding().component(), " ", flip.finding().actual()),
                                flip.cause().empty() ? "" : Cat(" (", flip.cause(), ")"));
    const Act act{std::string(kVerifier), why, FromUnixSeconds(flip.at().seconds())};
    if (flip.became() == v1::VERDICT_REJECTED) {
      SqliteStatement::Run update(revoke_, kOperation);
      update.Bind(verdict.id()).Bind(UnixSeconds(act.at)).Bind(std::string_view(act.by)).Bind(std::string_view(act.reason));
      if (absl::Status status = update.Finish(); !status.ok()) return status;
      if (database_->RowsChanged() == 0) return absl::OkStatus();  // revoked meanwhile: that stands, and says more
    }
    flip.clear_sequence();
    flip.clear_verdict();
    const std::string serialized = flip.SerializeAsString();
    SqliteStatement::Run insert(insert_flip_, kOperation);
    insert.Bind(verdict.sequence())
        .Bind(UnixSeconds(act.at))
        .Bind(std::int64_t{flip.became()})
        .Bind(std::string_view(flip.finding().reason()));
    if (absl::Status status = insert.Bind(AsBytes(serialized)).Finish(); !status.ok()) return status;
    news = true;
    return nodes_.Flipped(verdict, flip.became(), act);
  }

  absl::Status PurgeNow(const Retention& retention, std::int64_t now, Purged& purged) {
    purged = {};
    marks_.Forget();
    const auto run = [&](SqliteStatement& statement, std::int64_t& count, std::initializer_list<std::int64_t> parameters) {
      SqliteStatement::Run remove(statement, "forget what is old");
      for (const std::int64_t parameter : parameters) remove.Bind(parameter);
      if (absl::Status status = remove.Finish(); !status.ok()) return status;
      count += database_->RowsChanged();
      return absl::OkStatus();
    };
    if (absl::Status status = run(purge_attempts_, purged.attempts, {retention.attempts}); !status.ok()) return status;
    {
      std::int64_t bytes = 0;
      {
        SqliteStatement::Run sum(attempt_bytes_, "measure attempts");
        const absl::StatusOr<bool> row = sum.Step();
        if (!row.ok()) return row.status();
        bytes = sum.IntegerAt(0);
      }
      if (bytes > retention.attempt_bytes) {
        if (absl::Status status = run(purge_oldest_attempts_, purged.blobs, {}); !status.ok()) return status;
      }
    }
    if (retention.evidence.count() > 0) {
      const std::int64_t before = now - retention.evidence.count() - 2 * kMarkedEvery;
      for (const BlobClass kind : {BlobClass::kAttempt, BlobClass::kEvidence}) {
        if (absl::Status status = run(purge_blobs_, purged.blobs, {static_cast<std::int64_t>(kind), before}); !status.ok()) return status;
      }
    }
    if (retention.verdicts.count() == 0) return absl::OkStatus();
    const std::int64_t before = now - retention.verdicts.count();
    // Events first: whoever resumes behind one that is gone is told so, and never meets one without its verdict.
    std::int64_t last = 0, unused = 0;
    {
      SqliteStatement::Run find(last_old_event_, "forget old events");
      const absl::StatusOr<bool> row = find.Bind(before).Step();
      if (!row.ok()) return row.status();
      last = find.IntegerAt(0);
    }
    if (last != 0) {
      if (absl::Status status = run(purge_events_, purged.events, {last}); !status.ok()) return status;
      return run(mark_events_purged_, unused, {last});
    }
    if (absl::Status status = run(purge_verdicts_, purged.verdicts, {before}); !status.ok()) return status;
    for (const BlobClass kind : {BlobClass::kAttempt, BlobClass::kEvidence, BlobClass::kInput}) {
      if (absl::Status status = run(purge_blobs_, purged.blobs, {static_cast<std::int64_t>(kind), before - 2 * kMarkedEvery});
          !status.ok()) {
        return status;
      }
    }
    // Nodes are walked through part by part: an index by when they were seen would be written with every verdict.
    std::int64_t part_end = 0, part_size = 0;
    {
      SqliteStatement::Run find(nodes_part_, "forget old nodes");
      const absl::StatusOr<bool> row = find.Bind(nodes_walked_).Bind(kNodesAtOnce).Step();
      if (!row.ok()) return row.status();
      part_end = find.IntegerAt(0);
      part_size = find.IntegerAt(1);
    }
    if (absl::Status status = run(purge_nodes_, purged.nodes, {nodes_walked_, part_end, before}); !status.ok()) return status;
    nodes_walked_ = part_size < kNodesAtOnce ? 0 : part_end;
    return absl::OkStatus();
  }

  // Challenges of the time before a restore: what was redeemed between backup and restore is not known any more.
  absl::StatusOr<std::int64_t> RefuseBefore() {
    SqliteStatement::Run select(refuse_before_, "redeem a challenge");
    const absl::StatusOr<bool> row = select.Step();
    if (!row.ok()) return row.status();
    if (!*row) {
      return Error(StatusCode::kDataLoss, database_->Located("the mark of restores is missing; restore the database from a backup"));
    }
    return select.IntegerAt(0);
  }

  // Within a write; answers with the latest time as it is then.
  absl::StatusOr<Time> RaiseLatestTime(Time to, std::string_view operation) {
    SqliteStatement::Run raise(raise_latest_time_, operation);
    const absl::StatusOr<bool> row = raise.Bind(UnixSeconds(to)).Step();
    if (!row.ok()) return row.status();
    if (!*row) return Error(StatusCode::kDataLoss, database_->Located("the latest time is missing; restore the database from a backup"));
    const Time latest = FromUnixSeconds(raise.IntegerAt(0));
    if (absl::Status status = raise.Finish(); !status.ok()) return status;
    return latest;
  }

  std::unique_ptr<SqliteReader> reader_, lists_;
  std::unique_ptr<SqliteDatabase> database_;  // this and what is below belongs to whoever runs inside commits_
  SqliteNodes nodes_;
  SqliteEnrolments enrolments_;
  SqliteStatement insert_nonce_, forget_nonces_, insert_blob_, insert_verdict_, insert_reason_, raise_latest_time_, refuse_before_, revoke_,
      last_flip_, insert_flip_, purge_verdicts_, purge_attempts_, purge_blobs_, attempt_bytes_, purge_oldest_attempts_, last_old_event_,
      purge_events_, mark_events_purged_, nodes_part_, purge_nodes_;
  std::int64_t nodes_walked_ = 0;  // up to which the last purge looked; 0: to the end
  Marks marks_;
  GroupCommit commits_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<VerdictStore>> OpenSqliteStore(const std::string& path, const SqliteStoreOptions& options) {
  return SqliteStore::Open(path, options);
}

}  // namespace assay::store

#include <algorithm>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "store/collateral_store.h"
#include "store/filter.h"
#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"

namespace assay::store {
namespace {

using absl::StatusCode;

constexpr std::size_t kLongestFailure = 1000;
constexpr std::int64_t kMostNeverGot = 1000;  // anybody can name a document that there is none of

absl::Status Error(StatusCode code, const std::string& text) { return absl::Status(code, ToAbsl(text)); }
std::int64_t UnixSeconds(Time time) { return time.time_since_epoch().count(); }
std::optional<Time> TimeAt(const SqliteStatement::Run& run, int column) {
  const std::int64_t seconds = run.IntegerAt(column);
  return seconds == 0 ? std::nullopt : std::optional(Time{Duration{seconds}});
}

// Eight bytes, so that SQLite, whose integers have a sign, compares them as the numbers they are.
Bytes Encoded(std::uint64_t number) {
  Bytes bytes;
  AppendU64Be(bytes, number);
  return bytes;
}
std::optional<std::uint64_t> NumberAt(const SqliteStatement::Run& run, int column) {
  const ByteView bytes = run.BlobAt(column);
  if (bytes.size() != 8) return std::nullopt;
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

trust::CollateralKey KeyAt(const SqliteStatement::Run& run, int first) {
  return {run.TextAt(first), run.TextAt(first + 1), run.TextAt(first + 2)};
}

std::optional<trust::CollateralSource> SourceNamed(std::string_view name) {
  using trust::CollateralSource;
  for (const auto source : {CollateralSource::kNode, CollateralSource::kSupplied, CollateralSource::kCache, CollateralSource::kVendor,
                            CollateralSource::kImport}) {
    if (trust::NameOf(source) == name) return source;
  }
  return std::nullopt;
}

SqliteStatement::Run& BindKey(SqliteStatement::Run& run, const trust::CollateralKey& key, trust::Channel channel) {
  return run.Bind(std::string_view(key.kind))
      .Bind(std::string_view(key.scope))
      .Bind(std::string_view(key.detail))
      .Bind(trust::NameOf(channel));
}

// docs/operations.md lists them.
constexpr FilterField kFields[] = {
    {"channel", FieldType::kText, "channel"},
    {"detail", FieldType::kText, "detail"},
    {"failed", FieldType::kBool, "(failed_at > 0)"},
    {"kind", FieldType::kText, "kind"},
    {"next_update", FieldType::kTime, "next_update"},
    {"obtained", FieldType::kTime, "obtained_at"},
    {"scope", FieldType::kText, "scope"},
    {"source", FieldType::kText, "source"},
};

constexpr const char* kDocumentColumns =
    "collateral.kind, collateral.scope, collateral.detail, collateral.channel, collateral.source, collateral.obtained_at, collateral.number, collateral.issued, "
    "collateral.next_update, collateral.sha256, collateral_body.body FROM collateral JOIN collateral_body USING (sha256)";

class SqliteCollateral final : public CollateralStore {
 public:
  static absl::StatusOr<std::unique_ptr<CollateralStore>> Open(const std::string& path, const SqliteStoreOptions& options) {
    auto database = SqliteDatabase::Open(path, kSchema, {options.busy_timeout, options.max_bytes});
    if (!database.ok()) return database.status();
    std::unique_ptr<SqliteCollateral> store(new SqliteCollateral(*std::move(database)));
    if (absl::Status prepared = store->PrepareAll(); !prepared.ok()) return prepared;
    return store;
  }

  absl::Status Put(const KeptDocument& document) override {
    return Write(Cat("keep ", document.key.ToString()), [&] { return PutNow(document); });
  }

  absl::Status PutAll(std::span<const KeptDocument> documents) override {
    return Write("keep collateral", [&] {
      for (const KeptDocument& document : documents) {
        if (absl::Status kept = PutNow(document); !kept.ok() && !absl::IsFailedPrecondition(kept)) return kept;
      }
      return absl::OkStatus();
    });
  }

  absl::Status NoteFailure(const trust::CollateralKey& key, trust::Channel channel, std::string_view failure, Time at) override {
    if (absl::Status good = CheckKey(key); !good.ok()) return good;
    return Write("note a failure", [&] {
      SqliteStatement::Run run(fail_, "note a failure");
      const std::string shown = Printable(failure, kLongestFailure);
      if (absl::Status noted = BindKey(run, key, channel).Bind(UnixSeconds(at)).Bind(std::string_view(shown)).Finish(); !noted.ok()) {
        return noted;
      }
      SqliteStatement::Run forget(forget_failures_, "note a failure");
      return forget.Bind(kMostNeverGot).Finish();
    });
  }

  absl::StatusOr<std::vector<KeptDocument>> Find(const trust::CollateralKey& key) override {
    const std::lock_guard lock(mutex_);
    SqliteStatement::Run run(find_, "read collateral");
    run.Bind(std::string_view(key.kind)).Bind(std::string_view(key.scope)).Bind(std::string_view(key.detail));
    return DocumentsOf(run);
  }

  absl::StatusOr<std::vector<KeptDocument>> Load(std::span<const std::string_view> but) override {
    std::string without;
    for (std::size_t i = 0; i < but.size(); ++i) without += i == 0 ? "?" : ", ?";
    const std::lock_guard lock(mutex_);
    auto statement = database_->Prepare(
        Cat("SELECT ", kDocumentColumns, " WHERE collateral.kind NOT IN (", without, ") ORDER BY collateral.seq").c_str());
    if (!statement.ok()) return statement.status();
    SqliteStatement::Run run(*statement, "read collateral");
    for (const std::string_view kind : but) run.Bind(kind);
    return DocumentsOf(run);
  }

  absl::StatusOr<Page<CollateralState>> List(const PageRequest& request) override {
    const absl::StatusOr<SqlCondition> condition = ParseFilter(request.filter, kFields);
    if (!condition.ok()) return condition.status();
    const std::lock_guard lock(mutex_);
    auto statement = database_->Prepare(
        Cat("SELECT seq, kind, scope, detail, channel, sha256, size, source, obtained_at, number, issued, next_update, failed_at, failure FROM collateral "
            "NOT INDEXED WHERE (",
            condition->where, ") AND seq > ", request.after, " ORDER BY seq LIMIT ", request.size + 1)
            .c_str());
    if (!statement.ok()) return statement.status();
    SqliteStatement::Run run(*statement, "list collateral");
    for (const SqlValue& value : condition->parameters) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) run.Bind(*number);
      else if (const auto* text = std::get_if<std::string>(&value)) run.Bind(std::string_view(*text));
      else run.Bind(ByteView(std::get<Bytes>(value)));
    }
    Page<CollateralState> page;
    while (true) {
      const absl::StatusOr<bool> row = run.Step();
      if (!row.ok()) return row.status();
      if (!*row) return page;
      if (static_cast<int>(page.elements.size()) == request.size) {
        page.next = page.elements.back().sequence;
        return page;
      }
      CollateralState& state = page.elements.emplace_back();
      state.sequence = run.IntegerAt(0);
      state.key = KeyAt(run, 1);
      const auto channel = trust::ChannelNamed(run.TextAt(4));
      if (!channel) return Damaged(state.key, "its channel is unknown");
      state.channel = *channel;
      if (const ByteView sha256 = run.BlobAt(5); sha256.size() == crypto::Sha256Digest().size()) {
        std::copy(sha256.begin(), sha256.end(), state.sha256.emplace().begin());
      }
      state.size = run.IntegerAt(6);
      state.source = run.TextAt(7);
      state.obtained = TimeAt(run, 8);
      state.number = NumberAt(run, 9);
      state.issued = TimeAt(run, 10);
      state.next_update = TimeAt(run, 11);
      state.failed = TimeAt(run, 12);
      state.failure = run.TextAt(13);
    }
  }

  absl::StatusOr<std::vector<trust::Floor>> LoadFloors() override {
    const std::lock_guard lock(mutex_);
    SqliteStatement::Run run(load_floors_, "read the floors");
    std::vector<trust::Floor> floors;
    while (true) {
      const absl::StatusOr<bool> row = run.Step();
      if (!row.ok()) return row.status();
      if (!*row) break;
      const trust::CollateralKey series = KeyAt(run, 0);
      const auto channel = trust::ChannelNamed(run.TextAt(3));
      const auto number = NumberAt(run, 4);
      if (!channel || !number) return Damaged(series, "its floor has no channel or no number");
      floors.push_back({{series, *number, Time{Duration{run.IntegerAt(5)}}}, *channel});
    }
    std::sort(floors.begin(), floors.end(), [](const trust::Floor& a, const trust::Floor& b) {
      return std::tie(a.edition.series, a.channel) < std::tie(b.edition.series, b.channel);
    });
    return floors;
  }

  absl::Status RaiseFloors(std::span<const trust::Floor> floors) override {
    return Write("raise the floors", [&] { return RaiseNow(floors); });
  }

  absl::StatusOr<std::int64_t> NextBundleNumber(Time now) override {
    std::int64_t number = 0;
    const absl::Status written = Write("number a bundle", [&] {
      SqliteStatement::Run run(number_bundle_, "number a bundle");
      const absl::StatusOr<bool> row = run.Bind(UnixSeconds(now)).Step();
      if (!row.ok()) return row.status();
      if (!*row) {
        return Error(StatusCode::kDataLoss, database_->Located("the number of bundles is missing; restore the database from a backup"));
      }
      number = run.IntegerAt(0);
      return run.Finish();
    });
    if (!written.ok()) return written;
    return number;
  }

  absl::StatusOr<std::int64_t> Import(const ImportedBundle& bundle, std::span<const KeptDocument> documents,
                                      std::span<const trust::Floor> floors) override {
    std::int64_t taken = 0;
    const absl::Status imported = Write("import a bundle", [&] {
      if (absl::Status newer = RequireNewer(bundle); !newer.ok()) return newer;
      // Floors last: what is in the bundle is not older than the bundle's own floors, unless whoever made it says two things at once.
      for (const KeptDocument& document : documents) {
        const absl::Status kept = PutNow(document);
        if (!kept.ok() && !absl::IsFailedPrecondition(kept)) return kept;
        if (kept.ok()) ++taken;
      }
      if (absl::Status raised = RaiseNow(floors); !raised.ok()) return raised;
      SqliteStatement::Run run(record_bundle_, "import a bundle");
      run.Bind(std::string_view(bundle.key_id)).Bind(bundle.number).Bind(ByteView(bundle.sha256)).Bind(UnixSeconds(bundle.at));
      return run.Bind(std::string_view(bundle.by)).Finish();
    });
    if (!imported.ok()) return imported;
    return taken;
  }

  absl::StatusOr<std::vector<ImportedBundle>> Imports() override {
    const std::lock_guard lock(mutex_);
    SqliteStatement::Run run(load_bundles_, "read the imports");
    std::vector<ImportedBundle> bundles;
    while (true) {
      const absl::StatusOr<bool> row = run.Step();
      if (!row.ok()) return row.status();
      if (!*row) return bundles;
      bundles.push_back(BundleAt(run));
    }
  }

 private:
  explicit SqliteCollateral(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)) {}

  absl::Status PrepareAll() {
    const std::string find =
        Cat("SELECT ", kDocumentColumns,
            " WHERE collateral.kind = ?1 AND collateral.scope = ?2 AND collateral.detail = ?3 ORDER BY collateral.channel DESC");
    return database_->PrepareAll({
        {&floor_of_, "SELECT number, issued FROM floor WHERE kind = ?1 AND scope = ?2 AND detail = ?3 AND channel = ?4"},
        {&insert_body_, "INSERT INTO collateral_body VALUES (?1, ?2) ON CONFLICT (sha256) DO NOTHING"},
        {&put_,
         "INSERT INTO collateral (kind, scope, detail, channel, sha256, size, source, obtained_at, number, issued, next_update) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
         "nullif(?9, x''), ?10, ?11) ON CONFLICT (kind, scope, detail, channel) DO UPDATE SET sha256 = ?5, size = ?6, source = ?7, obtained_at = ?8, number = nullif(?9, x''), "
         "issued = ?10, next_update = ?11, failed_at = 0, failure = ''"},
        {&fail_,
         "INSERT INTO collateral (kind, scope, detail, channel, failed_at, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
         "ON CONFLICT (kind, scope, detail, channel) DO UPDATE SET failed_at = ?5, failure = ?6"},
        // Bounded, so that no call pays for all of a flood; each adds one and forgets up to a thousand.
        {&forget_failures_,
         "DELETE FROM collateral WHERE seq IN "
         "(SELECT seq FROM collateral WHERE sha256 IS NULL ORDER BY failed_at DESC, seq DESC LIMIT 1000 OFFSET ?1)"},
        {&find_, find.c_str()},
        {&load_floors_, "SELECT kind, scope, detail, channel, number, issued FROM floor"},
        {&raise_,
         "INSERT INTO floor VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (kind, scope, detail, channel) DO UPDATE SET number = ?5, issued = ?6 WHERE (number, issued) < (?5, ?6)"},
        {&number_bundle_, "UPDATE meta SET value = max(value + 1, ?1) WHERE name = 'bundle_number' RETURNING value"},
        {&find_bundle_, "SELECT key_id, number, sha256, at, by FROM bundle WHERE key_id = ?1"},
        {&load_bundles_, "SELECT key_id, number, sha256, at, by FROM bundle ORDER BY key_id"},
        {&record_bundle_,
         "INSERT INTO bundle VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key_id) DO UPDATE SET number = ?2, sha256 = ?3, at = ?4, by = ?5"},
    });
  }

  template <typename Change>
  absl::Status Write(const std::string& operation, const Change& change) {
    const std::lock_guard lock(mutex_);
    SqliteTransaction transaction(*database_, operation);
    if (absl::Status begun = transaction.Begin(); !begun.ok()) return begun;
    if (absl::Status changed = change(); !changed.ok()) return changed;
    return transaction.Commit();
  }

  absl::Status CheckKey(const trust::CollateralKey& key) const {
    for (const std::string& part : {key.kind, key.scope, key.detail}) {
      if (Printable(part, 1024) != part) {
        return Error(StatusCode::kInvalidArgument,
                     Cat("a key of collateral is printable text, this one is '", Printable(key.ToString(), 200), "'"));
      }
    }
    return key.kind.empty() ? Error(StatusCode::kInvalidArgument, "a key of collateral has a kind, this one has none") : absl::OkStatus();
  }
  absl::Status Damaged(const trust::CollateralKey& key, std::string_view how) const {
    return Error(StatusCode::kDataLoss, database_->Located(Cat("collateral ", Printable(key.ToString(), 200), " is damaged, ", how,
                                                               "; restore the database from a backup")));
  }

  absl::Status PutNow(const KeptDocument& document) {
    if (absl::Status good = CheckKey(document.key); !good.ok()) return good;
    if (document.number) {
      if (absl::Status newer = RequireAtFloor(document); !newer.ok()) return newer;
    }
    const crypto::Sha256Digest sha256 = crypto::Sha256(document.body);
    {
      SqliteStatement::Run run(insert_body_, "keep collateral");
      if (absl::Status done = run.Bind(ByteView(sha256)).Bind(ByteView(document.body)).Finish(); !done.ok()) return done;
    }
    const Bytes number = document.number ? Encoded(*document.number) : Bytes();
    SqliteStatement::Run run(put_, "keep collateral");
    BindKey(run, document.key, document.channel)
        .Bind(ByteView(sha256))
        .Bind(static_cast<std::int64_t>(document.body.size()))
        .Bind(trust::NameOf(document.source));
    run.Bind(UnixSeconds(document.obtained)).Bind(ByteView(number)).Bind(UnixSeconds(document.issued.value_or(Time{})));
    return run.Bind(UnixSeconds(document.next_update.value_or(Time{}))).Finish();
  }

  absl::Status RequireAtFloor(const KeptDocument& document) {
    SqliteStatement::Run run(floor_of_, "read a floor");
    const absl::StatusOr<bool> row = BindKey(run, document.key, document.channel).Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    const auto number = NumberAt(run, 0);
    if (!number) return Damaged(document.key, "its floor has no number");
    const trust::Edition floor{document.key, *number, Time{Duration{run.IntegerAt(1)}}};
    const trust::Edition edition{document.key, *document.number, document.issued.value_or(Time{})};
    if (!edition.IsOlderThan(floor)) return absl::OkStatus();
    return Error(StatusCode::kFailedPrecondition,
                 Cat(document.key.ToString(), ": expected at least number ", floor.number, ", issued ", FormatTime(floor.issued),
                     ", actual: number ", edition.number, ", issued ", FormatTime(edition.issued),
                     "; an older document than one that was had before is not kept"));
  }

  absl::Status RaiseNow(std::span<const trust::Floor> floors) {
    for (const trust::Floor& floor : floors) {
      if (absl::Status good = CheckKey(floor.edition.series); !good.ok()) return good;
      const Bytes number = Encoded(floor.edition.number);
      SqliteStatement::Run run(raise_, "raise a floor");
      if (absl::Status done =
              BindKey(run, floor.edition.series, floor.channel).Bind(ByteView(number)).Bind(UnixSeconds(floor.edition.issued)).Finish();
          !done.ok()) {
        return done;
      }
    }
    return absl::OkStatus();
  }

  absl::Status RequireNewer(const ImportedBundle& bundle) {
    SqliteStatement::Run run(find_bundle_, "read the imports");
    const absl::StatusOr<bool> row = run.Bind(std::string_view(bundle.key_id)).Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    const ImportedBundle last = BundleAt(run);
    if (bundle.number > last.number) return absl::OkStatus();
    if (bundle.number == last.number && bundle.sha256 == last.sha256) {
      return Error(StatusCode::kAlreadyExists, Cat("bundle ", bundle.number, " was imported at ", FormatTime(last.at)));
    }
    return Error(StatusCode::kFailedPrecondition,
                 Cat("bundle: expected a number above ", last.number, ", imported at ", FormatTime(last.at),
                     " from this key, actual: ", bundle.number, ". Export a new one; an older one would take back what is known since."));
  }

  static ImportedBundle BundleAt(const SqliteStatement::Run& run) {
    ImportedBundle bundle{.key_id = run.TextAt(0), .number = run.IntegerAt(1), .at = Time{Duration{run.IntegerAt(3)}}, .by = run.TextAt(4)};
    const ByteView sha256 = run.BlobAt(2);
    std::copy_n(sha256.begin(), std::min(sha256.size(), bundle.sha256.size()), bundle.sha256.begin());
    return bundle;
  }

  absl::StatusOr<std::vector<KeptDocument>> DocumentsOf(SqliteStatement::Run& run) const {
    std::vector<KeptDocument> documents;
    while (true) {
      const absl::StatusOr<bool> row = run.Step();
      if (!row.ok()) return row.status();
      if (!*row) return documents;
      KeptDocument& document = documents.emplace_back();
      document.key = KeyAt(run, 0);
      const auto channel = trust::ChannelNamed(run.TextAt(3));
      const auto source = SourceNamed(run.TextAt(4));
      if (!channel || !source) return Damaged(document.key, "its channel or source is unknown");
      document.channel = *channel;
      document.source = *source;
      document.obtained = Time{Duration{run.IntegerAt(5)}};
      document.number = NumberAt(run, 6);
      document.issued = TimeAt(run, 7);
      document.next_update = TimeAt(run, 8);
      document.body = ToBytes(run.BlobAt(10));
      if (!Equal(crypto::Sha256(document.body), run.BlobAt(9))) return Damaged(document.key, "its bytes do not have their digest");
    }
  }

  std::mutex mutex_;  // guards everything below
  const std::unique_ptr<SqliteDatabase> database_;
  SqliteStatement floor_of_, insert_body_, put_, fail_, forget_failures_, find_, load_floors_, raise_, number_bundle_, find_bundle_,
      load_bundles_, record_bundle_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CollateralStore>> OpenSqliteCollateral(const std::string& path, const SqliteStoreOptions& options) {
  return SqliteCollateral::Open(path, options);
}

}  // namespace assay::store

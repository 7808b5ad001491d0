#include "store/sqlite_enrolments.h"

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::store {
namespace {

constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kLongestName = 253 + 1 + 253;

std::string_view NameOf(v1::TpmKeyKind kind) { return kind == v1::TPM_KEY_KIND_ENDORSEMENT ? "endorsement_key" : "attestation_key"; }

std::string Told(const v1::EnrolledKey& key) {
  return Cat("enrolled by ", key.by(), " at ", FormatTime(Time{Duration{key.at().seconds()}}), ": ", key.reason());
}

absl::Status Refuse(std::string_view field, std::string_view expected, std::string_view actual) {
  return absl::InvalidArgumentError(ToAbsl(Cat(field, ": expected ", expected, ", actual ", actual)));
}

absl::Status Check(const v1::EnrolledKey& key) {
  if (key.kind() != v1::TPM_KEY_KIND_ATTESTATION && key.kind() != v1::TPM_KEY_KIND_ENDORSEMENT) {
    return Refuse("kind", "attestation or endorsement", "neither");
  }
  if (key.spki_sha256().size() != kDigestSize) return Refuse("spki_sha256", "32 bytes", Cat(key.spki_sha256().size(), " bytes"));
  if (key.node().empty()) return absl::OkStatus();
  const std::size_t slash = key.node().find('/');
  const bool whole = slash != std::string::npos && slash > 0 && slash + 1 < key.node().size() && key.node().size() <= kLongestName &&
                     Printable(key.node(), kLongestName) == key.node();
  return whole ? absl::OkStatus() : Refuse("node", "cluster/name", Cat("'", Printable(key.node(), 80), "'"));
}

absl::Status Taken(const v1::EnrolledKey& by) {
  return absl::AlreadyExistsError(ToAbsl(Cat(TargetOf(by), by.node().empty() ? "" : Cat(" for ", by.node()), ", ", Told(by))));
}

}  // namespace

std::string TargetOf(const v1::EnrolledKey& key) { return Cat(NameOf(key.kind()), ":", ToHex(AsBytes(key.spki_sha256()))); }

v1::EnrolledKey EnrolmentAt(const SqliteStatement::Run& run, int first) {
  v1::EnrolledKey key;
  key.set_kind(static_cast<v1::TpmKeyKind>(run.IntegerAt(first + 1)));
  key.set_spki_sha256(std::string(AsText(run.BlobAt(first + 2))));
  key.set_tpm_name(std::string(AsText(run.BlobAt(first + 3))));
  key.set_node(run.TextAt(first + 4));
  key.mutable_at()->set_seconds(run.IntegerAt(first + 5));
  key.set_by(run.TextAt(first + 6));
  key.set_reason(run.TextAt(first + 7));
  return key;
}

absl::Status SqliteEnrolments::Prepare(SqliteDatabase& database) {
  const std::string find = Cat("SELECT ", kEnrolmentColumns, " FROM enrolment WHERE spki = ?1");
  const std::string find_node = Cat("SELECT ", kEnrolmentColumns, " FROM enrolment WHERE node = ?1 AND kind = ?2 AND node <> ''");
  const std::string find_all =
      Cat("SELECT ", kEnrolmentColumns, " FROM enrolment WHERE spki = ?1 OR spki = ?2 OR (node = ?3 AND node <> '') ORDER BY kind, spki");
  return database.PrepareAll({
      {&find_, find.c_str()},
      {&find_node_, find_node.c_str()},
      {&find_all_, find_all.c_str()},
      {&insert_, "INSERT INTO enrolment (kind, spki, tpm_name, node, at, by, because) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      {&delete_, "DELETE FROM enrolment WHERE spki = ?1"},
  });
}

absl::StatusOr<std::optional<v1::EnrolledKey>> SqliteEnrolments::Find(ByteView spki_sha256) {
  SqliteStatement::Run run(find_, "read the enrolments");
  const absl::StatusOr<bool> row = run.Bind(spki_sha256).Step();
  if (!row.ok()) return row.status();
  return *row ? std::optional(EnrolmentAt(run, 0)) : std::nullopt;
}

absl::StatusOr<std::vector<appraisal::Enrolment>> SqliteEnrolments::Of(const appraisal::TpmState& asked) {
  std::vector<appraisal::Enrolment> enrolments;
  if (asked.attestation_key.empty() && asked.endorsement_key.empty() && asked.asked_as.empty()) return enrolments;
  SqliteStatement::Run run(find_all_, "read the enrolments");
  run.Bind(ByteView(asked.attestation_key)).Bind(ByteView(asked.endorsement_key)).Bind(std::string_view(asked.asked_as));
  while (true) {
    const absl::StatusOr<bool> row = run.Step();
    if (!row.ok()) return row.status();
    if (!*row) return enrolments;
    const v1::EnrolledKey key = EnrolmentAt(run, 0);
    enrolments.push_back(
        {key.kind() == v1::TPM_KEY_KIND_ENDORSEMENT ? appraisal::Enrolment::Of::kEndorsementKey : appraisal::Enrolment::Of::kAttestationKey,
         ToBytes(AsBytes(key.spki_sha256())), ToBytes(AsBytes(key.tpm_name())), key.node(), Told(key)});
  }
}

absl::StatusOr<SqliteEnrolments::Enrolled> SqliteEnrolments::Enrol(const v1::EnrolledKey& key, const Act& act) {
  if (absl::Status good = Check(key); !good.ok()) return good;
  const auto present = Find(AsBytes(key.spki_sha256()));
  if (!present.ok()) return present.status();
  if (*present) {
    const v1::EnrolledKey& stands = **present;
    const bool same = stands.kind() == key.kind() && stands.tpm_name() == key.tpm_name() && stands.node() == key.node();
    return same ? absl::StatusOr<Enrolled>(Enrolled{stands, false}) : Taken(stands);
  }
  if (!key.node().empty()) {
    SqliteStatement::Run run(find_node_, "read the enrolments");
    const absl::StatusOr<bool> row = run.Bind(std::string_view(key.node())).Bind(std::int64_t{key.kind()}).Step();
    if (!row.ok()) return row.status();
    if (*row) return Taken(EnrolmentAt(run, 0));
  }
  {
    SqliteStatement::Run run(insert_, "record an enrolment");
    run.Bind(std::int64_t{key.kind()}).Bind(AsBytes(key.spki_sha256())).Bind(AsBytes(key.tpm_name())).Bind(std::string_view(key.node()));
    run.Bind(std::int64_t{act.at.time_since_epoch().count()}).Bind(std::string_view(act.by)).Bind(std::string_view(act.reason));
    if (absl::Status done = run.Finish(); !done.ok()) return done;
  }
  const auto enrolled = Find(AsBytes(key.spki_sha256()));
  if (!enrolled.ok()) return enrolled.status();
  return Enrolled{**enrolled, true};
}

absl::StatusOr<v1::EnrolledKey> SqliteEnrolments::Unenrol(ByteView spki_sha256) {
  const auto present = Find(spki_sha256);
  if (!present.ok()) return present.status();
  if (!*present) return absl::NotFoundError(ToAbsl(Cat("no key is enrolled with the digest ", ToHex(spki_sha256))));
  SqliteStatement::Run run(delete_, "end an enrolment");
  if (absl::Status done = run.Bind(spki_sha256).Finish(); !done.ok()) return done;
  return **present;
}

}  // namespace assay::store

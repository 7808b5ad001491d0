// Keys of TPMs that operators enrolled, as rows.
//
// Promises: a key is enrolled once, and for a name at most one key of each kind; whoever enrols another is told which one stands. The
// caller holds the transaction, and the connection.
#pragma once

#include "store/sqlite_database.h"
#include "store/verdict_store.h"

namespace assay::store {

class SqliteEnrolments {
 public:
  absl::Status Prepare(SqliteDatabase& database);

  absl::StatusOr<std::vector<appraisal::Enrolment>> Of(const appraisal::TpmState& asked);
  struct Enrolled {
    v1::EnrolledKey key;
    bool news;  // false: it was enrolled so before
  };
  absl::StatusOr<Enrolled> Enrol(const v1::EnrolledKey& key, const Act& act);
  absl::StatusOr<v1::EnrolledKey> Unenrol(ByteView spki_sha256);

 private:
  absl::StatusOr<std::optional<v1::EnrolledKey>> Find(ByteView spki_sha256);

  SqliteStatement find_, find_node_, find_all_, insert_, delete_;
};

std::string TargetOf(const v1::EnrolledKey& key);  // "attestation_key:<hex>"

// Rows as messages. The columns are read from `first` on.
inline constexpr const char* kEnrolmentColumns =
    "enrolment.seq, enrolment.kind, enrolment.spki, enrolment.tpm_name, enrolment.node, enrolment.at, enrolment.by, enrolment.because";
v1::EnrolledKey EnrolmentAt(const SqliteStatement::Run& run, int first);

}  // namespace assay::store

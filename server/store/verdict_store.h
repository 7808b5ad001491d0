// What the verifier must remember: verdicts with everything that replays them, challenges that were redeemed, nodes, bans,
// and what happened in which order.
//
// Promises: every call that changes something is durable when it returns OK (a kill -9 or power cut afterwards loses
// nothing); a nonce is redeemed at most once, whoever asks and however often; blobs are content-addressed and stored once; a
// verdict, what it changes about its node, and the event that says so are one transaction. Lists take constant memory,
// however much is stored. Does not promise to judge anything. Thread-safe; every call may block on the disk.
//
// Errors: AlreadyExists (Redeem: this nonce was redeemed; Record: this id is recorded; Enrol: key or node is taken), NotFound (what is named is not
// there), InvalidArgument (an id, nonce, filter or ban that is none, a record without time or that would not parse), Aborted
// (Record: what was remembered of the instance has changed since the appraisal read it; appraise again), OutOfRange
// (EventsAfter: purged), FailedPrecondition (Redeem: the challenge expired so long before the latest time that its nonce may
// be forgotten), Unavailable (disk full, locked or broken: the message names file, operation and what to do), DataLoss (a
// stored blob does not have the digest that it is stored under, a record does not parse, or the database itself is damaged).
// Whatever the error of Redeem, the challenge must not be accepted.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "appraisal/appraiser.h"
#include "assay/v1/node.pb.h"
#include "assay/v1/verdict_record.pb.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/digest.h"

namespace assay::store {

// How long a blob is worth keeping, least first; bytes stored for several purposes are kept for the best.
enum class BlobClass : std::uint8_t { kAttempt, kEvidence, kInput };
struct Blob {
  ByteView bytes;
  BlobClass kind;
  std::optional<crypto::Sha256Digest> sha256 = {};  // of the bytes, where the caller has computed it
};

// Whom a verdict would be about.
struct Candidate {
  Bytes identity;  // hinted instance identity; empty: none
  ByteView node_key_sha256;
  std::string_view cluster, name;
};

// Who changes something, when and why.
struct Act {
  std::string by, reason;
  Time at;
};

struct PageRequest {
  std::string filter = {};  // AIP-160; "" = all
  bool newest_first = false;
  std::int64_t after = 0;  // sequence at which the page before ended; 0 = from the beginning
  int size = 100;
};
template <typename T>
struct Page {
  std::vector<T> elements;
  std::int64_t next = 0;  // where the page ended; 0 = at the end
};

// What is forgotten, and when. Zero durations: never.
struct Retention {
  Duration verdicts{};  // and their policies, collateral, events, and nodes that were not seen since, nor trusted, nor are in conflict
  Duration evidence{};  // of verdicts; they can't be replayed afterwards
  std::int64_t attempts = 10'000;
  std::int64_t attempt_bytes = 256LL * 1024 * 1024;  // of their evidence
};
struct Purged {
  std::int64_t verdicts = 0, attempts = 0, blobs = 0, events = 0, nodes = 0;
  std::int64_t total() const { return verdicts + attempts + blobs + events + nodes; }
};

// Nodes by how they stand; each counts once, banned before expired before its last verdict.
struct NodeCounts {
  std::int64_t trusted = 0, trusted_with_warnings = 0, rejected = 0, indeterminate = 0, expired = 0, banned = 0;
};

// Verdicts of one kind, attempts left out.
struct VerdictCount {
  std::string platform;
  v1::Verdict verdict = v1::VERDICT_UNSPECIFIED;
  v1::Strength strength = v1::STRENGTH_UNSPECIFIED;
  bool simulated = false;
  std::int64_t count = 0;
  std::int64_t latest = 0;  // sequence of the latest
  std::string latest_id = {};
};

class VerdictStore {
 public:
  virtual ~VerdictStore() = default;

  // Marks the nonce of a challenge (32 bytes) as redeemed. Nonces whose challenges expired long before the latest time
  // are forgotten, and their challenges refused: by their window, and here if that was not looked at.
  virtual absl::Status Redeem(ByteView nonce, Time expires, Time now) = 0;

  // What is remembered for an appraisal of this candidate.
  virtual absl::StatusOr<appraisal::InstanceState> InstanceStateOf(const Candidate& candidate, Time now) = 0;

  // Certificates and signed values that are banned, whoever has them; sorted by kind and value.
  virtual absl::StatusOr<std::vector<appraisal::Denial>> Denials() = 0;

  // Keys of TPMs that are enrolled, as far as they are `asked.attestation_key`, `asked.endorsement_key` or for `asked.asked_as`; sorted by
  // kind and digest.
  virtual absl::StatusOr<std::vector<appraisal::Enrolment>> EnrolmentsOf(const appraisal::TpmState& asked) = 0;

  // Stores the record and its inputs, and what it means for its node, in one transaction. `record.id()` is a NewVerdictId().
  // A record without instance identity is an attempt: it changes no node and makes no event. If the record has a state, it is
  // compared with what is remembered now.
  virtual absl::Status Record(const v1::VerdictRecord& record, std::span<const Blob> blobs) = 0;

  virtual absl::StatusOr<v1::VerdictRecord> Get(std::string_view id) = 0;
  virtual absl::StatusOr<v1::VerdictSummary> GetSummary(std::string_view id) = 0;
  virtual absl::StatusOr<Bytes> GetBlob(const crypto::Sha256Digest& sha256) = 0;

  virtual absl::StatusOr<Page<v1::VerdictSummary>> ListVerdicts(const PageRequest& request) = 0;
  virtual absl::StatusOr<Page<v1::Node>> ListNodes(const PageRequest& request) = 0;
  virtual absl::StatusOr<Page<v1::Ban>> ListBans(const PageRequest& request) = 0;                // takes no filter
  virtual absl::StatusOr<Page<v1::EnrolledKey>> ListEnrolments(const PageRequest& request) = 0;  // takes no filter
  virtual absl::StatusOr<NodeCounts> CountNodes(Time now) = 0;
  // What was recorded from `since` on; sorted by platform, verdict, strength and simulation. Reads each of them.
  virtual absl::StatusOr<std::vector<VerdictCount>> CountVerdicts(Time since) = 0;
  // Events behind `after` whose verdict, if they have one, fits the filter; oldest first. `next` is how far it looked.
  virtual absl::StatusOr<Page<v1::VerdictEvent>> EventsAfter(std::int64_t after, const std::string& filter, int size) = 0;
  virtual absl::StatusOr<std::int64_t> LatestEvent() = 0;

  // Each answers with how things stand afterwards. What is so already stays as it is.
  virtual absl::StatusOr<v1::VerdictSummary> Revoke(std::string_view id, const Act& act) = 0;
  virtual absl::StatusOr<v1::Node> Release(ByteView identity, const Act& act) = 0;
  virtual absl::StatusOr<v1::Ban> Impose(v1::BanKind kind, std::string_view value, const Act& act) = 0;
  virtual absl::StatusOr<v1::Ban> Lift(v1::BanKind kind, std::string_view value, const Act& act) = 0;

  // Enrols kind, digest, Name and node of `key`; the rest is filled in here. AlreadyExists: it is enrolled otherwise, or another key of
  // its kind is enrolled for its node.
  virtual absl::StatusOr<v1::EnrolledKey> Enrol(const v1::EnrolledKey& key, const Act& act) = 0;
  virtual absl::StatusOr<v1::EnrolledKey> Unenrol(ByteView spki_sha256, const Act& act) = 0;

  // What a re-appraisal found of a verdict: kept, with its event, if it differs from what was found last, else from the record; then
  // true. One that became REJECTED is revoked in the same transaction. `was` and the verdict as it stands are filled in here. A
  // verdict that is revoked already stays as it is.
  virtual absl::StatusOr<bool> RecordFlip(std::string_view id, const v1::VerdictFlip& found) = 0;
  virtual absl::StatusOr<Page<v1::VerdictFlip>> ListFlips(const PageRequest& request) = 0;  // newest first

  // Forgets a bounded part of what may be forgotten; call again while total() is not 0.
  virtual absl::StatusOr<Purged> Purge(const Retention& retention, Time now) = 0;

  // The latest time at which anything was recorded or redeemed; the epoch if nothing was. A live clock behind it is
  // wrong.
  virtual absl::StatusOr<Time> LatestTime() = 0;

  // Reads and writes once, for health checks.
  virtual absl::Status Probe() = 0;

  virtual std::int64_t SizeInBytes() = 0;  // of what is on disk; 0 if unknown
};

}  // namespace assay::store

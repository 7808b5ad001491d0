// What the verifier must remember: verdicts with everything that replays them, and challenges that were redeemed.
//
// Promises: Redeem and Record are durable when they return OK (a kill -9 or power cut afterwards loses nothing); a
// nonce is redeemed at most once, whoever asks and however often; blobs are content-addressed and stored once. Does not
// promise to judge anything. Thread-safe; every call may block on the disk.
//
// Errors: AlreadyExists (Redeem: this nonce was redeemed; Record: this id is recorded), NotFound (Get, GetBlob),
// InvalidArgument (an id or nonce that is none, a record without time or that would not parse), FailedPrecondition
// (Redeem: the challenge expired so long before the latest time that its nonce may be forgotten), Unavailable (disk
// full, locked or broken: the message names file, operation and what to do), DataLoss (a stored blob does not have the
// digest that it is stored under, a record does not parse, or the database itself is damaged). Whatever the error of
// Redeem, the challenge must not be accepted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "assay/v1/verdict_record.pb.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/digest.h"

namespace assay::store {

class VerdictStore {
 public:
  virtual ~VerdictStore() = default;

  // Marks the nonce of a challenge (32 bytes) as redeemed. Nonces whose challenges expired long before the latest time
  // are forgotten, and their challenges refused: by their window, and here if that was not looked at.
  virtual absl::Status Redeem(ByteView nonce, Time expires, Time now) = 0;

  // Stores the record and all its inputs in one transaction. `record.id()` is a NewVerdictId().
  virtual absl::Status Record(const v1::VerdictRecord& record, const std::vector<ByteView>& blobs) = 0;

  virtual absl::StatusOr<v1::VerdictRecord> Get(std::string_view id) = 0;
  virtual absl::StatusOr<Bytes> GetBlob(const crypto::Sha256Digest& sha256) = 0;

  // The latest time at which anything was recorded or redeemed; the epoch if nothing was. A live clock behind it is
  // wrong.
  virtual absl::StatusOr<Time> LatestTime() = 0;

  // Reads and writes once, for health checks.
  virtual absl::Status Probe() = 0;
};

}  // namespace assay::store

// How a node joins: challenge, evidence that answers it, verdict.
//
// Promises: evidence is collected only for a challenge that names the key of the very server that this connection reached,
// so that a relay gets none that is good elsewhere. Does not promise to be trusted: the answer says.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "assay/v1/attestation_service.pb.h"
#include "client/agent/evidence_source.h"
#include "crypto/digest.h"
#include "crypto/private_key.h"

namespace assay::agent {

// The join listener's two calls, over one authenticated TLS connection whose client key is the node key.
class JoinConnection {
 public:
  virtual ~JoinConnection() = default;
  virtual absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request) = 0;
  virtual absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request) = 0;
  // SHA-256 of the SubjectPublicKeyInfo of the server's certificate, as the last call met it; nullopt: there was none.
  virtual std::optional<crypto::Sha256Digest> ServerKey() const = 0;
};

struct JoinRequest {
  std::string cluster;
  std::string role;
  std::string name = {};
  std::string platform = {};     // a hint; "": the server infers it
  std::string ear_profile = {};  // of the token; "": the server's default
};

// Unauthenticated: the challenge names another server key than the connection's, or is not of its form. Other errors are
// those of the calls and of the source.
absl::StatusOr<v1::AttestResponse> Join(const JoinRequest& request, const crypto::PrivateKey& node_key, EvidenceSource& source,
                                        JoinConnection& connection);

}  // namespace assay::agent

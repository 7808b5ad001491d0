// The join protocol without its transport: challenges made, answers appraised and recorded. docs/join.md.
//
// Promises: the checks of an answer run from cheap to dear: sizes, MAC, window, context, possession of the node key, then the
// challenge is consumed in the store, and only then is evidence opened; a verdict that can't be recorded isn't given; the
// clock is read once a call; what evidence lacks is fetched, and nobody waits for that on the caller's thread. Thread-safe. Does not
// promise to be quick: Attest verifies signatures and waits for the disk.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "appraisal/appraiser.h"
#include "assay/v1/attestation_service.pb.h"
#include "base/clock.h"
#include "base/random.h"
#include "collateral/keeper.h"
#include "result/key_ring.h"
#include "service/challenge_codec.h"
#include "service/rate_limit.h"
#include "service/refusal.h"
#include "store/verdict_store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "trust/anchors.h"
#include "trust/collateral.h"
#include "trust/fact_cache.h"
#include "trust/fact_caches.h"

namespace assay::service {

// The other end of the connection, as TLS authenticated it.
struct Peer {
  std::optional<std::string> certificate_pem;  // the client's; nullopt: none was shown
  std::string address;                         // for the log
  crypto::Sha256Digest server_spki;            // of the certificate that this end showed
  std::string request_id;                      // for the log
};

// Everything that the protocol stands on; all of it outlives the Attestation.
struct AttestationInputs {
  const appraisal::Registry& registry;
  const appraisal::PolicyBook& policies;
  const trust::AnchorSet& anchors;
  std::vector<trust::CollateralItem> collateral;  // beside what nodes send
  collateral::Keeper* keeper = nullptr;           // whose collateral is used as well; nullptr: nobody's
  Duration challenge_lifetime{60};
  bool tls_terminated = false;        // by a proxy: what TLS says of a peer is not about the node
  Time not_before;                    // a live clock before it is wrong
  const result::KeyRing* token_keys;  // nullptr: no tokens
  std::string token_issuer;
  store::VerdictStore& store;
  std::function<void()> changed = [] {};  // called after a verdict about a node was recorded
  const Clock& clock;
  Random& random;
  telemetry::Log& log;
  telemetry::Metrics& metrics;
};

class Attestation {
 public:
  Attestation(AttestationInputs inputs, ChallengeCodec codec);

  // Connections show this certificate from now on: field 8 of the transcript. Challenges made under the former one are
  // answered for as long as they live. Behind a proxy that terminates TLS it means nothing: field 8 is empty there, and only there.
  void UseServerKey(const crypto::Sha256Digest& spki_sha256);

  // Whether the node's key has been decoded and found to be the connection's before: then CreateChallenge is quick.
  bool Knows(const v1::AttesterKeys& keys, const Peer& peer) const;

  Answer<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request, const Peer& peer);

  // An answer whose challenge is consumed: what it was made of, and the collateral that was gathered for it.
  struct Pending;
  // `abandoned` is asked before each dear step; true ends the call with `overloaded`, as nobody waits for it any more. `request` outlives
  // what is returned.
  Answer<std::shared_ptr<Pending>> Begin(const v1::AttestRequest& request, const Peer& peer, const std::function<bool()>& abandoned);
  // Documents that are missing and being fetched, and are expected within `patience` from Begin; empty: nothing to wait for.
  std::vector<trust::CollateralKey> WorthWaitingFor(const Pending& pending, collateral::Milliseconds patience) const;
  // After waiting.
  void GatherAgain(Pending& pending);
  Answer<v1::AttestResponse> Conclude(Pending& pending, const std::function<bool()>& abandoned);

  // Begin and Conclude, without waiting for anything.
  Answer<v1::AttestResponse> Attest(const v1::AttestRequest& request, const Peer& peer, const std::function<bool()>& abandoned);

 private:
  void Gather(Pending& pending);
  void SayWhatIsAbsent(const Pending& pending, const v1::Appraisal& appraisal, v1::AttestResponse& response) const;
  struct Demand;
  // The node's key, which the connection possesses (behind a proxy: not looked at), if all fields are as they must be.
  Answer<crypto::PublicKey> CheckRequest(const v1::AttestationContext& context, const v1::AttesterKeys& keys, const std::string& platform,
                                         const Peer& peer) const;
  crypto::Sha256Digest PolicySetId(const v1::AttestationContext& context) const;
  static std::optional<Refusal> CheckPossession(const v1::AttesterKeys& keys, const Peer& peer);
  std::optional<Refusal> CheckSignature(const v1::AttestRequest& request, const crypto::PublicKey& node_key) const;
  static std::optional<Refusal> CheckAttestationKey(const v1::AttestRequest& request);
  static std::optional<Refusal> CheckCsr(const v1::AttestRequest& request);
  std::optional<Refusal> Consume(const ChallengeFields& challenge, Time now);

  struct ServerKey {
    crypto::Sha256Digest spki_sha256;
    std::optional<Time> until;  // nullopt: in use
  };
  // What field 8 of a transcript may be at `now`.
  std::vector<Bytes> ServerKeysAt(Time now) const;

  AttestationInputs inputs_;
  ChallengeCodec codec_;
  mutable std::mutex server_keys_mutex_;
  std::vector<ServerKey> server_keys_;  // guarded by server_keys_mutex_; newest first
  trust::FactCaches caches_;
  // "This certificate is for that key", both well-formed: the same two calls after each other, and whenever a node comes back.
  mutable trust::FactCache<crypto::PublicKey> possessions_;
  RateLimit attempt_samples_;
  RateLimit clock_errors_;  // lines of the log
};

}  // namespace assay::service

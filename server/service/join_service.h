// The join listener's RPCs: admit, enqueue, decode, answer. docs/join.md.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "collateral/keeper.h"
#include "service/attestation.h"
#include "service/promises.h"
#include "service/rate_limit.h"
#include "service/worker_pool.h"

namespace grpc {
class Service;
}

namespace assay::service {

// Attestation, pool and promises outlive the service, and the pool drains before they go.
struct JoinInputs {
  Attestation& attestation;
  WorkerPool& pool;
  Promises& promises;
  RateLimit &of_address, &in_all;                                  // of calls
  crypto::Sha256Digest server_spki;                                // of the certificate that this service's connections show
  std::function<std::string(const std::string& peer)> address_of;  // what a peer is counted under
  telemetry::Log& log;
  telemetry::Metrics& metrics;
  collateral::Keeper* keeper = nullptr;  // of `attestation`; nullptr: nothing to wait for
  collateral::Milliseconds patience{0};  // that a call waits for collateral, without a worker
  CallCompleted completed;               // told of every call that was answered
};
std::unique_ptr<grpc::Service> MakeJoinService(JoinInputs inputs);

}  // namespace assay::service

// The join listener's RPCs: decode, enqueue, answer. docs/join.md.
#pragma once

#include <memory>

#include "service/attestation.h"
#include "service/worker_pool.h"

namespace grpc {
class Service;
}

namespace assay::service {

// Both arguments outlive the service, and the pool drains before they go.
// `completed` is told the peer of every call that was answered.
std::unique_ptr<grpc::Service> MakeJoinService(Attestation& attestation, WorkerPool& pool, CallCompleted completed);

}  // namespace assay::service

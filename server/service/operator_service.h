// The operator listener's RPCs. Each names the role that it needs; the caller's certificate says who it is.
#pragma once

#include <memory>

#include "service/authorization.h"
#include "service/worker_pool.h"
#include "store/verdict_store.h"
#include "telemetry/log.h"

namespace grpc {
class Service;
}

namespace assay::service {

// All arguments outlive the service, and the pool drains before they go. `completed` is told the peer of every call that was
// answered.
std::unique_ptr<grpc::Service> MakeOperatorService(const Authorization& authorization, store::VerdictStore& store, WorkerPool& pool,
                                                   telemetry::Log& log, CallCompleted completed);

}  // namespace assay::service

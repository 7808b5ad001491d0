// VerdictService on the operator listener. Each call authenticates its caller, by the certificate of the connection or a bearer
// token of its own, authorizes it for the role that the proto names, then runs on the pool; every change is made under the caller's name, with a reason.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "appraisal/replay.h"
#include "base/clock.h"
#include "service/authorization.h"
#include "service/bearer_callers.h"
#include "service/watch.h"
#include "service/worker_pool.h"
#include "store/verdict_store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace grpc {
class Service;
}

namespace assay::service {

// All of it outlives the service.
struct OperatorInputs {
  const Authorization& authorization;
  const BearerCallers* bearers;                // nullptr: certificates alone
  store::VerdictStore& store;
  const appraisal::Registry& registry;         // these three: for replays
  const appraisal::PolicyBook& policies;
  const trust::AnchorSet& anchors;
  Watchers& watchers;
  WorkerPool& pool;
  const Clock& clock;
  telemetry::Log& log;
  telemetry::Metrics& metrics;
  Bytes page_key;                                            // for page tokens; the same on all replicas
  std::function<void(const std::string& peer)> completed;    // told of every call that was answered
};

std::unique_ptr<grpc::Service> MakeOperatorService(OperatorInputs inputs);

}  // namespace assay::service

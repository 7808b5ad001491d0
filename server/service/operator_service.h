// VerdictService on the operator listener. Each call authenticates its caller, by the certificate of the connection or a bearer
// token of its own, authorizes it for the role that the proto names, then runs on the pool; every change is made under the caller's name, with a reason.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "appraisal/replay.h"
#include "assay/v1/server_config.pb.h"
#include "base/clock.h"
#include "collateral/keeper.h"
#include "result/signing_key.h"
#include "service/authorization.h"
#include "service/bearer_callers.h"
#include "service/watch.h"
#include "service/worker_pool.h"
#include "store/collateral_store.h"
#include "store/verdict_store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "token/jwk.h"

namespace grpc {
class Service;
}

namespace assay::service {

// Keys for bundles, as `air_gap` names them.
struct AirGap {
  std::optional<result::SigningKey> export_key;  // nullopt: nothing is exported
  std::vector<token::Jwk> import_keys;           // none: nothing is imported
};
// Where there is no key for exports it is made, or, to check the configuration, found out whether it could be. Errors name the field,
// one a line.
enum class MissingKey : std::uint8_t { kMake, kLeave };
absl::StatusOr<AirGap> LoadAirGap(const v1::AirGap& config, MissingKey missing);

// All of it outlives the service.
struct OperatorInputs {
  const Authorization& authorization;
  const BearerCallers* bearers;  // nullptr: certificates alone
  store::VerdictStore& store;
  const appraisal::Registry& registry;  // these three: for replays
  const appraisal::PolicyBook& policies;
  const trust::AnchorSet& anchors;
  Watchers& watchers;
  WorkerPool& pool;
  const Clock& clock;
  telemetry::Log& log;
  telemetry::Metrics& metrics;
  collateral::Keeper& keeper;
  store::CollateralStore& collateral;
  const AirGap& air_gap;
  std::function<void()> keep_failures;                     // writes down what could not be fetched lately, for whoever lists it
  std::function<void(std::string cause)> banned;           // told of every ban, every enrolment and the end of one
  Bytes page_key;                                          // for page tokens; the same on all replicas
  std::function<void(const std::string& peer)> completed;  // told of every call that was answered
};

std::unique_ptr<grpc::Service> MakeOperatorService(OperatorInputs inputs);
// CollateralService, on the same terms.
std::unique_ptr<grpc::Service> MakeCollateralService(OperatorInputs inputs);

}  // namespace assay::service

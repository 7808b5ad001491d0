// assayd, put together: from a configuration to two listeners, and down again in good order.
//
// Promises: nothing listens before everything that it needs was read and checked; a listener that runs has health and a
// bounded queue behind it; Shutdown ends within its bound. Does not promise to notice files that change: restart for that.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "appraisal/registry.h"
#include "assay/v1/server_config.pb.h"
#include "base/clock.h"
#include "base/random.h"
#include "result/key_ring.h"
#include "service/edge.h"
#include "telemetry/log.h"

namespace assay::service {

struct ServerInputs {
  v1::ServerConfig config;
  std::string insecure_test_anchors;  // file; empty: this build's pins
  const appraisal::Registry& registry;
  const Clock& clock;
  Random& random;
  telemetry::Log& log;
};

// What a server would refuse to start for, all of it: TLS material, policies, anchors, collateral. Opens neither store nor listener,
// and makes no file.
struct InputCheck {
  std::vector<std::string> defects;
  std::vector<std::string> notices;  // what is missing and is made at the start
};
InputCheck CheckInputs(const ServerInputs& inputs);

// The keys that sign tokens, as the configuration names them; made if they are missing. InvalidArgument, PermissionDenied,
// Unavailable.
absl::StatusOr<std::unique_ptr<result::KeyRing>> OpenTokenKeys(const v1::ServerConfig& config, bool simulated, Time now);

class Server {
 public:
  // Errors: one message for each defect, one a line. InvalidArgument: configuration, policies, files; Unavailable: an address
  // that can't be listened on, a store that can't be opened.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerInputs& inputs);
  virtual ~Server() = default;

  virtual const std::string& join_address() const = 0;  // "host:port" with the port that was picked
  virtual const std::string& operator_address() const = 0;
  virtual std::string http_address() const = 0;  // "": not configured
  virtual std::string https_address() const = 0;
  virtual EdgeCounts join_connections() const = 0;
  virtual EdgeCounts operator_connections() const = 0;
  // Takes no new calls, lets those under way finish for at most `bound`, then ends them.
  virtual void Shutdown(std::chrono::milliseconds bound) = 0;
};

}  // namespace assay::service

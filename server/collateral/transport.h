// One exchange with an upstream.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "collateral/upstream.h"

namespace assay::collateral {

struct FetchRequest {
  std::string url;
  std::size_t most_bytes = 0;
};

struct FetchAnswer {
  int status = 0;
  std::string body;
  std::string chain;  // of the header "…-Issuer-Chain" as it stands there, percent-encoded; "": none
  std::optional<std::string> retry_after;
};

// Thread-safe; calls for one upstream come one after another.
class Transport {
 public:
  virtual ~Transport() = default;
  // Unavailable: no answer, and why. Ends within the deadline, and soon after `stop` is true.
  virtual absl::StatusOr<FetchAnswer> Get(Upstream upstream, const FetchRequest& request, const std::atomic<bool>& stop) = 0;
};

}  // namespace assay::collateral

// The key set of the OpenID provider whose tokens operators may show: a file, or fetched over HTTPS.
//
// Promises: what is not a good key set is never taken up, and the last good one goes on; a fetch at a time, never more often than
// every `least`, whoever asks; bounded in size and time (collateral/https_get.h). Each failure in a row is said once. Thread-safe.
// Does not promise keys from the start where they are fetched: until the first one that works there are none.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "assay/v1/server_config.pb.h"
#include "base/clock.h"
#include "service/tls.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "token/bearer.h"

namespace assay::service {

using ProviderKeySet = std::shared_ptr<const std::vector<token::ProviderKey>>;

// What ProviderKeys is given at its start: everything that is read from files.
struct ProviderMaterial {
  std::vector<token::ProviderKey> keys;  // empty where they are fetched
  std::string ca_pem;                    // "": the system's
};
// Reads jwks and jwks_ca. Errors as ReadFile's and LoadCaMaterial's; InvalidArgument: no good key set.
absl::StatusOr<ProviderMaterial> LoadProviderMaterial(const v1::Oidc& config, Time now);

struct FetchTimes {
  std::chrono::milliseconds refresh;        // behind a fetch that worked
  std::chrono::milliseconds retry{10'000};  // behind one that did not
  std::chrono::milliseconds least{30'000};  // between fetches that somebody asks for
};

class ProviderKeys {
 public:
  ProviderKeys(const v1::Oidc& config, ProviderMaterial material, const FetchTimes& times, const Clock& clock, telemetry::Log& log,
               telemetry::Metrics& metrics);
  ~ProviderKeys();
  ProviderKeys(const ProviderKeys&) = delete;
  ProviderKeys& operator=(const ProviderKeys&) = delete;

  ProviderKeySet Current() const;
  // A token names a key that is not there: perhaps a new one. Fetched keys are fetched sooner; never waits.
  void Miss();
  // Reads the file anew if it has changed. For one thread.
  void TakeUpChanges();

 private:
  void Run();
  void TakeUp(absl::StatusOr<std::vector<token::ProviderKey>> keys);

  const v1::Oidc config_;
  const std::string ca_pem_;
  const FetchTimes times_;
  const Clock& clock_;
  telemetry::Log& log_;
  telemetry::Metrics& metrics_;
  FilesSeen files_;      // TakeUpChanges only
  bool failed_ = false;  // whoever takes up: one thread

  mutable std::mutex mutex_;
  std::condition_variable woken_;
  ProviderKeySet keys_;  // guarded by mutex_; never nullptr
  bool missed_ = false;  // guarded by mutex_
  std::atomic<bool> ending_ = false;
  std::thread thread_;  // last; not running for a file
};

}  // namespace assay::service

// One file over HTTPS, for what the configuration names by URL.
//
// Promises: TLS 1.2 or later, the server's name and chain verified; HTTPS and nothing else, no redirect, no proxy of the environment,
// no credentials, no content coding; bounded in size and time; no connection to a link-local address or a cloud's metadata service,
// whatever the name resolves to. Does not promise to retry, nor anything about the body.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace assay::http {

struct GetLimits {
  std::size_t bytes = std::size_t{1024} * 1024;
  std::chrono::milliseconds connect{5000};
  std::chrono::milliseconds total{10'000};
};

// `ca_pem`: who may vouch for the server; "": the system's. `stop`, if given, ends it within about a second once it is true.
// InvalidArgument: no https URL; Unavailable: not got, and why.
absl::StatusOr<std::string> HttpsGet(const std::string& url, const std::string& ca_pem, const GetLimits& limits = {}, const std::atomic<bool>* stop = nullptr);

}  // namespace assay::http

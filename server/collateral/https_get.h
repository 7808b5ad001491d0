// Documents over HTTPS, for what the configuration names by URL.
//
// Promises: TLS 1.2 or later, the server's name and chain verified; HTTPS and nothing else, no redirect, no proxy but a configured one, no
// credentials, no content coding; bounded in size and time; no connection to a link-local address or a cloud's metadata service, whatever
// the name resolves to. Does not promise to retry, nor anything about the body.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "collateral/transport.h"
#include "collateral/upstream.h"

namespace assay::collateral {

struct GetLimits {
  std::size_t bytes = std::size_t{1024} * 1024;
  std::chrono::milliseconds connect{5000};
  std::chrono::milliseconds total{10'000};
};

// Keeps its connection open from one call to the next, with HTTP/2 where the server has it. For one thread at a time.
class HttpsClient {
 public:
  // `ca_pem`: who may vouch for the server; "": the system's. `proxy`: "http://host:port"; "": none.
  explicit HttpsClient(std::string ca_pem, std::string proxy = "");
  ~HttpsClient();
  HttpsClient(const HttpsClient&) = delete;
  HttpsClient& operator=(const HttpsClient&) = delete;

  // Any status. `stop`, if given, ends it within about a second once it is true. InvalidArgument: no https URL; Unavailable: not got, and why.
  absl::StatusOr<FetchAnswer> Get(const std::string& url, const GetLimits& limits, const std::atomic<bool>* stop = nullptr);

 private:
  struct Handle;
  const std::string ca_pem_, proxy_;
  std::unique_ptr<Handle> handle_;
};

// One file, once; any status but 200 is Unavailable.
absl::StatusOr<std::string> HttpsGet(const std::string& url, const std::string& ca_pem, const GetLimits& limits = {},
                                     const std::atomic<bool>* stop = nullptr);

// The upstreams as they are configured. Nothing else can be asked: a URL that is not below its upstream's own is refused.
class HttpsTransport final : public Transport {
 public:
  explicit HttpsTransport(const UpstreamConfigs& configs);
  absl::StatusOr<FetchAnswer> Get(Upstream upstream, const FetchRequest& request, const std::atomic<bool>& stop) override;

 private:
  const UpstreamConfigs configs_;
  std::array<std::unique_ptr<HttpsClient>, kUpstreams> clients_;
};

}  // namespace assay::collateral

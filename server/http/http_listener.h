// A small HTTP/1.1 server for pages that are made on demand: health, metrics, key sets. GET and HEAD on exact paths.
//
// Promises: one thread does all input and output and never waits for one connection; a request reaches a worker only when its
// head is whole, so that slow clients keep nobody from being answered. Bounds: size of a head, time for each step,
// connections (at the bound the one that has waited longest makes room), requests that wait for a worker (503). Accepting
// goes on after descriptors ran out. Bodies of requests are never read. Nothing of a request is logged.
// Does not promise anything about who asks: no authorization. Evidence is never taken here.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace assay::http {

struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  std::chrono::seconds max_age{0};  // how long it may be kept; 0: not at all
};

// Runs on a worker, several at a time.
using Page = std::function<Response()>;

struct HttpLimits {
  std::size_t head_bytes = 8 * 1024;  // request line and headers
  std::size_t connections = 256;
  std::size_t requests_per_connection = 100;
  std::size_t waiting = 64;  // requests, for a worker
  std::size_t workers = 4;
  std::chrono::milliseconds timeout{5000};  // for a handshake, the next whole head, a whole answer
};

struct TlsPem {
  std::string certificates;  // leaf first
  std::string key;
};

class HttpListener {
 public:
  // Listens on every address that `address` ("host:port", port 0 picks) stands for; connections queue until Serve. With
  // `tls` nothing but TLS is spoken. Unavailable, naming `field`: the address can't be listened on; InvalidArgument: `tls` is
  // no pair.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Listen(const std::string& field, const std::string& address,
                                                              const std::optional<TlsPem>& tls, const HttpLimits& limits = {});
  ~HttpListener();  // as Stop()
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  const std::string& address() const;  // with the port that was picked

  // Before Serve. `path` is compared with the request's path as a whole, without its query.
  void Add(std::string path, Page page);
  // Answers until Stop.
  void Serve();

  // For connections that come from now on; only of a listener that has TLS. InvalidArgument: no pair; the old one stays.
  absl::Status SetTls(const TlsPem& tls);

  // Closes all connections at once and returns when the pages that are being made are done.
  void Stop();

 private:
  struct State;
  explicit HttpListener(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace assay::http

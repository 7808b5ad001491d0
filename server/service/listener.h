// A listening address with gRPC behind it, whose TLS identity can be changed while it serves.
//
// Promises: a change is whole: connections accepted after Serve returned get the new identity, those before keep theirs until
// their calls are done or the drain bound is over, and are told to connect again; if the new one can't be served, the former
// goes on. The socket stays open throughout. Does not promise to check the identity: hand in what was verified.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "service/edge.h"

namespace grpc {
class CallbackGenericService;
class Server;
class ServerCredentials;
class Service;
}  // namespace grpc

namespace assay::service {

class Listener {
 public:
  // `health`: name of the service that answers under grpc.health.v1 beside ""; empty: this listener has no health service.
  // `most_request_bytes`: larger requests are refused.
  Listener(std::unique_ptr<Edge> edge, std::string health, int most_request_bytes);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  Edge& edge() { return *edge_; }

  // Serves this from now on; what was served before is drained for at most `drain`. False: gRPC could not start; nothing has
  // changed.
  bool Serve(const std::shared_ptr<grpc::ServerCredentials>& credentials, std::vector<std::unique_ptr<grpc::Service>> services,
             std::chrono::milliseconds drain);

  // What health checks are told.
  void SetServing(bool serving);

  // Accepts nothing more.
  void Stop();
  // Lets calls under way finish until the deadline, then ends them. The services live on until the listener goes.
  void Shutdown(std::chrono::system_clock::time_point deadline);

 private:
  struct Generation {
    std::vector<std::unique_ptr<grpc::Service>> services;
    std::unique_ptr<grpc::CallbackGenericService> no_such_method;
    std::unique_ptr<grpc::Server> server;
    std::thread draining;
  };

  const std::unique_ptr<Edge> edge_;
  const std::string health_;
  const int most_request_bytes_;
  std::mutex mutex_;
  std::list<Generation> generations_;  // guarded by mutex_; the last one serves
};

}  // namespace assay::service

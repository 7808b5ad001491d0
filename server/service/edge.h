// The listening sockets, in front of gRPC.
//
// gRPC 1.51 as Debian 12 ships it can be put out of action before any call is looked at: a flood that uses up the file
// descriptors leaves its listener deaf for ever (CVE-2023-4785), and one long HPACK string keeps a core busy
// (CVE-2023-33953). So connections are accepted here, counted, handed to gRPC, and watched.
//
// Promises: never more connections than the limits, in all and from one address; accepting goes on after descriptors ran
// out; a connection that sends more than its budget without completing a call is cut within a tenth of a second.
// Does not promise anything about what goes over a connection. Deadline of the handshake, idle time and age are gRPC's
// channel arguments.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "http/listening_sockets.h"
#include "telemetry/log.h"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}

namespace assay::service {

struct EdgeLimits {
  std::size_t connections = 2000;
  std::size_t per_address = 32;                     // IPv6: for each /64
  std::uint64_t bytes_between_calls = 1536 * 1024;  // one and a half of the largest request
  // What a connection may make us send without completing a call; 0: no limit. Requests are answered by completed calls; what else
  // is answered (pings, settings, calls that are refused before they begin) is a flood if it is much.
  std::uint64_t bytes_sent_between_calls = 0;
};

// How often each thing happened since the start; `open` is the present.
struct EdgeCounts {
  std::uint64_t accepted = 0, open = 0;
  std::uint64_t refused_total = 0, refused_per_address = 0;  // closed at once, over a limit
  std::uint64_t cut = 0;                                     // over a byte budget, or by Cut
  std::uint64_t accept_errors = 0;                           // no descriptor, no memory
};

class Edge {
 public:
  // Listens on every address that `address` ("host:port") stands for; connections queue until Serve. Unavailable, naming
  // `field`: no such address, or somebody listens there already.
  static absl::StatusOr<std::unique_ptr<Edge>> Listen(const std::string& field, const std::string& address, const EdgeLimits& limits,
                                                      telemetry::Log& log);
  ~Edge();
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  const std::string& address() const { return address_; }  // with the port that was picked
  const EdgeLimits& limits() const { return limits_; }     // as they apply: never more than the process has descriptors for

  // Hands connections over from now on, until Stop or the next acceptor. It belongs to a running server.
  void Serve(std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor);
  // Accepts nothing more; connections that are open stay so.
  void Stop();

  // A call over the connection from `peer`, as gRPC writes it, has been completed: its byte budget starts anew.
  void CallCompleted(const std::string& peer);

  // Ends the connection from `peer`, if there is one. `why` is constant text.
  void Cut(const std::string& peer, std::string_view why);

  // What the connection from `peer` is counted under: its IPv4 address or IPv6 /64; `peer` itself if there is no such connection.
  std::string AddressOf(const std::string& peer) const;

  EdgeCounts counts() const;

 private:
  struct Connection;
  Edge(http::ListeningSockets sockets, const EdgeLimits& limits, telemetry::Log& log);
  void Accept();
  void Take(int socket);
  void Watch();
  void Sweep();
  void CutNow(Connection& connection, std::string_view why);  // under mutex_
  void Forget(const std::string& peer);                       // under mutex_

  const std::string address_;
  std::optional<http::ListeningSockets> sockets_;  // until Stop
  const EdgeLimits limits_;
  telemetry::Log& log_;
  const int stop_, watched_;  // eventfd; epoll over the connections
  std::mutex acceptor_mutex_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;  // guarded by acceptor_mutex_
  std::thread accepting_, watching_;
  std::atomic<bool> stopping_ = false, ending_ = false;

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Connection>> connections_;  // by peer; guarded by mutex_
  std::unordered_map<int, Connection*> by_socket_;                  // the same; guarded by mutex_
  std::map<std::string, std::size_t> by_address_;                   // guarded by mutex_
  EdgeCounts counts_;                                               // guarded by mutex_
};

}  // namespace assay::service

// The server's side of TLS over sockets that never block: for listeners that are not gRPC's.
//
// Promises: TLS 1.2 or newer, with ephemeral keys and authenticated encryption only; no renegotiation, no session that
// outlives its connection; the identity can be changed at any time and holds for handshakes that begin afterwards. Does
// not promise timeouts: whoever waits for the socket has them. Clients show no certificate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace assay::crypto {

enum class TlsProgress : std::uint8_t { kDone, kWantsRead, kWantsWrite, kEnded };

// One connection. One thread at a time; SIGPIPE must be blocked in it or ignored. The socket is the caller's, and stays open
// longer than the session.
class TlsSession {
 public:
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  TlsProgress Handshake();
  // kDone: `bytes` (at least 1) were read into, or written from, the beginning of the span. Neither is given an empty one.
  TlsProgress Read(std::span<char> into, std::size_t& bytes);
  TlsProgress Write(std::string_view from, std::size_t& bytes);
  // Tells the peer that nothing follows, if that does not have to wait.
  void Close();

 private:
  friend class TlsServer;
  struct State;
  explicit TlsSession(std::unique_ptr<State> state);
  TlsProgress After(int result);
  const std::unique_ptr<State> state_;
};

class TlsServer {
 public:
  // `certificates`: PEM, leaf first; `key`: PEM, the leaf's. InvalidArgument, naming `field`: not that.
  static absl::StatusOr<std::unique_ptr<TlsServer>> Make(const std::string& field, std::string_view certificates, std::string_view key);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // As Make. What is refused changes nothing. From any thread.
  absl::Status SetIdentity(const std::string& field, std::string_view certificates, std::string_view key);

  // For a socket that was accepted and does not block. The server outlives its sessions. Null: no memory.
  std::unique_ptr<TlsSession> Start(int socket);

 private:
  struct State;
  explicit TlsServer(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace assay::crypto

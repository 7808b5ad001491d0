// gRPC clients of assayd's two listeners, over TLS with a client certificate.
//
// Promises: no call without a deadline; what the server says in its ErrorDetail is in the message; who can't be reached
// (Unavailable) is told apart from who can't be believed (Unauthenticated). Does not promise to retry: a challenge is good for
// one answer.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "assay/v1/attestation_service.pb.h"
#include "assay/v1/verdict_service.pb.h"

namespace assay::client {

struct ChannelOptions {
  std::string address;          // "host:port"; the host must be in the server's certificate
  std::string ca_pem;           // who issued the server's certificate
  std::string certificate_pem;  // the client's, leaf first
  std::string key_pem;          // its private key
  std::chrono::milliseconds timeout{30'000};  // of each call, connecting included
};

// The join listener.
class JoinClient {
 public:
  explicit JoinClient(const ChannelOptions& options);
  ~JoinClient();

  absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request);
  absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request);
  // PEM of the certificate that the server showed in the last call; "": no call has got so far.
  const std::string& server_certificate_pem() const { return server_certificate_pem_; }

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
  std::string server_certificate_pem_;
};

// The operator listener.
class VerdictClient {
 public:
  explicit VerdictClient(const ChannelOptions& options);
  ~VerdictClient();

  absl::StatusOr<v1::GetVerdictResponse> GetVerdict(const v1::GetVerdictRequest& request);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace assay::client

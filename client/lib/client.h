// gRPC clients of assayd's two listeners, over TLS, with a client certificate or a bearer token.
//
// Promises: no call without a deadline; what the server says in its ErrorDetail is in the message; who can't be reached
// (Unavailable) is told apart from who can't be believed (Unauthenticated). Does not promise to retry: a challenge is good for
// one answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "assay/v1/attestation_service.pb.h"
#include "assay/v1/collateral_service.pb.h"
#include "assay/v1/verdict_service.pb.h"

namespace assay::client {

struct ChannelOptions {
  std::string address;          // "host:port"; the host must be in the server's certificate
  std::string ca_pem;           // who issued the server's certificate
  std::string certificate_pem;  // the client's, leaf first
  std::string key_pem;          // its private key
  // Instead of both, for operators: asked for a token before each call, which goes nowhere but over TLS. Its error is the call's.
  std::function<absl::StatusOr<std::string>()> bearer_token = {};
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
  absl::StatusOr<v1::ListVerdictsResponse> ListVerdicts(const v1::ListVerdictsRequest& request);
  absl::StatusOr<v1::ReplayVerdictResponse> ReplayVerdict(const v1::ReplayVerdictRequest& request);
  absl::StatusOr<v1::ExportVerdictResponse> ExportVerdict(const v1::ExportVerdictRequest& request);
  absl::StatusOr<v1::RevokeVerdictResponse> RevokeVerdict(const v1::RevokeVerdictRequest& request);
  absl::StatusOr<v1::ListNodesResponse> ListNodes(const v1::ListNodesRequest& request);
  absl::StatusOr<v1::ReleaseNodeResponse> ReleaseNode(const v1::ReleaseNodeRequest& request);
  absl::StatusOr<v1::BanIdentityResponse> BanIdentity(const v1::BanIdentityRequest& request);
  absl::StatusOr<v1::UnbanIdentityResponse> UnbanIdentity(const v1::UnbanIdentityRequest& request);
  absl::StatusOr<v1::ListCollateralResponse> ListCollateral(const v1::ListCollateralRequest& request);
  absl::StatusOr<v1::RefreshCollateralResponse> RefreshCollateral(const v1::RefreshCollateralRequest& request);
  absl::StatusOr<v1::FetchCollateralResponse> FetchCollateral(const v1::FetchCollateralRequest& request);
  absl::StatusOr<v1::ExportCollateralResponse> ExportCollateral(const v1::ExportCollateralRequest& request);
  absl::StatusOr<v1::ImportCollateralResponse> ImportCollateral(const v1::ImportCollateralRequest& request);
  absl::StatusOr<v1::ForecastCollateralResponse> ForecastCollateral(const v1::ForecastCollateralRequest& request);
  absl::StatusOr<v1::ListFlipsResponse> ListFlips(const v1::ListFlipsRequest& request);
  absl::StatusOr<v1::DescribeCloudsResponse> DescribeClouds(const v1::DescribeCloudsRequest& request);
  absl::StatusOr<v1::ListBansResponse> ListBans(const v1::ListBansRequest& request);
  absl::StatusOr<v1::EnrolKeyResponse> EnrolKey(const v1::EnrolKeyRequest& request);
  absl::StatusOr<v1::UnenrolKeyResponse> UnenrolKey(const v1::UnenrolKeyRequest& request);
  absl::StatusOr<v1::ListEnrolmentsResponse> ListEnrolments(const v1::ListEnrolmentsRequest& request);

  // Gives every answer to `take`, heartbeats too, until it says false (then OK) or the stream ends: Unavailable if the server
  // went, with or without a word; others as the server answered. No deadline.
  absl::Status WatchVerdicts(const v1::WatchVerdictsRequest& request, const std::function<bool(const v1::WatchVerdictsResponse&)>& take);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace assay::client

#include "client/lib/client.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <mutex>

#include "assay/v1/attestation_service.grpc.pb.h"
#include "assay/v1/collateral_service.grpc.pb.h"
#include "assay/v1/error_detail.pb.h"
#include "assay/v1/verdict_service.grpc.pb.h"
#include "base/absl_bridge.h"
#include "base/strings.h"
#include "client/lib/refusal_reason.h"

namespace assay::client {
namespace {

constexpr int kMaxAnswerSize = 16 * 1024 * 1024;                    // an export carries up to 32 items
constexpr int kKeepaliveMs = 40'000, kKeepaliveTimeoutMs = 10'000;  // the server allows a ping each 30 s

// gRPC's own lines on standard error say again what the status says; $GRPC_VERBOSITY brings them back.
void Silence(gpr_log_func_args*) {}

std::shared_ptr<grpc::Channel> Connect(const ChannelOptions& options) {
  [[maybe_unused]] static const bool silenced = [] {
    if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function(&Silence);
    return true;
  }();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = options.ca_pem;
  tls.pem_cert_chain = options.certificate_pem;
  tls.pem_private_key = options.key_pem;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerSize);
  // A channel of its own: connections are shared by process otherwise, whatever key they were made with.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // A server that is gone without a word is noticed although a watch has no deadline.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  return grpc::CreateCustomChannel(options.address, grpc::SslCredentials(tls), arguments);
}

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

absl::Status StatusOf(const grpc::Status& status, const std::string& address, const std::string& request_id) {
  const std::string server = Cat("server '", Printable(address, 128), "'", request_id);
  const std::string said = Printable(status.error_message(), 1024);
  if (status.ok()) return absl::OkStatus();
  if (v1::ErrorDetail detail; detail.ParseFromString(status.error_details()) && !detail.reason().empty()) {
    const std::string retry = detail.retry_after_ms() == 0 ? "" : Cat(" Retry in ", detail.retry_after_ms(), " ms.");
    return WithReason({static_cast<absl::StatusCode>(status.error_code()), ToAbsl(Cat(server, ": ", said, retry))}, detail.reason());
  }
  // Without a detail the answer is gRPC's own: nobody of ours has said anything.
  if (Contains(said, "handshake failed") || Contains(said, "certificate") || Contains(said, "Peer name")) {
    return absl::UnauthenticatedError(ToAbsl(
        Cat(server, ": expected a TLS server whose certificate --ca issued and which takes this client's certificate, actual: ", said,
            ". Check --ca, the host in --server, and the client certificate.")));
  }
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return absl::UnavailableError(ToAbsl(Cat(server,
                                             ": expected a listener that answers this call, actual: it does not know it. "
                                             "Nodes and operators have a listener each: check the port in --server.")));
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE || status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return absl::UnavailableError(ToAbsl(Cat(server, ": expected an answer, actual: ", said, ". Check that it runs, and --server.")));
  }
  return {static_cast<absl::StatusCode>(status.error_code()), ToAbsl(Cat(server, ": ", said))};
}

// ", request 0123456789abcdef": what the server's log calls this call; "" if no server of ours answered.
std::string RequestIdOf(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("assay-request-id");
  return found == trailers.end() ? std::string()
                                 : Cat(", request ", Printable(std::string(found->second.data(), found->second.size()), 32));
}

// Every channel of ours is TLS, so the token is never sent in the clear.
absl::Status AddToken(const ChannelOptions& options, grpc::ClientContext& context) {
  if (!options.bearer_token) return absl::OkStatus();
  const absl::StatusOr<std::string> token = options.bearer_token();
  if (!token.ok()) return token.status();
  context.AddMetadata("authorization", Cat("Bearer ", *token));
  return absl::OkStatus();
}

// One call with its deadline. `certificate_pem`, if given, gets the certificate that the server showed.
template <typename Response, typename Stub, typename Method, typename Request>
absl::StatusOr<Response> Call(Stub& stub, Method method, const Request& request, const ChannelOptions& options,
                              std::string* certificate_pem) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + options.timeout);
  if (absl::Status added = AddToken(options, context); !added.ok()) return added;
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (certificate_pem != nullptr && context.auth_context() != nullptr) {
    const auto values = context.auth_context()->FindPropertyValues("x509_pem_cert");
    const std::string shown = values.empty() ? std::string() : std::string(values.front().data(), values.front().size());
    static std::mutex several_calls_at_once;
    const std::lock_guard lock(several_calls_at_once);
    if (*certificate_pem != shown) *certificate_pem = shown;
  }
  if (!status.ok()) return StatusOf(status, options.address, RequestIdOf(context));
  return response;
}

}  // namespace

struct JoinClient::Connection {
  ChannelOptions options;
  std::unique_ptr<v1::AttestationService::Stub> stub;
};

JoinClient::JoinClient(const ChannelOptions& options)
    : connection_(new Connection{options, v1::AttestationService::NewStub(Connect(options))}) {}
JoinClient::~JoinClient() = default;

absl::StatusOr<v1::CreateChallengeResponse> JoinClient::CreateChallenge(const v1::CreateChallengeRequest& request) {
  return Call<v1::CreateChallengeResponse>(*connection_->stub, &v1::AttestationService::Stub::CreateChallenge, request,
                                           connection_->options, &server_certificate_pem_);
}

absl::StatusOr<v1::AttestResponse> JoinClient::Attest(const v1::AttestRequest& request) {
  return Call<v1::AttestResponse>(*connection_->stub, &v1::AttestationService::Stub::Attest, request, connection_->options,
                                  &server_certificate_pem_);
}

struct VerdictClient::Connection {
  ChannelOptions options;
  std::unique_ptr<v1::VerdictService::Stub> stub;
  std::unique_ptr<v1::CollateralService::Stub> collateral;
};

VerdictClient::VerdictClient(const ChannelOptions& options) : connection_(new Connection{options, nullptr, nullptr}) {
  const auto channel = Connect(options);
  connection_->stub = v1::VerdictService::NewStub(channel);
  connection_->collateral = v1::CollateralService::NewStub(channel);
}
VerdictClient::~VerdictClient() = default;

absl::StatusOr<v1::GetVerdictResponse> VerdictClient::GetVerdict(const v1::GetVerdictRequest& request) {
  return Call<v1::GetVerdictResponse>(*connection_->stub, &v1::VerdictService::Stub::GetVerdict, request, connection_->options, nullptr);
}

absl::StatusOr<v1::ListVerdictsResponse> VerdictClient::ListVerdicts(const v1::ListVerdictsRequest& request) {
  return Call<v1::ListVerdictsResponse>(*connection_->stub, &v1::VerdictService::Stub::ListVerdicts, request, connection_->options,
                                        nullptr);
}

absl::StatusOr<v1::ReplayVerdictResponse> VerdictClient::ReplayVerdict(const v1::ReplayVerdictRequest& request) {
  return Call<v1::ReplayVerdictResponse>(*connection_->stub, &v1::VerdictService::Stub::ReplayVerdict, request, connection_->options,
                                         nullptr);
}

absl::StatusOr<v1::ExportVerdictResponse> VerdictClient::ExportVerdict(const v1::ExportVerdictRequest& request) {
  return Call<v1::ExportVerdictResponse>(*connection_->stub, &v1::VerdictService::Stub::ExportVerdict, request, connection_->options,
                                         nullptr);
}

absl::StatusOr<v1::RevokeVerdictResponse> VerdictClient::RevokeVerdict(const v1::RevokeVerdictRequest& request) {
  return Call<v1::RevokeVerdictResponse>(*connection_->stub, &v1::VerdictService::Stub::RevokeVerdict, request, connection_->options,
                                         nullptr);
}

absl::StatusOr<v1::ListNodesResponse> VerdictClient::ListNodes(const v1::ListNodesRequest& request) {
  return Call<v1::ListNodesResponse>(*connection_->stub, &v1::VerdictService::Stub::ListNodes, request, connection_->options, nullptr);
}

absl::StatusOr<v1::ReleaseNodeResponse> VerdictClient::ReleaseNode(const v1::ReleaseNodeRequest& request) {
  return Call<v1::ReleaseNodeResponse>(*connection_->stub, &v1::VerdictService::Stub::ReleaseNode, request, connection_->options, nullptr);
}

absl::StatusOr<v1::BanIdentityResponse> VerdictClient::BanIdentity(const v1::BanIdentityRequest& request) {
  return Call<v1::BanIdentityResponse>(*connection_->stub, &v1::VerdictService::Stub::BanIdentity, request, connection_->options, nullptr);
}

absl::StatusOr<v1::UnbanIdentityResponse> VerdictClient::UnbanIdentity(const v1::UnbanIdentityRequest& request) {
  return Call<v1::UnbanIdentityResponse>(*connection_->stub, &v1::VerdictService::Stub::UnbanIdentity, request, connection_->options,
                                         nullptr);
}

absl::StatusOr<v1::ListCollateralResponse> VerdictClient::ListCollateral(const v1::ListCollateralRequest& request) {
  return Call<v1::ListCollateralResponse>(*connection_->collateral, &v1::CollateralService::Stub::ListCollateral, request,
                                          connection_->options, nullptr);
}

absl::StatusOr<v1::RefreshCollateralResponse> VerdictClient::RefreshCollateral(const v1::RefreshCollateralRequest& request) {
  return Call<v1::RefreshCollateralResponse>(*connection_->collateral, &v1::CollateralService::Stub::RefreshCollateral, request,
                                             connection_->options, nullptr);
}

absl::StatusOr<v1::FetchCollateralResponse> VerdictClient::FetchCollateral(const v1::FetchCollateralRequest& request) {
  return Call<v1::FetchCollateralResponse>(*connection_->collateral, &v1::CollateralService::Stub::FetchCollateral, request,
                                           connection_->options, nullptr);
}

absl::StatusOr<v1::ExportCollateralResponse> VerdictClient::ExportCollateral(const v1::ExportCollateralRequest& request) {
  return Call<v1::ExportCollateralResponse>(*connection_->collateral, &v1::CollateralService::Stub::ExportCollateral, request,
                                            connection_->options, nullptr);
}

absl::StatusOr<v1::ImportCollateralResponse> VerdictClient::ImportCollateral(const v1::ImportCollateralRequest& request) {
  return Call<v1::ImportCollateralResponse>(*connection_->collateral, &v1::CollateralService::Stub::ImportCollateral, request,
                                            connection_->options, nullptr);
}

absl::StatusOr<v1::ForecastCollateralResponse> VerdictClient::ForecastCollateral(const v1::ForecastCollateralRequest& request) {
  return Call<v1::ForecastCollateralResponse>(*connection_->collateral, &v1::CollateralService::Stub::ForecastCollateral, request,
                                              connection_->options, nullptr);
}

absl::StatusOr<v1::ListFlipsResponse> VerdictClient::ListFlips(const v1::ListFlipsRequest& request) {
  return Call<v1::ListFlipsResponse>(*connection_->stub, &v1::VerdictService::Stub::ListFlips, request, connection_->options, nullptr);
}

absl::StatusOr<v1::DescribeCloudsResponse> VerdictClient::DescribeClouds(const v1::DescribeCloudsRequest& request) {
  return Call<v1::DescribeCloudsResponse>(*connection_->stub, &v1::VerdictService::Stub::DescribeClouds, request, connection_->options,
                                          nullptr);
}

absl::StatusOr<v1::ListBansResponse> VerdictClient::ListBans(const v1::ListBansRequest& request) {
  return Call<v1::ListBansResponse>(*connection_->stub, &v1::VerdictService::Stub::ListBans, request, connection_->options, nullptr);
}

absl::StatusOr<v1::EnrolKeyResponse> VerdictClient::EnrolKey(const v1::EnrolKeyRequest& request) {
  return Call<v1::EnrolKeyResponse>(*connection_->stub, &v1::VerdictService::Stub::EnrolKey, request, connection_->options, nullptr);
}

absl::StatusOr<v1::UnenrolKeyResponse> VerdictClient::UnenrolKey(const v1::UnenrolKeyRequest& request) {
  return Call<v1::UnenrolKeyResponse>(*connection_->stub, &v1::VerdictService::Stub::UnenrolKey, request, connection_->options, nullptr);
}

absl::StatusOr<v1::ListEnrolmentsResponse> VerdictClient::ListEnrolments(const v1::ListEnrolmentsRequest& request) {
  return Call<v1::ListEnrolmentsResponse>(*connection_->stub, &v1::VerdictService::Stub::ListEnrolments, request, connection_->options,
                                          nullptr);
}

absl::Status VerdictClient::WatchVerdicts(const v1::WatchVerdictsRequest& request,
                                          const std::function<bool(const v1::WatchVerdictsResponse&)>& take) {
  grpc::ClientContext context;
  if (absl::Status added = AddToken(connection_->options, context); !added.ok()) return added;
  const auto reader = connection_->stub->WatchVerdicts(&context, request);
  v1::WatchVerdictsResponse response;
  while (reader->Read(&response)) {
    if (take(response)) continue;
    context.TryCancel();
    reader->Finish();
    return absl::OkStatus();
  }
  const grpc::Status status = reader->Finish();
  if (status.ok()) {
    return absl::UnavailableError(
        ToAbsl(Cat("server '", Printable(connection_->options.address, 128), "': expected more events, actual: the end. Watch again.")));
  }
  return StatusOf(status, connection_->options.address, RequestIdOf(context));
}

}  // namespace assay::client

#include "service/listener.h"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>

#include <utility>

#include "service/open_calls.h"
#include "service/rpc.h"

namespace assay::service {
namespace {

// gRPC, doc/keepalive.md: connections are re-made now and then, so that load and revoked certificates move on.
constexpr int kKeepaliveMs = 60'000, kKeepaliveTimeoutMs = 10'000, kLeastPingIntervalMs = 30'000;
constexpr int kConnectionAgeMs = 3'600'000, kConnectionAgeGraceMs = 30'000, kConnectionIdleMs = 300'000;
constexpr int kStreamsPerConnection = 128;
// More than a client that keeps to its streams can have, those that are just ending included.
constexpr std::size_t kMostOpenCalls = 200, kMostRefusedCalls = 1000;
constexpr std::size_t kMostMemory = 512 * 1024 * 1024;  // of messages and streams; beyond it gRPC reads less and drops the idle
constexpr int kHandshakeTimeoutMs = 5000;               // TLS, and the first HTTP/2 settings
constexpr std::size_t kMostGenerations = 8;             // that drain at once

}  // namespace

Listener::Listener(std::unique_ptr<Edge> edge, std::string health, int most_request_bytes)
    : edge_(std::move(edge)), health_(std::move(health)), most_request_bytes_(most_request_bytes) {}

Listener::~Listener() {
  Stop();
  Shutdown(std::chrono::system_clock::now());
}

bool Listener::Serve(const std::shared_ptr<grpc::ServerCredentials>& credentials, std::vector<std::unique_ptr<grpc::Service>> services,
                     std::chrono::milliseconds drain) {
  const std::lock_guard lock(mutex_);
  grpc::EnableDefaultHealthCheckService(!health_.empty());
  grpc::ServerBuilder builder;
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  std::unique_ptr<grpc::CallbackGenericService> no_such_method =
      LimitOpenCalls(builder, *credentials,
                     {kMostOpenCalls, kMostRefusedCalls, [this](const std::string& peer) { edge_->Cut(peer, "too many calls at once"); }});
  builder.SetResourceQuota(grpc::ResourceQuota("listener").Resize(kMostMemory));
  for (const auto& service : services) builder.RegisterService(service.get());
  builder.SetMaxReceiveMessageSize(most_request_bytes_);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataSize);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionAgeGraceMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kConnectionIdleMs);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return false;
  edge_->Serve(std::move(acceptor));
  if (auto* health = server->GetHealthCheckService(); health != nullptr) health->SetServingStatus(health_, true);

  if (!generations_.empty()) {
    Generation& former = generations_.back();
    former.draining =
        std::thread([&server = *former.server, deadline = std::chrono::system_clock::now() + drain] { server.Shutdown(deadline); });
  }
  generations_.push_back({std::move(services), std::move(no_such_method), std::move(server), {}});
  // The oldest have had their time. Their threads end at their deadline at the latest.
  while (generations_.size() > kMostGenerations) {
    generations_.front().draining.join();
    generations_.pop_front();
  }
  return true;
}

void Listener::SetServing(bool serving) {
  const std::lock_guard lock(mutex_);
  if (generations_.empty()) return;
  if (auto* health = generations_.back().server->GetHealthCheckService(); health != nullptr) health->SetServingStatus(serving);
}

void Listener::Stop() { edge_->Stop(); }

void Listener::Shutdown(std::chrono::system_clock::time_point deadline) {
  const std::lock_guard lock(mutex_);
  for (Generation& generation : generations_) {
    if (generation.server == nullptr) continue;
    if (auto* health = generation.server->GetHealthCheckService(); health != nullptr) health->Shutdown();
    // A second Shutdown would wait for the first and its later deadline: calls are few by then.
    if (generation.draining.joinable()) generation.draining.join();
    else generation.server->Shutdown(deadline);
    generation.server.reset();
  }
}

}  // namespace assay::service

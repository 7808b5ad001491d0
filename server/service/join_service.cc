#include "service/join_service.h"

#include <utility>

#include "assay/v1/attestation_service.grpc.pb.h"
#include "service/rpc.h"

namespace assay::service {
namespace {

constexpr std::uint32_t kRetryOverloadMs = 500;

class JoinService final : public v1::AttestationService::CallbackService {
 public:
  explicit JoinService(JoinInputs inputs)
      : attestation_(inputs.attestation), pool_(inputs.pool), address_of_(std::move(inputs.address_of)), log_(inputs.log), metrics_(inputs.metrics), completed_(std::move(inputs.completed)),
        of_address_(inputs.of_address), in_all_(inputs.in_all), server_spki_(inputs.server_spki) {}

  // Both run on the pool: a client key in RSA or a slow disk must not hold up gRPC's own threads.
  grpc::ServerUnaryReactor* CreateChallenge(grpc::CallbackServerContext* context, const v1::CreateChallengeRequest* request,
                                            v1::CreateChallengeResponse* response) override {
    return Enqueue(context, "assay.v1.AttestationService/CreateChallenge", [this, context, request, response](const std::string& id) {
      return Finish(attestation_.CreateChallenge(*request, PeerFrom(*context, id)), *context, *response);
    });
  }

  grpc::ServerUnaryReactor* Attest(grpc::CallbackServerContext* context, const v1::AttestRequest* request, v1::AttestResponse* response) override {
    return Enqueue(context, "assay.v1.AttestationService/Attest", [this, context, request, response](const std::string& id) {
      const auto abandoned = [context] { return context->IsCancelled() || context->deadline() < std::chrono::system_clock::now(); };
      return Finish(attestation_.Attest(*request, PeerFrom(*context, id), abandoned), *context, *response);
    });
  }

 private:
  Peer PeerFrom(const grpc::CallbackServerContext& context, const std::string& request_id) const {
    Peer peer = PeerOf(context);
    peer.server_spki = server_spki_;
    peer.request_id = request_id;
    return peer;
  }

  template <typename Response>
  static grpc::Status Finish(Answer<Response> answer, grpc::CallbackServerContext& context, Response& response) {
    if (!answer.ok()) return StatusOf(answer.refusal(), context);
    response = std::move(answer.value());
    return grpc::Status::OK;
  }

  template <typename Call>
  grpc::ServerUnaryReactor* Enqueue(grpc::CallbackServerContext* context, std::string_view method, Call call) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const std::string id = NameCall(*context);
    const auto answer = [this, context, reactor, method, id, begin = std::chrono::steady_clock::now()](const grpc::Status& status) {
      completed_(context->peer());
      metrics_.CountRpc(method, static_cast<absl::StatusCode>(status.error_code()), std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      // Refusals for want of room are counted; a line for each would be a flood of its own.
      if (!status.ok() && status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) {
        log_.Info("call refused", {{"rpc", method}, {"peer", context->peer()}, {"request_id", id}, {"why", status.error_message()}});
      }
      reactor->Finish(status);
    };
    // An address over its own rate takes nothing from the common one.
    const bool greedy = !of_address_.Take(address_of_(context->peer()));
    if (greedy || !in_all_.Take("")) {
      metrics_.CountRateLimited(greedy ? telemetry::RateScope::kAddress : telemetry::RateScope::kTotal);
      const RateLimit& limit = greedy ? of_address_ : in_all_;
      answer(StatusOf({{.reason = Reason::kRateLimited, .component = greedy ? "address" : "join listener", .expected = "calls within the configured rate",
                        .actual = "more"}, static_cast<std::uint32_t>(limit.Wait().count())}, *context));
      return reactor;
    }
    if (!pool_.Submit([answer, id, call = std::move(call)] { answer(call(id)); })) {
      answer(StatusOf({{.reason = Reason::kOverloaded, .component = "workers", .expected = "a place in the queue", .actual = "a full queue"},
                       kRetryOverloadMs}, *context));
    }
    return reactor;
  }

  Attestation& attestation_;
  WorkerPool& pool_;
  const std::function<std::string(const std::string& peer)> address_of_;
  telemetry::Log& log_;
  telemetry::Metrics& metrics_;
  const CallCompleted completed_;
  RateLimit &of_address_, &in_all_;
  const crypto::Sha256Digest server_spki_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeJoinService(JoinInputs inputs) { return std::make_unique<JoinService>(std::move(inputs)); }

}  // namespace assay::service

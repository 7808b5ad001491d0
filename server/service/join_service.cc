#include "service/join_service.h"

#include <atomic>
#include <utility>
#include <vector>

#include "assay/v1/attestation_service.grpc.pb.h"
#include "service/rpc.h"

namespace assay::service {
namespace {

constexpr std::uint32_t kRetryOverloadMs = 500;
constexpr std::size_t kMostWaiting = 256;  // calls that wait for collateral; more are concluded without it

// Raw: whether there is room for a call is seen before it is decoded.
using RawService = v1::AttestationService::WithRawCallbackMethod_CreateChallenge<
    v1::AttestationService::WithRawCallbackMethod_Attest<v1::AttestationService::Service>>;

constexpr std::string_view kCreateChallenge = "assay.v1.AttestationService/CreateChallenge", kAttest = "assay.v1.AttestationService/Attest";

template <typename Message>
bool Decode(const grpc::ByteBuffer& bytes, Message& message) {
  grpc::ByteBuffer taken(bytes);  // shares what it refers to; decoding lets go of it
  return grpc::SerializationTraits<Message>::Deserialize(&taken, &message).ok();
}

Refusal Overloaded() {
  return {{.reason = Reason::kOverloaded, .component = "workers", .expected = "a place in the queue", .actual = "a full queue"},
          kRetryOverloadMs};
}

class JoinService final : public RawService {
 public:
  explicit JoinService(JoinInputs inputs)
      : attestation_(inputs.attestation),
        pool_(inputs.pool),
        promises_(inputs.promises),
        address_of_(std::move(inputs.address_of)),
        log_(inputs.log),
        metrics_(inputs.metrics),
        completed_(std::move(inputs.completed)),
        of_address_(inputs.of_address),
        in_all_(inputs.in_all),
        server_spki_(inputs.server_spki),
        keeper_(inputs.keeper),
        patience_(inputs.patience) {}

  // For a key that is known a challenge is quicker made than handed to another thread. Another one is decoded on the pool, as it
  // may be in RSA and must not hold up gRPC's own threads.
  grpc::ServerUnaryReactor* CreateChallenge(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override {
    Call call = Begin(*context, kCreateChallenge);
    if (!TakeRates(call)) return call.reactor;
    if (!promises_.Give(promises_.waiting)) {
      EndOverloaded(call);
      return call.reactor;
    }
    auto ask = std::make_shared<v1::CreateChallengeRequest>();
    if (!Decode(*request, *ask)) {
      promises_.Settle();
      End(call, StatusOf(NoMessage(), *context));
      return call.reactor;
    }
    Peer peer = PeerFrom(call);
    const bool known = attestation_.Knows(ask->keys(), peer);
    const auto answer = [this, call, ask, peer = std::move(peer), response] {
      auto challenge = attestation_.CreateChallenge(*ask, peer);
      if (!challenge.ok()) promises_.Settle();
      Finish(call, challenge, *response);
    };
    if (known) {
      answer();
    } else if (!pool_.Submit(answer)) {
      promises_.Settle();
      EndOverloaded(call);
    }
    return call.reactor;
  }

  // On the pool: it verifies signatures and waits for the disk.
  grpc::ServerUnaryReactor* Attest(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override {
    Call call = Begin(*context, kAttest);
    if (!TakeRates(call)) return call.reactor;
    promises_.Settle();
    ++promises_.waiting;
    const bool taken = pool_.Submit([this, call, request, response] {
      --promises_.waiting;
      auto evidence = std::make_shared<v1::AttestRequest>();
      if (!Decode(*request, *evidence)) return End(call, StatusOf(NoMessage(), *call.context));
      auto begun = attestation_.Begin(*evidence, PeerFrom(call), [&call] { return Abandoned(call); });
      if (!begun.ok()) return End(call, StatusOf(begun.refusal(), *call.context));
      Proceed(call, std::move(evidence), std::move(begun).value(), response);
    });
    if (!taken) {
      --promises_.waiting;
      EndOverloaded(call);
    }
    return call.reactor;
  }

 private:
  // What is needed to answer; gRPC keeps context and reactor until then.
  struct Call {
    grpc::CallbackServerContext* context;
    grpc::ServerUnaryReactor* reactor;
    std::string_view method;
    std::string id, peer;
    std::chrono::steady_clock::time_point begin;
  };

  static bool Abandoned(const Call& call) {
    return call.context->IsCancelled() || call.context->deadline() < std::chrono::system_clock::now();
  }

  // Concludes, or lets go of the worker until what is being fetched is there.
  void Proceed(const Call& call, std::shared_ptr<const v1::AttestRequest> evidence, std::shared_ptr<Attestation::Pending> pending,
               grpc::ByteBuffer* response) {
    const std::vector<trust::CollateralKey> keys =
        keeper_ == nullptr ? std::vector<trust::CollateralKey>() : attestation_.WorthWaitingFor(*pending, patience_);
    if (keys.empty() || waiting_ >= kMostWaiting) {
      return Finish(call, attestation_.Conclude(*pending, [&call] { return Abandoned(call); }), *response);
    }
    ++waiting_;
    keeper_->Await(keys, patience_, [this, call, evidence = std::move(evidence), pending = std::move(pending), response] {
      --waiting_;
      const bool taken = pool_.Submit([this, call, evidence, pending, response] {
        attestation_.GatherAgain(*pending);
        Proceed(call, evidence, pending, response);
      });
      if (!taken) EndOverloaded(call);
    });
  }

  static Call Begin(grpc::CallbackServerContext& context, std::string_view method) {
    const auto now = std::chrono::steady_clock::now();
    return {&context, context.DefaultReactor(), method, NameCall(context), context.peer(), now};
  }

  void End(const Call& call, const grpc::Status& status) const {
    completed_(call.peer);
    metrics_.CountRpc(call.method, static_cast<absl::StatusCode>(status.error_code()),
                      std::chrono::duration<double>(std::chrono::steady_clock::now() - call.begin).count());
    // Refusals for want of room are counted; a line for each would be a flood of its own.
    if (!status.ok() && status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) {
      log_.Info("call refused", {{"rpc", call.method}, {"peer", call.peer}, {"request_id", call.id}, {"why", status.error_message()}});
    }
    call.reactor->Finish(status);
  }

  void EndOverloaded(const Call& call) const {
    call.context->AddTrailingMetadata(kPushbackKey, std::to_string(kRetryOverloadMs));
    End(call, overloaded_);
  }

  template <typename Response>
  void Finish(const Call& call, const Answer<Response>& answer, grpc::ByteBuffer& response) const {
    if (!answer.ok()) return End(call, StatusOf(answer.refusal(), *call.context));
    bool owned = false;
    End(call, grpc::SerializationTraits<Response>::Serialize(answer.value(), &response, &owned));
  }

  // False: it was answered with a refusal. An address over its own rate takes nothing from the common one.
  bool TakeRates(const Call& call) const {
    const bool greedy = !of_address_.Take(address_of_(call.peer));
    if (!greedy && in_all_.Take("")) return true;
    metrics_.CountRateLimited(greedy ? telemetry::RateScope::kAddress : telemetry::RateScope::kTotal);
    const RateLimit& limit = greedy ? of_address_ : in_all_;
    End(call, StatusOf({{.reason = Reason::kRateLimited,
                         .component = greedy ? "address" : "join listener",
                         .expected = "calls within the configured rate",
                         .actual = "more"},
                        static_cast<std::uint32_t>(limit.Wait().count())},
                       *call.context));
    return false;
  }

  static Refusal NoMessage() {
    return {{.reason = Reason::kRequestFieldInvalid,
             .component = "request",
             .expected = "the message of this call",
             .actual = "bytes that do not decode"}};
  }

  Peer PeerFrom(const Call& call) const {
    Peer peer = PeerOf(*call.context);
    peer.server_spki = server_spki_;
    peer.request_id = call.id;
    return peer;
  }

  Attestation& attestation_;
  WorkerPool& pool_;
  Promises& promises_;
  const std::function<std::string(const std::string& peer)> address_of_;
  telemetry::Log& log_;
  telemetry::Metrics& metrics_;
  const CallCompleted completed_;
  RateLimit &of_address_, &in_all_;
  const crypto::Sha256Digest server_spki_;
  collateral::Keeper* const keeper_;
  const collateral::Milliseconds patience_;
  std::atomic<std::size_t> waiting_ = 0;
  const grpc::Status overloaded_ = StatusOf(Overloaded());  // made once: there may be thousands a second
};

}  // namespace

std::unique_ptr<grpc::Service> MakeJoinService(JoinInputs inputs) { return std::make_unique<JoinService>(std::move(inputs)); }

}  // namespace assay::service

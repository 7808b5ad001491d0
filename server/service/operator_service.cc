#include "service/operator_service.h"

#include <optional>

#include "assay/v1/verdict_service.grpc.pb.h"
#include "base/strings.h"
#include "service/rpc.h"

namespace assay::service {
namespace {

constexpr std::uint32_t kRetryOverloadMs = 500, kRetryStoreMs = 2000;

class OperatorService final : public v1::VerdictService::CallbackService {
 public:
  OperatorService(const Authorization& authorization, store::VerdictStore& store, WorkerPool& pool, telemetry::Log& log, CallCompleted completed)
      : authorization_(authorization), store_(store), pool_(pool), log_(log), completed_(std::move(completed)) {}

  grpc::ServerUnaryReactor* GetVerdict(grpc::CallbackServerContext* context, const v1::GetVerdictRequest* request,
                                       v1::GetVerdictResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (auto denied = authorization_.Check(PeerNames(*context, "peer_uri"), PeerNames(*context, "peer_dns"), Role::kViewer)) {
      log_.Warning("permission denied", {{"rpc", "GetVerdict"}, {"identity", denied->actual}, {"peer", context->peer()}});
      reactor->Finish(StatusOf({*std::move(denied)}, *context));
      return reactor;
    }
    if (!pool_.Submit([this, context, request, response, reactor] {
          const grpc::Status status = Get(*context, *request, *response);
          completed_(context->peer());
          reactor->Finish(status);
        })) {
      reactor->Finish(StatusOf({{.reason = Reason::kOverloaded, .component = "workers", .expected = "a place in the queue", .actual = "a full queue"},
                                kRetryOverloadMs}, *context));
    }
    return reactor;
  }

 private:
  grpc::Status Get(grpc::CallbackServerContext& context, const v1::GetVerdictRequest& request, v1::GetVerdictResponse& response) {
    absl::StatusOr<v1::VerdictRecord> record = store_.Get(request.verdict_id());
    if (record.ok()) {
      *response.mutable_record() = *std::move(record);
      return grpc::Status::OK;
    }
    if (absl::IsInvalidArgument(record.status())) {
      return StatusOf({{.reason = Reason::kRequestFieldInvalid, .component = "verdict_id", .expected = "26 characters of Crockford's base32, as Attest returned them",
                        .actual = Cat("'", Printable(request.verdict_id(), 64), "'")}}, context);
    }
    if (absl::IsNotFound(record.status())) {
      return StatusOf({{.reason = Reason::kNotFound, .component = "verdict_id", .expected = "the id of a recorded verdict", .actual = Printable(request.verdict_id(), 64)}}, context);
    }
    log_.Error("verdict not read", {{"verdict_id", request.verdict_id()}, {"error", MessageOf(record.status())}});
    return StatusOf({{.reason = Reason::kStoreUnavailable, .component = "store", .expected = "the record", .actual = "a store that could not read it",
                      .remedy = "Retry; the verifier's operator must look at its disk."}, kRetryStoreMs}, context);
  }

  const Authorization& authorization_;
  store::VerdictStore& store_;
  WorkerPool& pool_;
  telemetry::Log& log_;
  const CallCompleted completed_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeOperatorService(const Authorization& authorization, store::VerdictStore& store, WorkerPool& pool,
                                                   telemetry::Log& log, CallCompleted completed) {
  return std::make_unique<OperatorService>(authorization, store, pool, log, std::move(completed));
}

}  // namespace assay::service

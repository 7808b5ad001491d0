#include "service/rpc.h"

#include <grpc/support/log.h>

#include <mutex>

#include "base/hex.h"
#include "base/random.h"
#include "base/strings.h"

namespace assay::service {
namespace {

grpc::StatusCode CodeOf(Reason reason) {
  switch (reason) {
    case Reason::kRequestFieldInvalid:
    case Reason::kCsrRefused:
    case Reason::kBundleMalformed:
    case Reason::kChallengeMalformed: return grpc::StatusCode::INVALID_ARGUMENT;
    case Reason::kChallengeForged:
    case Reason::kChallengeExpired:
    case Reason::kChallengeConsumed:
    case Reason::kClockBehind:
    case Reason::kBundleKeyUnknown:
    case Reason::kBundleNotAuthentic:
    case Reason::kBundleRolledBack:
    case Reason::kBundleDocumentRefused:
    case Reason::kNotConfigured:
    case Reason::kEnrolmentTaken:
    case Reason::kAttestationKeyMismatch:
    case Reason::kContextMismatch: return grpc::StatusCode::FAILED_PRECONDITION;
    case Reason::kNodeKeyMismatch:
    case Reason::kChannelUnbound:
    case Reason::kPossessionUnproven:
    case Reason::kUnauthenticated: return grpc::StatusCode::UNAUTHENTICATED;
    case Reason::kRateLimited:
    case Reason::kOverloaded: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Reason::kPermissionDenied: return grpc::StatusCode::PERMISSION_DENIED;
    case Reason::kNotFound: return grpc::StatusCode::NOT_FOUND;
    case Reason::kEventsPurged: return grpc::StatusCode::OUT_OF_RANGE;
    case Reason::kShuttingDown:
    case Reason::kStoreUnavailable: return grpc::StatusCode::UNAVAILABLE;
    default: return grpc::StatusCode::INTERNAL;
  }
}

std::mutex grpc_log_mutex;
telemetry::Log* grpc_log = nullptr;  // guarded by grpc_log_mutex: gRPC takes a plain function and nothing to go with it

void ToLog(gpr_log_func_args* line) {
  const std::lock_guard lock(grpc_log_mutex);
  if (grpc_log == nullptr) return;
  // What peers do to their connections is their business, and must not look like a defect of ours.
  grpc_log->Debug(
      "grpc", {{"severity", gpr_log_severity_string(line->severity)}, {"file", line->file}, {"line", line->line}, {"text", line->message}});
}

}  // namespace

GrpcLog::GrpcLog(telemetry::Log& log) {
  const std::lock_guard lock(grpc_log_mutex);
  grpc_log = &log;
  gpr_set_log_function(&ToLog);
}

GrpcLog::~GrpcLog() {
  const std::lock_guard lock(grpc_log_mutex);
  grpc_log = nullptr;
}

grpc::Status StatusOf(const Refusal& refusal) {
  const v1::ErrorDetail detail = DetailOf(refusal);
  std::string message = Cat(detail.reason(), " (", detail.code(), ")");
  if (!detail.field().empty()) message += Cat(" at ", detail.field());
  if (!detail.expected().empty()) message += Cat(": expected ", detail.expected(), ", actual ", detail.actual());
  return {CodeOf(refusal.finding.reason), Cat(message, ". ", detail.remedy()), detail.SerializeAsString()};
}

grpc::Status StatusOf(const Refusal& refusal, grpc::CallbackServerContext& context) {
  if (refusal.retry_after_ms != 0) context.AddTrailingMetadata(kPushbackKey, std::to_string(refusal.retry_after_ms));
  return StatusOf(refusal);
}

std::string NameCall(grpc::CallbackServerContext& context) {
  Bytes random(8);
  SystemRandom().Fill(random);
  std::string id = ToHex(random);
  context.AddTrailingMetadata(kRequestIdKey, id);
  return id;
}

Peer PeerOf(const grpc::CallbackServerContext& context) {
  Peer peer{std::nullopt, Printable(context.peer(), 128), {}, {}};
  const std::vector<grpc::string_ref> pem = context.auth_context()->FindPropertyValues("x509_pem_cert");
  if (pem.size() == 1) peer.certificate_pem.emplace(pem.front().data(), pem.front().size());
  return peer;
}

std::vector<std::string> PeerNames(const grpc::CallbackServerContext& context, const char* property) {
  std::vector<std::string> names;
  for (const grpc::string_ref& name : context.auth_context()->FindPropertyValues(property)) names.emplace_back(name.data(), name.size());
  return names;
}

}  // namespace assay::service

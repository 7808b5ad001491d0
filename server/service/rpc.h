// What the gRPC services share: statuses out of refusals, peers out of connections. Heavy: includes gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

#include "service/attestation.h"
#include "service/refusal.h"
#include "telemetry/log.h"

namespace assay::service {

inline constexpr int kMib = 1024 * 1024;
inline constexpr int kMaxRequestSize = kMib;  // where the configuration does not say otherwise
inline constexpr int kMaxMetadataSize = 8 * 1024;
inline constexpr const char* kPushbackKey = "grpc-retry-pushback-ms";

// Code by reason, message for people, assay.v1.ErrorDetail in the details.
grpc::Status StatusOf(const Refusal& refusal);
// A retry hint goes into the trailer as well.
grpc::Status StatusOf(const Refusal& refusal, grpc::CallbackServerContext& context);

// gRPC's own messages become lines of this log, for as long as the object lives; one at a time. $GRPC_VERBOSITY says which.
class GrpcLog {
 public:
  explicit GrpcLog(telemetry::Log& log);
  ~GrpcLog();
  GrpcLog(const GrpcLog&) = delete;
  GrpcLog& operator=(const GrpcLog&) = delete;
};

// A name for one call: 16 random hexadecimal digits, in the trailer kRequestIdKey of its answer and in every line of the log that
// is about it, so that who asks and who operates mean the same call.
inline constexpr const char* kRequestIdKey = "assay-request-id";
std::string NameCall(grpc::CallbackServerContext& context);

Peer PeerOf(const grpc::CallbackServerContext& context);
std::vector<std::string> PeerNames(const grpc::CallbackServerContext& context, const char* property);  // "peer_uri", "peer_dns"

}  // namespace assay::service

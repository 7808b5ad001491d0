// How many calls one connection may have under way, whatever its client claims to have agreed to.
//
// HTTP/2 leaves the number of streams to SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, section 5.1.2), which gRPC 1.51 holds against
// a client only once it has acknowledged it, and never against streams that are reset at once: a client that stays silent
// begins a call with fifteen bytes and costs ten thousand, so that a gigabyte fits into one connection's byte budget.
//
// Promises: a call beyond `most` of its connection ends as RESOURCE_EXHAUSTED before anything of ours is kept for it, and a
// connection that goes on regardless is cut; a call that is over makes room at once. Calls that are taken back before they begin
// may never be reported as over, so one call a connection is forgotten every five seconds. A method that the server does not have
// is UNIMPLEMENTED and counts like any other. Does not promise anything about who may call what.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace grpc {
class CallbackGenericService;
class ServerBuilder;
class ServerCredentials;
}  // namespace grpc

namespace assay::service {

struct OpenCallLimits {
  std::size_t most;                                  // calls under way over one connection
  std::size_t refused;                               // so many refusals, and it is cut
  std::function<void(const std::string& peer)> cut;  // `peer` as ServerContext::peer() has it; any thread, must not block
};

// For all calls of a server that is about to be built with these credentials. They may serve no other server. The result answers
// for methods that nobody has, and must live as long as the server.
std::unique_ptr<grpc::CallbackGenericService> LimitOpenCalls(grpc::ServerBuilder& builder, grpc::ServerCredentials& credentials,
                                                             OpenCallLimits limits);

}  // namespace assay::service

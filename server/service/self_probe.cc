#include "service/self_probe.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "base/bytes.h"
#include "base/strings.h"

namespace assay::service {
namespace {

constexpr char kMethod[] = "/grpc.health.v1.Health/Check";

// grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): Debian has no generated code of it. Field 1
// of the request is the service's name, field 1 of the response its status, 1 = SERVING.
std::string CheckRequest(const std::string& health) {
  std::string request;
  if (health.empty()) return request;
  request += '\x0a';
  request += static_cast<char>(health.size());
  return request + health;
}
constexpr std::string_view kServing("\x08\x01", 2);

}  // namespace

std::string ReachableAddress(const std::string& bound) {
  const std::size_t colon = bound.rfind(':');
  const std::string host = bound.substr(0, colon);
  if (host == "0.0.0.0") return Cat("127.0.0.1", bound.substr(colon));
  if (host == "[::]" || host == "::") return Cat("[::1]", bound.substr(colon));
  return bound;
}

bool ProbeSelf(const std::string& address, const std::string& health, std::chrono::milliseconds bound) {
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_verify_server_certs(false);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own, every time
  const auto channel = grpc::CreateCustomChannel(ReachableAddress(address), grpc::experimental::TlsCredentials(tls), arguments);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + bound);
  const grpc::Slice request(CheckRequest(health));
  const grpc::ByteBuffer request_bytes(&request, 1);
  grpc::ByteBuffer response;
  grpc::CompletionQueue queue;
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, kMethod, request_bytes, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!ok || !status.ok()) return false;
  grpc::Slice slice;
  return response.DumpToSingleSlice(&slice).ok() &&
         std::string_view(static_cast<const char*>(static_cast<const void*>(slice.begin())), slice.size()) == kServing;
}

}  // namespace assay::service

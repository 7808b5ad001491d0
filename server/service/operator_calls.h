// What the services of the operator listener share: each call authenticates its caller, authorizes it for the role that the proto names,
// then runs on the pool. Heavy: includes gRPC.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/strings.h"
#include "service/caller_certificate.h"
#include "service/operator_service.h"
#include "service/rate_limit.h"
#include "service/rpc.h"
#include "store/page_token.h"

namespace assay::service {

inline constexpr std::uint32_t kRetryOverloadMs = 500;
inline constexpr int kDefaultPage = 100, kMostPage = 1000;
inline constexpr std::size_t kLongestReason = 500;

inline std::optional<Refusal> RefusalOfStatus(const absl::Status& status, std::string field) {
  return status.ok() ? std::nullopt : std::optional(RefusalOf(status, std::move(field)));
}

inline Refusal Invalid(std::string field, std::string expected, std::string actual) {
  return {{.reason = Reason::kRequestFieldInvalid,
           .component = std::move(field),
           .expected = std::move(expected),
           .actual = std::move(actual)}};
}

struct Caller {
  std::string identity, request_id, peer;
};

class OperatorCalls {
 protected:
  // `service` is its full name; static storage.
  OperatorCalls(OperatorInputs inputs, std::string_view service)
      : inputs_(std::move(inputs)), service_(service), pages_(inputs_.page_key) {}
  ~OperatorCalls() = default;

  // Who calls, and by what, which is believed for as long as it says and no longer.
  struct Authorized {
    std::string identity;
    Credential credential;
  };

  std::variant<Authorized, Finding> CallerFor(const grpc::CallbackServerContext& context, Role role) const {
    const std::vector<std::string> shown = PeerNames(context, "x509_pem_cert");
    const bool certificate = !shown.empty();
    std::vector<std::string_view> tokens;
    if (inputs_.bearers != nullptr) {
      const auto [begin, end] = context.client_metadata().equal_range("authorization");
      for (auto each = begin; each != end; ++each) tokens.emplace_back(each->second.data(), each->second.size());
      if (certificate != tokens.empty()) return NoCaller(certificate);
    }
    Authorized caller;
    std::variant<std::string, Finding> checked;
    if (tokens.empty()) {
      auto until = CertificateUntil(shown.size() == 1 ? shown.front() : "", inputs_.clock.Now());
      if (auto* refused = std::get_if<Finding>(&until)) return std::move(*refused);
      caller.credential = {"client certificate", std::get<Time>(until)};
      checked = inputs_.authorization.CheckCertificate(PeerNames(context, "peer_uri"), PeerNames(context, "peer_dns"), role);
    } else {
      auto bearer = inputs_.bearers->Authenticate(tokens);
      if (auto* refused = std::get_if<Finding>(&bearer)) return std::move(*refused);
      caller.credential = {"token", std::get<TokenCaller>(bearer).until};
      checked = inputs_.authorization.CheckToken(std::get<TokenCaller>(bearer).identity, role);
    }
    if (auto* denied = std::get_if<Finding>(&checked)) return std::move(*denied);
    caller.identity = std::get<std::string>(std::move(checked));
    return caller;
  }

  std::variant<Authorized, Finding> Authorize(const grpc::CallbackServerContext& context, std::string_view rpc, Role role,
                                              const std::string& request_id) {
    auto caller = CallerFor(context, role);
    if (const auto* denied = std::get_if<Finding>(&caller)) {
      const bool known = denied->reason == Reason::kPermissionDenied;
      Count(rpc, known ? grpc::StatusCode::PERMISSION_DENIED : grpc::StatusCode::UNAUTHENTICATED, std::chrono::steady_clock::now());
      if (known) {
        inputs_.log.Warning("permission denied",
                            {{"rpc", rpc}, {"identity", denied->actual}, {"peer", context.peer()}, {"request_id", request_id}});
      } else if (strangers_logged_.Take("")) {  // all are counted; a line for each would be a flood of its own
        inputs_.log.Warning("caller not authenticated", {{"rpc", rpc},
                                                         {"at", Cat(denied->component, denied->claim.empty() ? "" : ".", denied->claim)},
                                                         {"expected", denied->expected},
                                                         {"actual", denied->actual},
                                                         {"peer", context.peer()},
                                                         {"request_id", request_id}});
      }
    }
    return caller;
  }

  void Count(std::string_view rpc, grpc::StatusCode code, std::chrono::steady_clock::time_point begin) {
    inputs_.metrics.CountRpc(Cat(service_, "/", rpc), static_cast<absl::StatusCode>(code),
                             std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }

  // `call` is given the caller and says why it refuses, if it does; it runs on the pool.
  template <typename Call>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, std::string_view rpc, Role role, Call call) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const std::string id = NameCall(*context);
    auto caller = Authorize(*context, rpc, role, id);
    if (auto* denied = std::get_if<Finding>(&caller)) {
      reactor->Finish(StatusOf({std::move(*denied)}, *context));
      return reactor;
    }
    const bool queued = inputs_.pool.Submit([this, context, reactor, rpc, id, begin = std::chrono::steady_clock::now(),
                                             caller = std::get<Authorized>(caller).identity, call = std::move(call)] {
      const std::optional<Refusal> refusal = call(Caller{caller, id, context->peer()});
      if (refusal && refusal->finding.reason == Reason::kStoreUnavailable) {
        inputs_.log.Error("call not answered", {{"rpc", rpc}, {"request_id", id}, {"error", refusal->finding.actual}});
      }
      inputs_.completed(context->peer());
      const grpc::Status status = refusal ? StatusOf(*refusal, *context) : grpc::Status::OK;
      Count(rpc, status.error_code(), begin);
      reactor->Finish(status);
    });
    if (!queued) {
      Count(rpc, grpc::StatusCode::RESOURCE_EXHAUSTED, std::chrono::steady_clock::now());
      reactor->Finish(
          StatusOf({{.reason = Reason::kOverloaded, .component = "workers", .expected = "a place in the queue", .actual = "a full queue"},
                    kRetryOverloadMs},
                   *context));
    }
    return reactor;
  }

  // The same for what changes something: by operators, with a reason, written to the log, seen by watchers.
  template <typename Call>
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext* context, std::string_view rpc, const std::string& reason, Call call) {
    return Answer(
        context, rpc, Role::kOperator, [this, rpc, reason, call = std::move(call)](const Caller& caller) -> std::optional<Refusal> {
          if (reason.empty() || reason.size() > kLongestReason || Printable(reason, kLongestReason) != reason) {
            return Invalid("reason", Cat("1 to ", kLongestReason, " bytes of printable text: why you do this"),
                           reason.empty() ? "nothing" : Cat(reason.size(), " bytes, '", Printable(reason, 64), "'"));
          }
          std::optional<Refusal> refusal = call(store::Act{caller.identity, reason, inputs_.clock.Now()});
          if (refusal) return refusal;
          inputs_.log.Info(
              "changed by an operator",
              {{"rpc", rpc}, {"identity", caller.identity}, {"reason", reason}, {"request_id", caller.request_id}, {"peer", caller.peer}});
          inputs_.watchers.Changed();
          return std::nullopt;
        });
  }

  template <typename T, typename Request, typename Read, typename Response>
  std::optional<Refusal> List(const Request& request, store::PageRequest page, const store::ListArguments& arguments, const Read& read,
                              google::protobuf::RepeatedPtrField<T>& elements, Response& response) {
    if (request.page_size() < 0) return Invalid("page_size", "0 or more", std::to_string(request.page_size()));
    page.size = request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), kMostPage);
    if (!request.page_token().empty()) {
      const auto after = pages_.Open(request.page_token(), arguments);
      if (!after.ok()) return RefusalOf(after.status(), "page_token");
      page.after = *after;
    }
    auto found = read(page);
    if (!found.ok()) return RefusalOf(found.status(), "filter");
    for (T& element : found->elements) elements.Add(std::move(element));
    if (found->next != 0) response.set_next_page_token(pages_.Seal(arguments, found->next));
    return std::nullopt;
  }

  const OperatorInputs inputs_;
  const std::string_view service_;
  const store::PageTokenCodec pages_;
  RateLimit strangers_logged_{{1, 20}, 1};
};

}  // namespace assay::service

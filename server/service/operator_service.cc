#include "service/operator_service.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "assay/v1/verdict_service.grpc.pb.h"
#include "base/hex.h"
#include "base/strings.h"
#include "service/rate_limit.h"
#include "service/rpc.h"
#include "store/page_token.h"

namespace assay::service {
namespace {

constexpr std::uint32_t kRetryOverloadMs = 500;
constexpr int kDefaultPage = 100, kMostPage = 1000;
constexpr std::size_t kLongestReason = 500;

std::optional<Refusal> RefusalOfStatus(const absl::Status& status, std::string field) {
  return status.ok() ? std::nullopt : std::optional(RefusalOf(status, std::move(field)));
}

Refusal Invalid(std::string field, std::string expected, std::string actual) {
  return {{.reason = Reason::kRequestFieldInvalid, .component = std::move(field), .expected = std::move(expected), .actual = std::move(actual)}};
}

struct Caller {
  std::string identity, request_id, peer;
};

class OperatorService final : public v1::VerdictService::CallbackService {
 public:
  explicit OperatorService(OperatorInputs inputs) : inputs_(std::move(inputs)), pages_(inputs_.page_key) {}

  grpc::ServerUnaryReactor* GetVerdict(grpc::CallbackServerContext* context, const v1::GetVerdictRequest* request, v1::GetVerdictResponse* response) override {
    return Answer(context, "GetVerdict", Role::kViewer, [this, request, response](const Caller&) {
      return OfVerdict(request->verdict_id(), inputs_.store.Get(request->verdict_id()), [&](v1::VerdictRecord record) {
        *response->mutable_record() = std::move(record);
        const auto summary = inputs_.store.GetSummary(request->verdict_id());
        if (summary.ok() && summary->has_revocation()) *response->mutable_revocation() = summary->revocation();
      });
    });
  }

  grpc::ServerUnaryReactor* ListVerdicts(grpc::CallbackServerContext* context, const v1::ListVerdictsRequest* request, v1::ListVerdictsResponse* response) override {
    return Answer(context, "ListVerdicts", Role::kViewer, [this, request, response](const Caller&) -> std::optional<Refusal> {
      const std::string& order = request->order_by();
      if (!order.empty() && order != "sequence" && order != "sequence desc") return Invalid("order_by", "'sequence' or 'sequence desc'", Cat("'", Printable(order, 64), "'"));
      return List<v1::VerdictSummary>(*request, {.filter = request->filter(), .newest_first = order != "sequence"}, {.list = "verdicts", .filter = request->filter(), .order_by = order},
                                      [this](const store::PageRequest& page) { return inputs_.store.ListVerdicts(page); }, *response->mutable_verdicts(), *response);
    });
  }

  grpc::ServerUnaryReactor* ListFlips(grpc::CallbackServerContext* context, const v1::ListFlipsRequest* request, v1::ListFlipsResponse* response) override {
    return Answer(context, "ListFlips", Role::kViewer, [this, request, response](const Caller&) {
      return List<v1::VerdictFlip>(*request, {.filter = request->filter()}, {.list = "flips", .filter = request->filter()},
                                   [this](const store::PageRequest& page) { return inputs_.store.ListFlips(page); }, *response->mutable_flips(), *response);
    });
  }

  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context, const v1::ListNodesRequest* request, v1::ListNodesResponse* response) override {
    return Answer(context, "ListNodes", Role::kViewer, [this, request, response](const Caller&) {
      return List<v1::Node>(*request, {.filter = request->filter()}, {.list = "nodes", .filter = request->filter()},
                            [this](const store::PageRequest& page) { return inputs_.store.ListNodes(page); }, *response->mutable_nodes(), *response);
    });
  }

  grpc::ServerUnaryReactor* ListBans(grpc::CallbackServerContext* context, const v1::ListBansRequest* request, v1::ListBansResponse* response) override {
    return Answer(context, "ListBans", Role::kViewer, [this, request, response](const Caller&) {
      return List<v1::Ban>(*request, {}, {.list = "bans"}, [this](const store::PageRequest& page) { return inputs_.store.ListBans(page); }, *response->mutable_bans(), *response);
    });
  }

  grpc::ServerWriteReactor<v1::WatchVerdictsResponse>* WatchVerdicts(grpc::CallbackServerContext* context, const v1::WatchVerdictsRequest* request) override {
    auto caller = Authorize(*context, "WatchVerdicts", Role::kViewer, NameCall(*context));
    if (auto* refused = std::get_if<Finding>(&caller)) return Watchers::Refuse(*context, {std::move(*refused)});
    return inputs_.watchers.Watch(*context, *request, std::get<Authorized>(caller).until, [this, peer = context->peer()] { inputs_.completed(peer); });
  }

  grpc::ServerUnaryReactor* RevokeVerdict(grpc::CallbackServerContext* context, const v1::RevokeVerdictRequest* request, v1::RevokeVerdictResponse* response) override {
    return Change(context, "RevokeVerdict", request->reason(), [this, request, response](const store::Act& act) {
      return OfVerdict(request->verdict_id(), inputs_.store.Revoke(request->verdict_id(), act),
                       [&](v1::VerdictSummary verdict) { *response->mutable_verdict() = std::move(verdict); });
    });
  }

  grpc::ServerUnaryReactor* ReleaseNode(grpc::CallbackServerContext* context, const v1::ReleaseNodeRequest* request, v1::ReleaseNodeResponse* response) override {
    return Change(context, "ReleaseNode", request->reason(), [this, request, response](const store::Act& act) -> std::optional<Refusal> {
      if (request->instance_identity().size() != crypto::Sha256Digest().size()) {
        return Invalid("instance_identity", "32 bytes", Cat(request->instance_identity().size(), " bytes"));
      }
      auto node = inputs_.store.Release(AsBytes(request->instance_identity()), act);
      if (node.ok()) *response->mutable_node() = *std::move(node);
      return RefusalOfStatus(node.status(), "instance_identity");
    });
  }

  grpc::ServerUnaryReactor* BanIdentity(grpc::CallbackServerContext* context, const v1::BanIdentityRequest* request, v1::BanIdentityResponse* response) override {
    return Change(context, "BanIdentity", request->reason(), [this, request, response](const store::Act& act) {
      auto ban = inputs_.store.Impose(request->kind(), request->value(), act);
      if (ban.ok()) *response->mutable_ban() = *std::move(ban);
      return RefusalOfStatus(ban.status(), "value");
    });
  }

  grpc::ServerUnaryReactor* UnbanIdentity(grpc::CallbackServerContext* context, const v1::UnbanIdentityRequest* request, v1::UnbanIdentityResponse* response) override {
    return Change(context, "UnbanIdentity", request->reason(), [this, request, response](const store::Act& act) {
      auto ban = inputs_.store.Lift(request->kind(), request->value(), act);
      if (ban.ok()) *response->mutable_ban() = *std::move(ban);
      return RefusalOfStatus(ban.status(), "value");
    });
  }

  grpc::ServerUnaryReactor* ReplayVerdict(grpc::CallbackServerContext* context, const v1::ReplayVerdictRequest* request, v1::ReplayVerdictResponse* response) override {
    return Answer(context, "ReplayVerdict", Role::kViewer, [this, request, response](const Caller&) {
      return OfVerdict(request->verdict_id(), inputs_.store.Get(request->verdict_id()), [&](const v1::VerdictRecord& record) {
        *response = appraisal::Replay(Export(record), {.registry = inputs_.registry, .anchors = inputs_.anchors,
                                                       .policies = request->current_policies() ? &inputs_.policies : nullptr,
                                                       .at = request->has_at() ? std::optional(Time{Duration{request->at().seconds()}}) : std::nullopt});
      });
    });
  }

  grpc::ServerUnaryReactor* ExportVerdict(grpc::CallbackServerContext* context, const v1::ExportVerdictRequest* request, v1::ExportVerdictResponse* response) override {
    return Answer(context, "ExportVerdict", Role::kViewer, [this, request, response](const Caller&) {
      return OfVerdict(request->verdict_id(), inputs_.store.Get(request->verdict_id()),
                       [&](const v1::VerdictRecord& record) { *response->mutable_verdict() = Export(record); });
    });
  }

 private:
  // Who calls, and until when that may be believed: a certificate was checked with the connection, whose age is bounded.
  struct Authorized {
    std::string identity;
    std::optional<Time> until;
  };

  std::variant<Authorized, Finding> CallerFor(const grpc::CallbackServerContext& context, Role role) const {
    const bool certificate = !context.auth_context()->FindPropertyValues("x509_pem_cert").empty();
    std::vector<std::string_view> tokens;
    if (inputs_.bearers != nullptr) {
      const auto [begin, end] = context.client_metadata().equal_range("authorization");
      for (auto each = begin; each != end; ++each) tokens.emplace_back(each->second.data(), each->second.size());
      if (certificate != tokens.empty()) return NoCaller(certificate);
    }
    Authorized caller;
    std::variant<std::string, Finding> checked;
    if (tokens.empty()) {
      checked = inputs_.authorization.CheckCertificate(PeerNames(context, "peer_uri"), PeerNames(context, "peer_dns"), role);
    } else {
      auto bearer = inputs_.bearers->Authenticate(tokens);
      if (auto* refused = std::get_if<Finding>(&bearer)) return std::move(*refused);
      caller.until = std::get<TokenCaller>(bearer).until;
      checked = inputs_.authorization.CheckToken(std::get<TokenCaller>(bearer).identity, role);
    }
    if (auto* denied = std::get_if<Finding>(&checked)) return std::move(*denied);
    caller.identity = std::get<std::string>(std::move(checked));
    return caller;
  }

  std::variant<Authorized, Finding> Authorize(const grpc::CallbackServerContext& context, std::string_view rpc, Role role, const std::string& request_id) {
    auto caller = CallerFor(context, role);
    if (const auto* denied = std::get_if<Finding>(&caller)) {
      const bool known = denied->reason == Reason::kPermissionDenied;
      Count(rpc, known ? grpc::StatusCode::PERMISSION_DENIED : grpc::StatusCode::UNAUTHENTICATED, std::chrono::steady_clock::now());
      if (known) {
        inputs_.log.Warning("permission denied", {{"rpc", rpc}, {"identity", denied->actual}, {"peer", context.peer()}, {"request_id", request_id}});
      } else if (strangers_logged_.Take("")) {  // all are counted; a line for each would be a flood of its own
        inputs_.log.Warning("caller not authenticated", {{"rpc", rpc}, {"at", Cat(denied->component, denied->claim.empty() ? "" : ".", denied->claim)}, {"expected", denied->expected},
                                                         {"actual", denied->actual}, {"peer", context.peer()}, {"request_id", request_id}});
      }
    }
    return caller;
  }

  void Count(std::string_view rpc, grpc::StatusCode code, std::chrono::steady_clock::time_point begin) {
    inputs_.metrics.CountRpc(Cat("assay.v1.VerdictService/", rpc), static_cast<absl::StatusCode>(code),
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
    const bool queued = inputs_.pool.Submit([this, context, reactor, rpc, id, begin = std::chrono::steady_clock::now(), caller = std::get<Authorized>(caller).identity, call = std::move(call)] {
      const std::optional<Refusal> refusal = call(Caller{caller, id, context->peer()});
      if (refusal && refusal->finding.reason == Reason::kStoreUnavailable) inputs_.log.Error("call not answered", {{"rpc", rpc}, {"request_id", id}, {"error", refusal->finding.actual}});
      inputs_.completed(context->peer());
      const grpc::Status status = refusal ? StatusOf(*refusal, *context) : grpc::Status::OK;
      Count(rpc, status.error_code(), begin);
      reactor->Finish(status);
    });
    if (!queued) {
      Count(rpc, grpc::StatusCode::RESOURCE_EXHAUSTED, std::chrono::steady_clock::now());
      reactor->Finish(StatusOf({{.reason = Reason::kOverloaded, .component = "workers", .expected = "a place in the queue", .actual = "a full queue"}, kRetryOverloadMs}, *context));
    }
    return reactor;
  }

  // The same for what changes something: by operators, with a reason, written to the log, seen by watchers.
  template <typename Call>
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext* context, std::string_view rpc, const std::string& reason, Call call) {
    return Answer(context, rpc, Role::kOperator, [this, rpc, reason, call = std::move(call)](const Caller& caller) -> std::optional<Refusal> {
      if (reason.empty() || reason.size() > kLongestReason || Printable(reason, kLongestReason) != reason) {
        return Invalid("reason", Cat("1 to ", kLongestReason, " bytes of printable text: why you do this"), reason.empty() ? "nothing" : Cat(reason.size(), " bytes, '", Printable(reason, 64), "'"));
      }
      std::optional<Refusal> refusal = call(store::Act{caller.identity, reason, inputs_.clock.Now()});
      if (refusal) return refusal;
      inputs_.log.Info("changed by an operator", {{"rpc", rpc}, {"identity", caller.identity}, {"reason", reason}, {"request_id", caller.request_id}, {"peer", caller.peer}});
      inputs_.watchers.Changed();
      return std::nullopt;
    });
  }

  template <typename T, typename Write>
  std::optional<Refusal> OfVerdict(const std::string& id, absl::StatusOr<T> found, const Write& write) {
    if (found.ok()) {
      write(*std::move(found));
      return std::nullopt;
    }
    if (absl::IsInvalidArgument(found.status())) return Invalid("verdict_id", "26 characters of Crockford's base32, as Attest returned them", Cat("'", Printable(id, 64), "'"));
    if (absl::IsNotFound(found.status())) {
      return Refusal{{.reason = Reason::kNotFound, .component = "verdict_id", .expected = "the id of a recorded verdict", .actual = Printable(id, 64)}};
    }
    inputs_.log.Error("verdict not read", {{"verdict_id", id}, {"error", MessageOf(found.status())}});
    return RefusalOf(found.status(), "verdict_id");
  }

  // With what is still kept; what is not, the replay names.
  v1::VerdictExport Export(const v1::VerdictRecord& record) {
    v1::VerdictExport output;
    *output.mutable_record() = record;
    for (const crypto::Sha256Digest& sha256 : appraisal::InputsOf(record)) {
      if (const auto blob = inputs_.store.GetBlob(sha256); blob.ok()) output.add_inputs(std::string(AsText(*blob)));
    }
    return output;
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
  const store::PageTokenCodec pages_;
  RateLimit strangers_logged_{{1, 20}, 1};
};

}  // namespace

std::unique_ptr<grpc::Service> MakeOperatorService(OperatorInputs inputs) { return std::make_unique<OperatorService>(std::move(inputs)); }

}  // namespace assay::service

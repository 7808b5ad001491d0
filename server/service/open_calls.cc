#include "service/open_calls.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/support/server_interceptor.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace assay::service {
namespace {

using Clock = std::chrono::steady_clock;

// Of the AuthContext, which all calls of a connection share: its number. No pointer: nothing says how long it lives.
constexpr const char* kConnectionNumber = "assay_connection";
constexpr std::chrono::seconds kForgetOne{5};
constexpr std::size_t kLeastToSweep = 1024;

class OpenCalls {
 public:
  explicit OpenCalls(OpenCallLimits limits) : limits_(std::move(limits)) {}

  std::uint64_t NewConnection() {
    const std::lock_guard lock(mutex_);
    return ++connections_made_;
  }

  bool Begin(std::uint64_t number) {
    const auto now = Clock::now();
    std::string peer;
    {
      const std::lock_guard lock(mutex_);
      if (connections_.size() >= sweep_at_) {
        std::erase_if(connections_, [&](auto each) { return Forget(each.second, now) == 0; });
        sweep_at_ = std::max(kLeastToSweep, 2 * connections_.size());
      }
      Connection& connection = connections_.try_emplace(number, now).first->second;
      if (Forget(connection, now) < limits_.most) {
        ++connection.open;
        return true;
      }
      if (++connection.refused > limits_.refused) peer = std::exchange(connection.peer, {});
    }
    if (!peer.empty()) limits_.cut(peer);
    return false;
  }

  // From where the calls of a connection come is known a little later than that they do.
  void Name(std::uint64_t number, const std::string& peer) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = connections_.find(number);
      if (found == connections_.end() || found->second.named) return;
      found->second.named = true;
      if (found->second.refused <= limits_.refused) {
        found->second.peer = peer;
        return;
      }
    }
    limits_.cut(peer);
  }

  void End(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    if (found->second.open > 0) --found->second.open;
    if (found->second.open == 0 && found->second.refused == 0) connections_.erase(found);
  }

 private:
  struct Connection {
    explicit Connection(Clock::time_point now) : forgotten_until(now) {}
    std::uint64_t open = 0, refused = 0;
    Clock::time_point forgotten_until;
    bool named = false;
    std::string peer;  // empty: not known yet, or cut
  };

  static std::uint64_t Forget(Connection& connection, Clock::time_point now) {
    const auto many = (now - connection.forgotten_until) / kForgetOne;
    connection.open -= std::min(connection.open, static_cast<std::uint64_t>(many));
    connection.forgotten_until += many * kForgetOne;
    return connection.open;
  }

  const OpenCallLimits limits_;
  std::mutex mutex_;
  std::uint64_t connections_made_ = 0;                         // guarded by mutex_
  std::size_t sweep_at_ = kLeastToSweep;                       // guarded by mutex_
  std::unordered_map<std::uint64_t, Connection> connections_;  // those with calls under way or refused; guarded by mutex_
};

std::optional<std::uint64_t> ConnectionOf(const grpc::AuthContext& context) {
  const std::vector<grpc::string_ref> values = context.FindPropertyValues(kConnectionNumber);
  if (values.empty()) return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(values.front().begin(), values.front().end(), number);
  return number;
}

// Runs before gRPC looks for the method.
class Admission final : public grpc::AuthMetadataProcessor {
 public:
  explicit Admission(std::shared_ptr<OpenCalls> calls) : calls_(std::move(calls)) {}
  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata&, grpc::AuthContext* context, OutputMetadata*, OutputMetadata*) override {
    std::optional<std::uint64_t> connection = ConnectionOf(*context);
    if (!connection) {
      connection = calls_->NewConnection();
      context->AddProperty(kConnectionNumber, std::to_string(*connection));
    }
    if (calls_->Begin(*connection)) return grpc::Status::OK;
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls at once over one connection: wait for answers before asking more"};
  }

 private:
  const std::shared_ptr<OpenCalls> calls_;
};

// Lives as long as its call does.
class UntilItsEnd final : public grpc::experimental::Interceptor {
 public:
  UntilItsEnd(std::shared_ptr<OpenCalls> calls, std::uint64_t connection) : calls_(std::move(calls)), connection_(connection) {}
  ~UntilItsEnd() override { calls_->End(connection_); }
  UntilItsEnd(const UntilItsEnd&) = delete;
  UntilItsEnd& operator=(const UntilItsEnd&) = delete;

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override { batch->Proceed(); }

 private:
  const std::shared_ptr<OpenCalls> calls_;
  const std::uint64_t connection_;
};

class Noticing final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Noticing(std::shared_ptr<OpenCalls> calls) : calls_(std::move(calls)) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* call) override {
    const auto context = call->server_context()->auth_context();
    const std::optional<std::uint64_t> connection = context == nullptr ? std::nullopt : ConnectionOf(*context);
    if (!connection) return nullptr;
    calls_->Name(*connection, call->server_context()->peer());
    return new UntilItsEnd(calls_, *connection);  // gRPC takes it
  }

 private:
  const std::shared_ptr<OpenCalls> calls_;
};

// gRPC's own answer to an unknown method would not be noticed.
class NoSuchMethod final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      explicit Refusal(const std::string& method) {
        Finish({grpc::StatusCode::UNIMPLEMENTED,
                Cat("method '", Printable(method, 128),
                    "': expected one that this listener has, actual: none of them. Check the address and the version of the client.")});
      }
      void OnDone() override { delete this; }
    };
    return new Refusal(context->method());
  }
};

}  // namespace

std::unique_ptr<grpc::CallbackGenericService> LimitOpenCalls(grpc::ServerBuilder& builder, grpc::ServerCredentials& credentials,
                                                             OpenCallLimits limits) {
  const auto calls = std::make_shared<OpenCalls>(std::move(limits));
  credentials.SetAuthMetadataProcessor(std::make_shared<Admission>(calls));
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> factories;
  factories.push_back(std::make_unique<Noticing>(calls));
  builder.experimental().SetInterceptorCreators(std::move(factories));
  auto no_such_method = std::make_unique<NoSuchMethod>();
  builder.RegisterCallbackGenericService(no_such_method.get());
  return no_such_method;
}

}  // namespace assay::service

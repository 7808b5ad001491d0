#include "service/server.h"

#include <fcntl.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "appraisal/anchors_file.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "result/signing_key.h"
#include "service/attestation.h"
#include "service/config_file.h"
#include "service/edge.h"
#include "service/join_service.h"
#include "service/operator_service.h"
#include "service/periodic.h"
#include "service/rpc.h"
#include "service/tls.h"
#include "service/watch.h"
#include "service/worker_pool.h"
#include "store/sqlite_store.h"

namespace assay::service {
namespace {

// No clock is right that stands before the source of this program was written.
constexpr Time kSourceTime = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24);

// gRPC, doc/keepalive.md: connections are re-made now and then, so that load and revoked certificates move on.
constexpr int kKeepaliveMs = 60'000, kKeepaliveTimeoutMs = 10'000, kLeastPingIntervalMs = 30'000;
constexpr int kConnectionAgeMs = 3'600'000, kConnectionAgeGraceMs = 30'000, kConnectionIdleMs = 300'000;
constexpr int kStreamsPerConnection = 128;
constexpr std::chrono::seconds kForgetInterval{60};
constexpr int kMostForgetting = 1000;  // transactions at a time
constexpr std::size_t kThreadsPerCore = 4, kLeastThreads = 16;
constexpr int kHandshakeTimeoutMs = 5000;  // TLS, and the first HTTP/2 settings

// Everything that is read from files before anything runs.
struct Material {
  TlsMaterial join_tls, operator_tls;
  std::string client_ca;
  std::optional<appraisal::PolicyBook> policies;
  std::optional<trust::AnchorSet> anchors;
  std::vector<trust::CollateralItem> collateral;
};

class Gathering {
 public:
  explicit Gathering(const ServerInputs& inputs) : inputs_(inputs) {
    const v1::ServerConfig& config = inputs.config;
    if (auto tls = Take(LoadTlsMaterial(config.join().tls(), "join.tls"))) material_.join_tls = *std::move(tls);
    if (auto tls = Take(LoadTlsMaterial(config.operator_().tls(), "operator.tls"))) material_.operator_tls = *std::move(tls);
    if (auto ca = Take(ReadFile("operator.client_ca", config.operator_().client_ca()))) TakeClientCa(*ca);
    TakePolicies();
    material_.anchors = inputs.insecure_test_anchors.empty() ? std::optional(appraisal::BuiltinAnchors(inputs.registry))
                                                             : Take(appraisal::LoadTestAnchors(inputs.insecure_test_anchors));
    if (!config.collateral_dir().empty()) TakeCollateral();
  }

  const std::vector<std::string>& messages() const { return messages_; }
  Material& material() { return material_; }

 private:
  template <typename T>
  std::optional<T> Take(absl::StatusOr<T> value) {
    if (value.ok()) return *std::move(value);
    messages_.emplace_back(MessageOf(value.status()));
    return std::nullopt;
  }

  void TakeClientCa(const Bytes& pem) {
    const auto certificates = crypto::CertificatesFrom(pem, "operator.client_ca");
    if (certificates && !certificates->empty()) material_.client_ca = AsText(pem);
    else messages_.push_back(Cat("operator.client_ca '", inputs_.config.operator_().client_ca(), "': expected PEM certificates, actual: none that decode."));
  }

  void TakePolicies() {
    std::vector<std::pair<std::string, std::string>> files;
    bool complete = true;
    for (const std::string& path : inputs_.config.policies()) {
      std::vector<std::string> names{path};
      std::error_code ignored;
      if (std::filesystem::is_directory(path, ignored)) {
        names = Take(FilesBelow("policies", path)).value_or(std::vector<std::string>());
        std::erase_if(names, [](const std::string& name) { return !name.ends_with(".yaml"); });
        if (names.empty()) {
          messages_.push_back(Cat("policies '", path, "': expected *.yaml files below it, actual: none."));
          complete = false;
        }
      }
      for (const std::string& name : names) {
        if (auto text = Take(ReadFile("policies", name))) files.emplace_back(name, AsText(*text));
        else complete = false;
      }
    }
    if (!complete) return;
    appraisal::LoadResult loaded = appraisal::LoadPolicies(files, inputs_.registry);
    for (const appraisal::LintMessage& message : loaded.messages) messages_.push_back(message.ToString());
    if (loaded.book && loaded.book->sets().empty()) {
      messages_.emplace_back("policies: expected at least one PolicySet, actual: none. Without a set every node is rejected (policy_none).");
    }
    material_.policies = std::move(loaded.book);
  }

  void TakeCollateral() {
    const auto paths = Take(FilesBelow("collateral_dir", inputs_.config.collateral_dir()));
    if (!paths) return;
    for (const std::string& path : *paths) {
      const auto bytes = Take(ReadFile("collateral_dir", path));
      if (!bytes) continue;
      const std::size_t before = material_.collateral.size();
      for (const evidence::Format* format : inputs_.registry.formats) {
        for (trust::CollateralItem& item : format->recognise(trust::UntrustedBytes(*bytes), trust::CollateralSource::kSupplied, nullptr)) {
          material_.collateral.push_back(std::move(item));
        }
      }
      if (material_.collateral.size() == before) inputs_.log.Warning("collateral file not recognised", {{"file", path}});
    }
  }

  const ServerInputs& inputs_;
  Material material_;
  std::vector<std::string> messages_;
};

// The key under which challenges are made: read, or made where there is none. Several replicas may share the file.
absl::StatusOr<Bytes> LoadChallengeKey(const std::string& path, Random& random, telemetry::Log& log) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    Bytes key(kLeastKeySize);
    random.Fill(key);
    const bool written = ::write(file, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(file) == 0;
    if (::close(file) == 0 && written) {
      log.Info("challenge key made", {{"file", path}});
      return key;
    }
    ::unlink(path.c_str());
    return absl::UnavailableError(Cat("challenges.key_file '", path, "': expected to be written, actual: ", std::strerror(errno), ". Check the disk."));
  }
  if (errno != EEXIST) {
    return absl::UnavailableError(Cat("challenges.key_file '", path, "': expected a file that is there or can be made, actual: ", std::strerror(errno),
                                      ". Check the directory and its permissions."));
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(Cat("challenges.key_file '", path, "': expected a file that only its owner can read, actual: open to group or others. Run chmod 600 on it."));
  }
  absl::StatusOr<Bytes> key = ReadFile("challenges.key_file", path);
  if (key.ok() && key->size() < kLeastKeySize) {
    return absl::InvalidArgumentError(Cat("challenges.key_file '", path, "': expected at least ", kLeastKeySize, " random bytes, actual: ", key->size(),
                                          ". Remove the file to have one made."));
  }
  return key;
}

// A process with test anchors signs under another name and another key than the same configuration would in earnest.
struct TokenIdentity {
  std::string issuer;
  std::optional<result::SigningKey> key;  // nullopt: no tokens
};

absl::StatusOr<TokenIdentity> LoadTokenIdentity(const v1::ServerConfig& config, bool simulated) {
  if (!config.has_tokens()) return TokenIdentity{};
  auto key = result::SigningKey::LoadOrMake("tokens.key_file", Cat(config.tokens().key_file(), simulated ? ".simulated" : ""));
  if (!key.ok()) return key.status();
  return TokenIdentity{Cat(simulated ? "simulated:" : "", config.tokens().issuer()), *std::move(key)};
}

class RunningServer final : public Server {
 public:
  RunningServer(const ServerInputs& inputs, Material material, std::unique_ptr<store::VerdictStore> store, Bytes challenge_key, TokenIdentity tokens, Time not_before)
      : grpc_log_(inputs.log),
        material_(std::move(material)),
        store_(std::move(store)),
        tokens_(std::move(tokens)),
        watchers_(*store_, inputs.clock, inputs.log),
        attestation_({.registry = inputs.registry, .policies = *material_.policies, .anchors = *material_.anchors, .collateral = material_.collateral,
                      .server_spki = material_.join_tls.spki_sha256, .challenge_lifetime = ChallengeLifetime(inputs.config), .not_before = not_before,
                      .token_key = tokens_.key ? &*tokens_.key : nullptr, .token_issuer = tokens_.issuer, .store = *store_, .changed = [this] { watchers_.Changed(); },
                      .clock = inputs.clock, .random = inputs.random, .log = inputs.log},
                     ChallengeCodec(challenge_key)),
        authorization_(inputs.config.operator_()),
        pool_(ThreadsOf(inputs.config.workers()), inputs.config.workers().queue()),
        join_service_(MakeJoinService({.attestation = attestation_, .pool = pool_, .per_address = RateOf(inputs.config.join().rates().per_address()),
                                       .in_all = RateOf(inputs.config.join().rates().total()),
                                       .address_of = [this](const std::string& peer) { return join_edge_->AddressOf(peer); },
                                       .completed = [this](const std::string& peer) { join_edge_->CallCompleted(peer); }})),
        operator_service_(MakeOperatorService({.authorization = authorization_, .store = *store_, .registry = inputs.registry, .policies = *material_.policies,
                                               .anchors = *material_.anchors, .watchers = watchers_, .pool = pool_, .clock = inputs.clock, .log = inputs.log,
                                               .page_key = ToBytes(crypto::HmacSha256(challenge_key, AsBytes("assay-page-key-v1"))),
                                               .completed = [this](const std::string& peer) { operator_edge_->CallCompleted(peer); }})),
        log_(inputs.log),
        forgetting_(kForgetInterval, [this, retention = RetentionOf(inputs.config.store().retention()), &clock = inputs.clock] { Forget(retention, clock.Now()); }) {}

  ~RunningServer() override { Shutdown(std::chrono::milliseconds(0)); }

  absl::Status Listen(const v1::ServerConfig& config) {
    // Both sockets before anything is served: a verifier with one listener would look alive and be none.
    auto join = Edge::Listen("join.address", config.join().address(), LimitsOf(config.join().connections()), log_);
    if (!join.ok()) return join.status();
    auto operators = Edge::Listen("operator.address", config.operator_().address(), LimitsOf(config.operator_().connections()), log_);
    if (!operators.ok()) return operators.status();
    join_edge_ = *std::move(join);
    operator_edge_ = *std::move(operators);
    join_ = Build(*join_edge_, JoinCredentials(material_.join_tls), *join_service_, /*with_health=*/true);
    operator_ = Build(*operator_edge_, OperatorCredentials(material_.operator_tls, material_.client_ca), *operator_service_, /*with_health=*/false);
    if (join_ == nullptr || operator_ == nullptr) return absl::UnavailableError("listeners: expected gRPC to start, actual: it did not; its messages are in the log.");
    return absl::OkStatus();
  }

  const std::string& join_address() const override { return join_edge_->address(); }
  const std::string& operator_address() const override { return operator_edge_->address(); }

  EdgeCounts join_connections() const override { return join_edge_->counts(); }
  EdgeCounts operator_connections() const override { return operator_edge_->counts(); }

  void Shutdown(std::chrono::milliseconds bound) override {
    if (join_ != nullptr && join_->GetHealthCheckService() != nullptr) join_->GetHealthCheckService()->Shutdown();
    for (const auto& edge : {join_edge_.get(), operator_edge_.get()}) {
      if (edge != nullptr) edge->Stop();
    }
    watchers_.Drain();
    const auto deadline = std::chrono::system_clock::now() + bound;
    for (const auto& server : {join_.get(), operator_.get()}) {
      if (server != nullptr) server->Shutdown(deadline);
    }
    pool_.Drain();
    join_.reset();
    operator_.reset();
  }

 private:
  // Appraisals wait for the disk, each for the same commit: more threads than cores fill it.
  static std::size_t ThreadsOf(const v1::Workers& config) {
    return config.threads() != 0 ? config.threads() : std::max(kLeastThreads, kThreadsPerCore * std::thread::hardware_concurrency());
  }
  static Rate RateOf(std::uint32_t per_second) { return {static_cast<double>(per_second), 2.0 * per_second}; }
  static store::Retention RetentionOf(const v1::Retention& config) {
    return {.verdicts = *ParseDuration(config.verdicts()), .evidence = *ParseDuration(config.evidence()), .attempts = config.attempts()};
  }

  void Forget(const store::Retention& retention, Time now) {
    std::int64_t forgotten = 0;
    for (int i = 0; i < kMostForgetting; ++i) {
      const auto purged = store_->Purge(retention, now);
      if (!purged.ok()) {
        log_.Error("what is old was not forgotten", {{"error", MessageOf(purged.status())}});
        return;
      }
      if (purged->total() == 0) break;
      forgotten += purged->total();
    }
    if (forgotten != 0) log_.Info("what is old was forgotten", {{"records", forgotten}});
  }

  static EdgeLimits LimitsOf(const v1::ConnectionLimits& config) {
    EdgeLimits limits;
    if (config.total() != 0) limits.connections = config.total();
    if (config.per_address() != 0) limits.per_address = config.per_address();
    return limits;
  }

  static std::unique_ptr<grpc::Server> Build(Edge& edge, const std::shared_ptr<grpc::ServerCredentials>& credentials, grpc::Service& service, bool with_health) {
    grpc::EnableDefaultHealthCheckService(with_health);
    grpc::ServerBuilder builder;
    auto acceptor = builder.experimental().AddExternalConnectionAcceptor(grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
    builder.RegisterService(&service);
    builder.SetMaxReceiveMessageSize(kMaxRequestSize);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataSize);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionAgeGraceMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kConnectionIdleMs);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server != nullptr) edge.Serve(std::move(acceptor));
    return server;
  }

  GrpcLog grpc_log_;
  Material material_;
  std::unique_ptr<store::VerdictStore> store_;
  TokenIdentity tokens_;
  Watchers watchers_;
  Attestation attestation_;
  Authorization authorization_;
  WorkerPool pool_;
  std::unique_ptr<grpc::Service> join_service_, operator_service_;
  std::unique_ptr<Edge> join_edge_, operator_edge_;  // outlive the servers that they hand connections to
  std::unique_ptr<grpc::Server> join_, operator_;
  telemetry::Log& log_;
  Periodic forgetting_;
};

}  // namespace

absl::StatusOr<std::string> PublishedKeys(const v1::ServerConfig& config, bool simulated) {
  if (!config.has_tokens()) return absl::InvalidArgumentError("tokens: expected issuer and key_file, actual: no such section, so this verifier issues no tokens. Add it.");
  const auto tokens = LoadTokenIdentity(config, simulated);
  if (!tokens.ok()) return tokens.status();
  return tokens->key->Jwks();
}

std::vector<std::string> CheckInputs(const ServerInputs& inputs) { return Gathering(inputs).messages(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerInputs& inputs) {
  Gathering gathering(inputs);
  if (!gathering.messages().empty()) return absl::InvalidArgumentError(Join(gathering.messages(), "\n"));
  auto store = store::OpenSqliteStore(inputs.config.store().path(), {.max_bytes = std::int64_t{inputs.config.store().max_mib()} * 1024 * 1024});
  if (!store.ok()) return store.status();
  const absl::StatusOr<Time> latest = (*store)->LatestTime();
  if (!latest.ok()) return latest.status();
  auto key = LoadChallengeKey(inputs.config.challenges().key_file(), inputs.random, inputs.log);
  if (!key.ok()) return key.status();

  const Material& material = gathering.material();
  const bool simulated = material.anchors->simulated();
  auto tokens = LoadTokenIdentity(inputs.config, simulated);
  if (!tokens.ok()) return tokens.status();
  if (tokens->key) inputs.log.Info("tokens are signed", {{"kid", tokens->key->id()}, {"issuer", tokens->issuer}, {"key_made_now", tokens->key->made()}});
  if (simulated) inputs.log.Warning("SIMULATED: the vendors' roots are replaced by test anchors, no verdict says anything about real hardware", {{"anchors", inputs.insecure_test_anchors}});
  std::vector<std::string> sets;
  for (const appraisal::PolicySet& set : material.policies->sets()) sets.push_back(set.name);
  inputs.log.Info("policies loaded", {{"sets", Join(sets, ", ")}, {"policies", material.policies->policies().size()}, {"digest", ToHex(material.policies->Digest())}});

  auto server = std::make_unique<RunningServer>(inputs, std::move(gathering.material()), *std::move(store), *std::move(key), *std::move(tokens), std::max(*latest, kSourceTime));
  if (const absl::Status listening = server->Listen(inputs.config); !listening.ok()) return listening;
  inputs.log.Info("listening", {{"join", server->join_address()}, {"operator", server->operator_address()}, {"version", ASSAY_VERSION}, {"simulated", simulated}});
  return server;
}

}  // namespace assay::service

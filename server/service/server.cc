#include "service/server.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "appraisal/anchors_file.h"
#include "appraisal/endorsement_roots.h"
#include "assay/v1/attestation_service.pb.h"
#include "assay/v1/collateral_service.pb.h"
#include "assay/v1/verdict_service.pb.h"
#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "collateral/document_kinds.h"
#include "collateral/https_get.h"
#include "collateral/keeper.h"
#include "http/endpoints.h"
#include "http/http_listener.h"
#include "result/key_ring.h"
#include "result/signing_key.h"
#include "service/attestation.h"
#include "service/bearer_callers.h"
#include "service/clock_leaps.h"
#include "service/collateral_sources.h"
#include "service/config_file.h"
#include "service/counted_store.h"
#include "service/edge.h"
#include "service/join_service.h"
#include "service/listener.h"
#include "service/operator_service.h"
#include "service/periodic.h"
#include "service/promises.h"
#include "service/provider_keys.h"
#include "service/reappraiser.h"
#include "service/rpc.h"
#include "service/self_probe.h"
#include "service/store_shelf.h"
#include "service/tls.h"
#include "service/watch.h"
#include "service/worker_pool.h"
#include "store/sqlite_store.h"
#include "telemetry/metrics.h"

namespace assay::service {
namespace {

// No clock is right that stands before the source of this program was written.
constexpr Time kSourceTime = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24);

constexpr std::chrono::seconds kForgetInterval{60};
constexpr int kMostForgetting = 1000;  // transactions at a time
constexpr std::size_t kOperatorThreads = 4, kOperatorQueue = 64;
constexpr std::size_t kThreadsPerCore = 8, kLeastThreads = 32;
// Connections under a former certificate are told to go; calls, and watches, have this long.
constexpr char kJoinHealth[] = "assay.v1.AttestationService";
constexpr std::uint64_t kMostSentBetweenJoinCalls = 256 * 1024;  // several of the largest answer, which is counted behind its call
constexpr std::chrono::seconds kProbeInterval{10};
constexpr std::chrono::milliseconds kProbeBound{5000};
constexpr int kMostFailedProbes = 3;  // in a row; then this process should be restarted
constexpr std::chrono::seconds kDrainFormer{10}, kWatchFiles{2};

// Everything that is read from files before anything runs.
struct Material {
  TlsMaterial join_tls, operator_tls;
  std::optional<TlsMaterial> https_tls;  // where https is configured
  CaMaterial client_ca;
  ProviderMaterial provider;  // where operator.oidc is configured
  std::optional<appraisal::PolicyBook> policies;
  std::optional<trust::AnchorSet> anchors;
  std::vector<trust::CollateralItem> collateral;
  CollateralSettings collateral_settings;
  AirGap air_gap;
};

class Gathering {
 public:
  Gathering(const ServerInputs& inputs, MissingKey missing) : inputs_(inputs) {
    const v1::ServerConfig& config = inputs.config;
    const Time now = inputs.clock.Now();
    if (auto tls = Take(LoadTlsMaterial(config.join().tls(), "join.tls", now))) material_.join_tls = *std::move(tls);
    if (auto tls = Take(LoadTlsMaterial(config.operator_().tls(), "operator.tls", now))) material_.operator_tls = *std::move(tls);
    if (auto ca = Take(LoadCaMaterial(config.operator_().client_ca(), "operator.client_ca", now))) material_.client_ca = *std::move(ca);
    if (config.has_https()) material_.https_tls = Take(LoadTlsMaterial(config.https().tls(), "https.tls", now));
    if (config.operator_().has_oidc()) {
      if (auto provider = Take(LoadProviderMaterial(config.operator_().oidc(), now))) material_.provider = *std::move(provider);
    }
    TakePolicies();
    material_.anchors = inputs.insecure_test_anchors.empty() ? std::optional(appraisal::BuiltinAnchors(inputs.registry))
                                                             : Take(appraisal::LoadTestAnchors(inputs.insecure_test_anchors));
    if (material_.anchors) {
      material_.anchors = Take(appraisal::WithEndorsementRoots(
          *material_.anchors, {config.gce_endorsement_roots().begin(), config.gce_endorsement_roots().end()}));
    }
    if (!config.collateral_dir().empty()) TakeCollateral();
    for (const std::string& path : config.tpm_ek_roots()) {
      auto roots = Take(appraisal::LoadTpmRoots(path));
      if (!roots || !material_.anchors) continue;
      material_.anchors = appraisal::WithAnchors(*material_.anchors, roots->anchors);
      material_.collateral.insert(material_.collateral.end(), roots->certificates.begin(), roots->certificates.end());
    }
    if (auto settings = Take(LoadCollateralSettings(config.collateral(), !inputs.insecure_test_anchors.empty(), now))) {
      material_.collateral_settings = *std::move(settings);
    }
    if (auto air_gap = Take(LoadAirGap(config.air_gap(), missing))) material_.air_gap = *std::move(air_gap);
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
      messages_.emplace_back(
          "policies: expected at least one PolicySet, actual: none. Without a set every node is rejected (policy_none).");
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
    return absl::UnavailableError(
        Cat("challenges.key_file '", path, "': expected to be written, actual: ", std::strerror(errno), ". Check the disk."));
  }
  if (errno != EEXIST) {
    return absl::UnavailableError(Cat("challenges.key_file '", path, "': expected a file that is there or can be made, actual: ",
                                      std::strerror(errno), ". Check the directory and its permissions."));
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        Cat("challenges.key_file '", path,
            "': expected a file that only its owner can read, actual: open to group or others. Run chmod 600 on it."));
  }
  absl::StatusOr<Bytes> key = ReadFile("challenges.key_file", path);
  if (key.ok() && key->size() < kLeastKeySize) {
    return absl::InvalidArgumentError(Cat("challenges.key_file '", path, "': expected at least ", kLeastKeySize,
                                          " random bytes, actual: ", key->size(), ". Remove the file to have one made."));
  }
  return key;
}

// A process with test anchors signs under another name and another key than the same configuration would in earnest.
struct TokenIdentity {
  std::string issuer;
  std::unique_ptr<result::KeyRing> keys;  // nullptr: no tokens
};

absl::StatusOr<TokenIdentity> LoadTokenIdentity(const v1::ServerConfig& config, bool simulated, Time now) {
  if (!config.has_tokens()) return TokenIdentity{};
  auto keys = OpenTokenKeys(config, simulated, now);
  if (!keys.ok()) return keys.status();
  return TokenIdentity{Cat(simulated ? "simulated:" : "", config.tokens().issuer()), *std::move(keys)};
}

// Names that text from outside may have as a label.
telemetry::KnownNames KnownNamesOf(const appraisal::Registry& registry) {
  telemetry::KnownNames known;
  for (const platform::Platform* platform : registry.platforms) known.platforms.emplace_back(platform->name);
  for (const google::protobuf::FileDescriptor* file :
       {v1::CreateChallengeRequest::descriptor()->file(), v1::GetVerdictRequest::descriptor()->file(),
        v1::ListCollateralRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        known.methods.push_back(Cat(file->service(s)->full_name(), "/", file->service(s)->method(m)->name()));
      }
    }
  }
  for (const collateral::Upstream upstream : collateral::kAllUpstreams) known.upstreams.emplace_back(collateral::NameOf(upstream));
  for (const collateral::DocumentKind& kind : collateral::AllDocumentKinds()) known.collateral_kinds.emplace_back(kind.name);
  return known;
}

telemetry::EdgeSnapshot SnapshotOf(const EdgeCounts& counts) {
  return {.accepted = counts.accepted,
          .open = counts.open,
          .refused_total = counts.refused_total,
          .refused_per_address = counts.refused_per_address,
          .cut = counts.cut,
          .accept_errors = counts.accept_errors};
}

class RunningServer final : public Server {
 public:
  RunningServer(const ServerInputs& inputs, Material material, std::unique_ptr<store::VerdictStore> store,
                std::unique_ptr<store::CollateralStore> collateral, Bytes challenge_key, TokenIdentity tokens, Time not_before)
      : grpc_log_(inputs.log),
        config_(inputs.config),
        metrics_(ASSAY_VERSION, KnownNamesOf(inputs.registry)),
        material_(std::move(material)),
        store_(CountStore(std::move(store), metrics_)),
        tokens_(std::move(tokens)),
        watchers_(*store_, inputs.clock, inputs.log),
        collateral_(std::move(collateral)),
        shelf_(*collateral_),
        verifier_(inputs.registry, *material_.anchors),
        transport_(material_.collateral_settings.upstreams),
        keeper_({.upstreams = material_.collateral_settings.upstreams,
                 .renewal = material_.collateral_settings.renewal,
                 .shelf = shelf_,
                 .verifier = verifier_,
                 .transport = transport_,
                 .clock = inputs.clock,
                 .monotonic = [] { return std::chrono::steady_clock::now(); },
                 .random = inputs.random,
                 .log = inputs.log,
                 .metrics = metrics_}),
        attestation_({.registry = inputs.registry,
                      .policies = *material_.policies,
                      .anchors = *material_.anchors,
                      .collateral = material_.collateral,
                      .keeper = &keeper_,
                      .challenge_lifetime = ChallengeLifetime(inputs.config),
                      .tls_terminated = inputs.config.join().tls_terminated(),
                      .not_before = not_before,
                      .token_keys = tokens_.keys.get(),
                      .token_issuer = tokens_.issuer,
                      .store = *store_,
                      .changed = [this] { watchers_.Changed(); },
                      .clock = inputs.clock,
                      .random = inputs.random,
                      .log = inputs.log,
                      .metrics = metrics_},
                     ChallengeCodec(challenge_key)),
        reappraiser_({.store = *store_,
                      .registry = inputs.registry,
                      .policies = *material_.policies,
                      .anchors = *material_.anchors,
                      .held = [this] { return keeper_.Everything(); },
                      .floors = [this] { return keeper_.Floors(); },
                      .not_before = not_before,
                      .flipped = [this] { watchers_.Changed(); },
                      .clock = inputs.clock,
                      .log = inputs.log,
                      .metrics = metrics_}),
        authorization_(inputs.config.operator_()),
        provider_keys_(ProviderKeysOf(inputs, std::move(material_.provider), metrics_)),
        bearers_(provider_keys_ == nullptr
                     ? nullptr
                     : std::make_unique<BearerCallers>(inputs.config.operator_().oidc(), *provider_keys_, inputs.clock)),
        operator_pool_(kOperatorThreads, kOperatorQueue),
        promises_(PromisesOf(inputs.config.workers())),
        pool_(ThreadsOf(inputs.config.workers()), inputs.config.workers().queue()),
        calls_of_address_(RateOf(inputs.config.join().rates().per_address())),
        calls_in_all_(RateOf(inputs.config.join().rates().total())),
        page_key_(ToBytes(crypto::HmacSha256(challenge_key, AsBytes("assay-page-key-v1")))),
        registry_(inputs.registry),
        clock_(inputs.clock),
        log_(inputs.log),
        forgetting_(kForgetInterval, [this, retention = RetentionOf(inputs.config.store().retention()), &clock = inputs.clock] {
          Forget(retention, clock.Now());
        }) {}

  ~RunningServer() override { Shutdown(std::chrono::milliseconds(0)); }

  absl::Status Listen(const v1::ServerConfig& config) {
    if (const absl::Status opened = keeper_.Open(material_.collateral); !opened.ok()) return opened;
    keeper_.Start();
    reappraiser_.Start();
    // Both sockets before anything is served: a verifier with one listener would look alive and be none.
    EdgeLimits join_limits = LimitsOf(config.join().connections(), JoinRequestBytes(config));
    join_limits.bytes_sent_between_calls = kMostSentBetweenJoinCalls;
    auto join = Edge::Listen("join.address", config.join().address(), join_limits, log_);
    if (!join.ok()) return join.status();
    auto operators =
        Edge::Listen("operator.address", config.operator_().address(), LimitsOf(config.operator_().connections(), kMaxRequestSize), log_);
    if (!operators.ok()) return operators.status();
    join_ = std::make_unique<Listener>(*std::move(join), kJoinHealth, JoinRequestBytes(config));
    operator_ = std::make_unique<Listener>(*std::move(operators), "", kMaxRequestSize);
    if (!ServeJoin() || !ServeOperators()) {
      return absl::UnavailableError("listeners: expected gRPC to start, actual: it did not; its messages are in the log.");
    }
    join_files_.Changed({config_.join().tls().certificate(), config_.join().tls().key()});
    operator_files_.Changed({config_.operator_().tls().certificate(), config_.operator_().tls().key(), config_.operator_().client_ca()});
    metrics_.OnCollect([this] { Collect(); });
    if (absl::Status pages = OpenPages(); !pages.ok()) return pages;
    SayWhatEnds(clock_.Now());
    probing_.emplace(kProbeInterval, [this] { Probe(); });
    watching_files_.emplace(kWatchFiles, [this] {
      TakeUpNewCertificates();
      TakeUpNewKeys();
      if (provider_keys_) provider_keys_->TakeUpChanges();
    });
    return absl::OkStatus();
  }

  std::string http_address() const override { return http_ == nullptr ? std::string() : http_->address(); }
  std::string https_address() const override { return https_ == nullptr ? std::string() : https_->address(); }
  const std::string& join_address() const override { return join_->edge().address(); }
  const std::string& operator_address() const override { return operator_->edge().address(); }

  EdgeCounts join_connections() const override { return join_->edge().counts(); }
  EdgeCounts operator_connections() const override { return operator_->edge().counts(); }

  void Shutdown(std::chrono::milliseconds bound) override {
    stopping_ = true;
    watching_files_.reset();
    probing_.reset();
    for (const auto& listener : {join_.get(), operator_.get()}) {
      if (listener != nullptr) listener->Stop();
    }
    watchers_.Drain();
    reappraiser_.Stop();
    keeper_.Stop();  // whoever waits for it is answered now
    const auto deadline = std::chrono::system_clock::now() + bound;
    for (const auto& listener : {join_.get(), operator_.get()}) {
      if (listener != nullptr) listener->Shutdown(deadline);
    }
    pool_.Drain();
    operator_pool_.Drain();
    for (const auto& pages : {http_.get(), https_.get()}) {
      if (pages != nullptr) pages->Stop();
    }
  }

 private:
  // --- pages for people and Prometheus ---
  absl::Status OpenPages() {
    if (config_.has_http()) {
      auto opened = http::HttpListener::Listen("http", config_.http().address(), std::nullopt);
      if (!opened.ok()) return opened.status();
      http_ = *std::move(opened);
      http::RegisterHealthAndMetrics(
          *http_, [this] { return failed_probes_ < kMostFailedProbes; }, [this] { return Ready(); }, [this] { return metrics_.Expose(); });
      http_->Serve();
    }
    if (config_.has_https()) {
      const TlsMaterial& tls = *material_.https_tls;
      auto opened = http::HttpListener::Listen("https", config_.https().address(), http::TlsPem{tls.certificate_pem, tls.key_pem});
      if (!opened.ok()) return opened.status();
      https_ = *std::move(opened);
      metrics_.SetTlsNotAfter(telemetry::Listener::kHttps, tls.not_after);
      https_files_.Changed({config_.https().tls().certificate(), config_.https().tls().key()});
      http::RegisterDiscovery(*https_, tokens_.issuer,
                              [this] { return tokens_.keys ? tokens_.keys->Jwks() : std::string(R"({"keys":[]})"); });
      https_->Serve();
    }
    return absl::OkStatus();
  }

  http::Readiness Ready() {
    if (stopping_) return {false, "stopping"};
    if (failed_probes_ > 0) return {false, "the join listener did not answer its own process"};
    if (const absl::Status probe = store_->Probe(); !probe.ok()) return {false, Cat("store: ", MessageOf(probe))};
    return {true, "ready"};
  }

  // Liveness through the real port: a listener that is deaf answers nobody, however well the process feels.
  void Probe() {
    const bool answered = ProbeSelf(join_->edge().address(), kJoinHealth, kProbeBound);
    metrics_.SetSelfProbe(telemetry::Listener::kJoin, answered);
    if (answered) failed_probes_ = 0;
    else if (++failed_probes_ <= kMostFailedProbes) {
      log_.Error("the join listener did not answer its own process",
                 {{"address", join_->edge().address()}, {"times", failed_probes_.load()}});
    }
  }

  void Collect() {
    KeepFailures();
    metrics_.SetQueue(pool_.waiting(), config_.workers().queue());
    metrics_.SetWatchers(watchers_.count());
    metrics_.SetEdge(telemetry::Listener::kJoin, SnapshotOf(join_->edge().counts()));
    metrics_.SetEdge(telemetry::Listener::kOperator, SnapshotOf(operator_->edge().counts()));
    metrics_.SetStoreBytes(static_cast<std::uint64_t>(store_->SizeInBytes()));
    std::array<std::size_t, 3> keys{};
    if (tokens_.keys) {
      for (const result::RingEntry& entry : tokens_.keys->Entries()) ++keys[static_cast<std::size_t>(entry.state)];
    }
    metrics_.SetKeys(telemetry::KeyState::kNext, keys[static_cast<std::size_t>(result::KeyState::kPrepared)]);
    metrics_.SetKeys(telemetry::KeyState::kActive, keys[static_cast<std::size_t>(result::KeyState::kActive)]);
    metrics_.SetKeys(telemetry::KeyState::kRetired, keys[static_cast<std::size_t>(result::KeyState::kRetiring)]);
    const auto nodes = store_->CountNodes(clock_.Now());
    if (!nodes.ok()) return;
    using telemetry::NodeState;
    for (const auto& [state, count] : {std::pair{NodeState::kTrusted, nodes->trusted},
                                       {NodeState::kTrustedWithWarnings, nodes->trusted_with_warnings},
                                       {NodeState::kRejected, nodes->rejected},
                                       {NodeState::kIndeterminate, nodes->indeterminate},
                                       {NodeState::kExpired, nodes->expired},
                                       {NodeState::kBanned, nodes->banned}}) {
      metrics_.SetNodes(state, static_cast<std::size_t>(count));
    }
  }

  // What could not be got is known to whoever looks, after a restart as well.
  void KeepFailures() {
    const std::lock_guard lock(failures_mutex_);
    std::map<collateral::ChanneledKey, Time> kept;  // whatever did not fail any more is left behind
    for (const collateral::ItemStatus& item : keeper_.Status().items) {
      if (!item.error) continue;
      const auto before = failures_kept_.find(item.key);
      if (before != failures_kept_.end() && before->second == item.error->at) {
        kept.emplace(*before);
        continue;
      }
      const absl::Status noted =
          collateral_->NoteFailure(item.key.key, item.key.channel, Cat(NameOf(item.error->reason), ": ", item.error->why), item.error->at);
      if (noted.ok()) kept.emplace(item.key, item.error->at);
      else log_.Error("failure not noted", {{"key", item.key.key.ToString()}, {"error", MessageOf(noted)}});
    }
    failures_kept_ = std::move(kept);
  }

  // Appraisals wait for the disk, and all that wait share a commit: the more threads, the less of it is each one's.
  static std::size_t ThreadsOf(const v1::Workers& config) {
    return config.threads() != 0 ? config.threads() : std::max(kLeastThreads, kThreadsPerCore * std::thread::hardware_concurrency());
  }
  static std::size_t PromisesOf(const v1::Workers& config) { return std::max<std::size_t>(1, std::size_t{config.queue()} * 3 / 4); }
  static Rate RateOf(std::uint32_t per_second) { return {static_cast<double>(per_second), 2.0 * per_second}; }
  static store::Retention RetentionOf(const v1::Retention& config) {
    return {.verdicts = *ParseDuration(config.verdicts()), .evidence = *ParseDuration(config.evidence()), .attempts = config.attempts()};
  }

  // What a clock that leapt says is old would be gone for good.
  void Forget(const store::Retention& retention, Time now) {
    if (!clock_leaps_.Believes(now, std::chrono::steady_clock::now())) {
      if (!std::exchange(said_leap_, true)) {
        log_.Error("the clock leapt ahead: nothing is forgotten until it is back, or has stood there for a day",
                   {{"clock", FormatTime(now)}});
      }
      return;
    }
    said_leap_ = false;
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

  static int JoinRequestBytes(const v1::ServerConfig& config) { return static_cast<int>(config.join().max_request_mib()) * kMib; }
  static std::unique_ptr<ProviderKeys> ProviderKeysOf(const ServerInputs& inputs, ProviderMaterial material, telemetry::Metrics& metrics) {
    const v1::OperatorListener& config = inputs.config.operator_();
    if (!config.has_oidc()) return nullptr;
    const FetchTimes times{.refresh = IsUrl(config.oidc().jwks()) ? *ParseDuration(config.oidc().refresh()) : Duration(0)};
    return std::make_unique<ProviderKeys>(config.oidc(), std::move(material), times, inputs.clock, inputs.log, metrics);
  }

  static EdgeLimits LimitsOf(const v1::ConnectionLimits& config, int most_request_bytes) {
    EdgeLimits limits{.bytes_between_calls = static_cast<std::uint64_t>(most_request_bytes) * 3 / 2};
    if (config.total() != 0) limits.connections = config.total();
    if (config.per_address() != 0) limits.per_address = config.per_address();
    return limits;
  }

  std::unique_ptr<grpc::Service> JoinServiceWith(const TlsMaterial& tls) {
    return MakeJoinService({.attestation = attestation_,
                            .pool = pool_,
                            .promises = promises_,
                            .of_address = calls_of_address_,
                            .in_all = calls_in_all_,
                            .server_spki = tls.spki_sha256,
                            .address_of = [this](const std::string& peer) { return join_->edge().AddressOf(peer); },
                            .log = log_,
                            .metrics = metrics_,
                            .keeper = &keeper_,
                            .patience = material_.collateral_settings.patience,
                            .completed = [this](const std::string& peer) { join_->edge().CallCompleted(peer); }});
  }
  std::vector<std::unique_ptr<grpc::Service>> OperatorServicesNow() {
    const auto inputs = [this] {
      return OperatorInputs{.authorization = authorization_,
                            .bearers = bearers_.get(),
                            .store = *store_,
                            .registry = registry_,
                            .policies = *material_.policies,
                            .anchors = *material_.anchors,
                            .watchers = watchers_,
                            .pool = operator_pool_,
                            .clock = clock_,
                            .log = log_,
                            .metrics = metrics_,
                            .keeper = keeper_,
                            .collateral = *collateral_,
                            .air_gap = material_.air_gap,
                            .keep_failures = [this] { KeepFailures(); },
                            .banned = [this](std::string cause) { reappraiser_.Changed(std::move(cause)); },
                            .page_key = page_key_,
                            .completed = [this](const std::string& peer) { operator_->edge().CallCompleted(peer); }};
    };
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(MakeOperatorService(inputs()));
    services.push_back(MakeCollateralService(inputs()));
    return services;
  }

  // Key first, certificate as shown: from here on challenges name it.
  bool ServeJoin() {
    attestation_.UseServerKey(material_.join_tls.spki_sha256);
    metrics_.SetTlsNotAfter(telemetry::Listener::kJoin, material_.join_tls.not_after);
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(JoinServiceWith(material_.join_tls));
    return join_->Serve(JoinCredentials(material_.join_tls), std::move(services), kDrainFormer);
  }
  bool ServeOperators() {
    metrics_.SetTlsNotAfter(telemetry::Listener::kOperator, material_.operator_tls.not_after);
    return operator_->Serve(OperatorCredentials(material_.operator_tls, material_.client_ca.pem, bearers_ != nullptr),
                            OperatorServicesNow(), kDrainFormer);
  }

  // Whoever changed the ring, this process or another, its keys sign and are published from here on.
  void TakeUpNewKeys() {
    if (!tokens_.keys) return;
    const auto changed = tokens_.keys->Reload();
    if (!changed.ok()) {
      if (!keys_failed_) {
        log_.Error("keys that sign tokens not read anew, the former are used on", {{"error", MessageOf(changed.status())}});
      }
      if (!keys_failed_) metrics_.CountReload(telemetry::Reloadable::kKeys, false, clock_.Now());
    } else if (*changed) {
      metrics_.CountReload(telemetry::Reloadable::kKeys, true, clock_.Now());
      log_.Info("keys that sign tokens taken up", {{"kid", tokens_.keys->Signer()->id()}, {"keys", tokens_.keys->Entries().size()}});
    }
    keys_failed_ = !changed.ok();
  }

  // What is new and good is served; what is not good is said once, and the last good goes on.
  void TakeUpNewCertificates() {
    const Time now = clock_.Now();
    const v1::TlsIdentity &join = config_.join().tls(), &operators = config_.operator_().tls();
    if (join_files_.Changed({join.certificate(), join.key()})) {
      auto tls = LoadTlsMaterial(join, "join.tls", now);
      if (!tls.ok()) {
        KeepFormer("join", join_files_, tls.status());
      } else if (!IsFormer("join", *tls == material_.join_tls)) {
        material_.join_tls = *std::move(tls);
        TookUp("join", material_.join_tls, ServeJoin());
      }
    }
    if (https_ != nullptr && https_files_.Changed({config_.https().tls().certificate(), config_.https().tls().key()})) {
      auto tls = LoadTlsMaterial(config_.https().tls(), "https.tls", now);
      const absl::Status taken = tls.ok() ? https_->SetTls({tls->certificate_pem, tls->key_pem}) : tls.status();
      if (!taken.ok()) {
        KeepFormer("https", https_files_, taken);
      } else if (!IsFormer("https", *tls == *material_.https_tls)) {
        material_.https_tls = *std::move(tls);
        metrics_.SetTlsNotAfter(telemetry::Listener::kHttps, material_.https_tls->not_after);
        TookUp("https", *material_.https_tls, true);
      }
    }
    if (operator_files_.Changed({operators.certificate(), operators.key(), config_.operator_().client_ca()})) {
      auto tls = LoadTlsMaterial(operators, "operator.tls", now);
      auto ca = LoadCaMaterial(config_.operator_().client_ca(), "operator.client_ca", now);
      if (!tls.ok() || !ca.ok()) {
        KeepFormer("operator", operator_files_, tls.ok() ? ca.status() : tls.status());
      } else if (!IsFormer("operator", *tls == material_.operator_tls && *ca == material_.client_ca)) {
        material_.operator_tls = *std::move(tls);
        material_.client_ca = *std::move(ca);
        TookUp("operator", material_.operator_tls, ServeOperators());
      }
    }
    SayWhatEnds(now);
  }
  void SayWhatEnds(Time now) {
    ends_.Look("join", material_.join_tls.lifetimes, now, log_);
    ends_.Look("operator", material_.operator_tls.lifetimes, now, log_);
    ends_.Look("operator", material_.client_ca.lifetimes, now, log_);
    if (material_.https_tls) ends_.Look("https", material_.https_tls->lifetimes, now, log_);
  }
  // Looked at again at the next turn, since a certificate may become valid without a change of its file; said once.
  void KeepFormer(std::string_view listener, FilesSeen& files, const absl::Status& why) {
    files.Forget();
    if (std::exchange(kept_former_[std::string(listener)], std::string(MessageOf(why))) == MessageOf(why)) return;
    metrics_.CountReload(telemetry::Reloadable::kTls, false, clock_.Now());
    log_.Error("new TLS files not taken up, the former are used on", {{"listener", listener}, {"error", MessageOf(why)}});
  }
  // Files that are good: whatever is wrong with them later is said anew.
  bool IsFormer(std::string_view listener, bool same) {
    kept_former_.erase(std::string(listener));
    return same;
  }
  void TookUp(std::string_view listener, const TlsMaterial& tls, bool served) {
    if (!served) return log_.Error("new TLS files could not be served", {{"listener", listener}});
    metrics_.CountReload(telemetry::Reloadable::kTls, true, clock_.Now());
    log_.Info("new TLS files taken up", {{"listener", listener}, {"subject", tls.subject}, {"spki_sha256", ToHex(tls.spki_sha256)}});
  }

  GrpcLog grpc_log_;
  const v1::ServerConfig config_;
  telemetry::Metrics metrics_;  // before whatever counts
  Material material_;           // TLS: by watching_files_ only, once it runs
  std::unique_ptr<store::VerdictStore> store_;
  TokenIdentity tokens_;
  Watchers watchers_;
  const std::unique_ptr<store::CollateralStore> collateral_;
  StoreShelf shelf_;
  const FormatsVerifier verifier_;
  collateral::HttpsTransport transport_;
  collateral::Keeper keeper_;
  Attestation attestation_;
  Reappraiser reappraiser_;
  Authorization authorization_;
  const std::unique_ptr<ProviderKeys> provider_keys_;  // nullptr: certificates alone
  const std::unique_ptr<BearerCallers> bearers_;
  WorkerPool operator_pool_;  // their own: a flood of joins must not keep operators from seeing it
  Promises promises_;
  WorkerPool pool_;
  RateLimit calls_of_address_, calls_in_all_;
  const Bytes page_key_;
  const appraisal::Registry& registry_;
  const Clock& clock_;
  telemetry::Log& log_;
  std::unique_ptr<Listener> join_, operator_;
  std::unique_ptr<http::HttpListener> http_, https_;
  std::atomic<int> failed_probes_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex failures_mutex_;
  std::map<collateral::ChanneledKey, Time> failures_kept_;  // guarded by failures_mutex_
  bool keys_failed_ = false;                                // by watching_files_ only
  FilesSeen join_files_, operator_files_, https_files_;     // by watching_files_ only
  EndWatch ends_;                                           // by watching_files_ only, once it runs
  std::map<std::string, std::string> kept_former_;          // by listener: what was said last; by watching_files_ only
  ClockLeaps clock_leaps_;                                  // by forgetting_ only
  bool said_leap_ = false;                                  // by forgetting_ only
  Periodic forgetting_;
  std::optional<Periodic> watching_files_, probing_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<result::KeyRing>> OpenTokenKeys(const v1::ServerConfig& config, bool simulated, Time now) {
  if (!config.has_tokens()) {
    return absl::InvalidArgumentError(
        "tokens: expected issuer and key_directory, actual: no such section, so this verifier issues no tokens. Add it.");
  }
  const bool one = config.tokens().key_directory().empty();
  const std::string field = one ? "tokens.key_file" : "tokens.key_directory";
  const std::string path = Cat(one ? config.tokens().key_file() : config.tokens().key_directory(), simulated ? ".simulated" : "");
  if (one) {
    if (const auto key = result::SigningKey::LoadOrMake(field, path); !key.ok()) return key.status();
  }
  return result::KeyRing::Open(field, path, now);
}

InputCheck CheckInputs(const ServerInputs& inputs) {
  Gathering gathering(inputs, MissingKey::kLeave);
  InputCheck check{gathering.messages(), {}};
  if (!check.defects.empty()) return check;
  if (const std::string& path = inputs.config.air_gap().export_key(); !path.empty() && !gathering.material().air_gap.export_key) {
    check.notices.push_back(Cat("air_gap.export_key '", Printable(path), "': there is none yet; `assayd run` makes it at the start."));
  }
  return check;
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerInputs& inputs) {
  Gathering gathering(inputs, MissingKey::kMake);
  if (!gathering.messages().empty()) return absl::InvalidArgumentError(Join(gathering.messages(), "\n"));
  auto store =
      store::OpenSqliteStore(inputs.config.store().path(), {.max_bytes = std::int64_t{inputs.config.store().max_mib()} * 1024 * 1024});
  if (!store.ok()) return store.status();
  auto collateral =
      store::OpenSqliteCollateral(inputs.config.store().path(), {.max_bytes = std::int64_t{inputs.config.store().max_mib()} * 1024 * 1024});
  if (!collateral.ok()) return collateral.status();
  const absl::StatusOr<Time> latest = (*store)->LatestTime();
  if (!latest.ok()) return latest.status();
  auto key = LoadChallengeKey(inputs.config.challenges().key_file(), inputs.random, inputs.log);
  if (!key.ok()) return key.status();

  const Material& material = gathering.material();
  const bool simulated = material.anchors->simulated();
  auto tokens = LoadTokenIdentity(inputs.config, simulated, inputs.clock.Now());
  if (!tokens.ok()) return tokens.status();
  if (tokens->keys) {
    inputs.log.Info("tokens are signed",
                    {{"kid", tokens->keys->Signer()->id()}, {"issuer", tokens->issuer}, {"keys", tokens->keys->Entries().size()}});
    for (const result::RingNotice& notice : tokens->keys->Notices()) {
      inputs.log.Warning("key ring", {{"notice", notice.message}, {"file", notice.file}});
    }
  }
  if (simulated) {
    inputs.log.Warning("SIMULATED: the vendors' roots are replaced by test anchors, no verdict says anything about real hardware",
                       {{"anchors", inputs.insecure_test_anchors}});
  }
  if (inputs.config.join().tls_terminated()) inputs.log.Warning("a proxy terminates the TLS of nodes: verdicts are not bound to a channel");
  std::vector<std::string> sets;
  for (const appraisal::PolicySet& set : material.policies->sets()) sets.push_back(set.name);
  inputs.log.Info(
      "policies loaded",
      {{"sets", Join(sets, ", ")}, {"policies", material.policies->policies().size()}, {"digest", ToHex(material.policies->Digest())}});

  auto server = std::make_unique<RunningServer>(inputs, std::move(gathering.material()), *std::move(store), *std::move(collateral),
                                                *std::move(key), *std::move(tokens), std::max(*latest, kSourceTime));
  if (const absl::Status listening = server->Listen(inputs.config); !listening.ok()) return listening;
  inputs.log.Info(
      "listening",
      {{"join", server->join_address()}, {"operator", server->operator_address()}, {"version", ASSAY_VERSION}, {"simulated", simulated}});
  return server;
}

}  // namespace assay::service

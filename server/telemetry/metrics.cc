#include "telemetry/metrics.h"

#include <dirent.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"

namespace assay::telemetry {
namespace {

using prometheus::Labels;

// In the order of kMetrics.
enum Metric : std::size_t {
  kBuildInfo,
  kAppraisals,
  kAppraisalReasons,
  kAppraisalStageDuration,
  kAttemptsFailed,
  kChallengesIssued,
  kChallengesRedeemed,
  kChallengesRefused,
  kGrpcRequests,
  kGrpcRequestDuration,
  kRateLimited,
  kWorkerQueueDepth,
  kWorkerQueueCapacity,
  kWatchers,
  kConnectionsAccepted,
  kConnectionsOpen,
  kConnectionsRefused,
  kConnectionsCut,
  kConnectionAcceptErrors,
  kTlsNotAfter,
  kSelfProbe,
  kStoreOperations,
  kStoreOperationDuration,
  kStoreSize,
  kTokens,
  kSigningKeys,
  kReloads,
  kReloadLastSuccess,
  kCollateralFetches,
  kCollateralFetchDuration,
  kCollateralBreaker,
  kCollateralWanted,
  kCollateralLookups,
  kCollateralRollbacks,
  kCollateralItems,
  kCollateralObtained,
  kCollateralExpiry,
  kNodes,
  kFlips,
  kForecastNodes,
  kProcessStartTime,
  kProcessCpu,
  kProcessResidentMemory,
  kProcessOpenFds,
  kProcessMaxFds,
};

constexpr MetricType kCounter = MetricType::kCounter, kGauge = MetricType::kGauge, kHistogram = MetricType::kHistogram;

constexpr auto kMetrics = std::to_array<MetricEntry>({
    {"assay_build_info", kGauge, "version", "Always 1; which build this is."},
    {"assay_appraisals_total", kCounter, "platform,verdict", "Evidence appraised, by platform of this build and verdict."},
    {"assay_appraisal_reasons_total", kCounter, "platform,reason",
     "Findings that kept an appraisal from TRUSTED, by platform and reason (docs/reasons.md)."},
    {"assay_appraisal_stage_duration_seconds", kHistogram, "stage", "Time that one part of an attestation took."},
    {"assay_attempts_failed_total", kCounter, "reason",
     "Attestations that failed before any identity was authenticated, by reason (docs/reasons.md)."},
    {"assay_challenges_issued_total", kCounter, "", "Challenges given out."},
    {"assay_challenges_redeemed_total", kCounter, "", "Challenges consumed by an attestation."},
    {"assay_challenges_refused_total", kCounter, "reason", "Challenges that were not accepted, by reason (docs/reasons.md)."},
    {"assay_grpc_requests_total", kCounter, "service,method,code", "Calls answered, by gRPC status code."},
    {"assay_grpc_request_duration_seconds", kHistogram, "service,method", "Time from a call's arrival to its answer."},
    {"assay_rate_limited_total", kCounter, "scope", "Calls refused because their sender, or all together, were too many."},
    {"assay_worker_queue_depth", kGauge, "", "Calls that wait for a worker."},
    {"assay_worker_queue_capacity", kGauge, "", "Calls that may wait for a worker before new ones are refused."},
    {"assay_watchers", kGauge, "", "Open streams that are told of new verdicts."},
    {"assay_connections_accepted_total", kCounter, "listener", "Connections handed over to gRPC."},
    {"assay_connections_open", kGauge, "listener", "Connections that are open now."},
    {"assay_connections_refused_total", kCounter, "listener,reason", "Connections closed at once, by the limit that they were over."},
    {"assay_connections_cut_total", kCounter, "listener", "Connections reset for sending too much without completing a call."},
    {"assay_connection_accept_errors_total", kCounter, "listener",
     "Connections that could not be accepted for want of descriptors or memory."},
    {"assay_tls_certificate_not_after_timestamp_seconds", kGauge, "listener", "When the listener's TLS certificate ends."},
    {"assay_self_probe_success", kGauge, "listener", "1 if the listener answered its own process through the real port at the last try."},
    {"assay_store_operations_total", kCounter, "operation,code", "Operations of the store, by status code."},
    {"assay_store_operation_duration_seconds", kHistogram, "operation", "Time that an operation of the store took."},
    {"assay_store_size_bytes", kGauge, "", "Size of the store."},
    {"assay_tokens_total", kCounter, "kind,result", "Tokens and certificates issued, withheld by policy, or failed."},
    {"assay_signing_keys", kGauge, "state", "Keys that sign tokens, by where they are in their life."},
    {"assay_reloads_total", kCounter, "what,result", "Attempts to read something anew while running."},
    {"assay_reload_last_success_timestamp_seconds", kGauge, "what", "When it was last read anew without a defect."},
    {"assay_collateral_fetches_total", kCounter, "upstream,result", "Requests for collateral, by whom was asked and what came of it."},
    {"assay_collateral_fetch_duration_seconds", kHistogram, "upstream", "Time that a request for collateral took."},
    {"assay_collateral_breaker_state", kGauge, "upstream",
     "0: asked as usual; 1: asked once, to see whether it works again; 2: left alone after failing several times in a row."},
    {"assay_collateral_wanted", kGauge, "upstream", "Documents that wait for their turn to be fetched."},
    {"assay_collateral_lookups_total", kCounter, "kind,result", "Documents that evidence needed, by where they were found."},
    {"assay_collateral_rollbacks_total", kCounter, "kind",
     "Documents refused because this verifier had a newer one of the same series before."},
    {"assay_collateral_items", kGauge, "kind", "Documents held in memory."},
    {"assay_collateral_obtained_timestamp_seconds", kGauge, "kind", "When the oldest document of the kind was obtained."},
    {"assay_collateral_expiry_timestamp_seconds", kGauge, "kind", "When the first document of the kind ends."},
    {"assay_nodes", kGauge, "state", "Nodes known, by their present state."},
    {"assay_verdict_flips_total", kCounter, "verdict",
     "Recorded verdicts that became this one when they were appraised once more by what was known later."},
    {"assay_forecast_nodes", kGauge, "state",
     "Trusted nodes, by what the documents of the early channel will do to them; all 0 while none is held."},
    {"process_start_time_seconds", kGauge, "", "When the process started."},
    {"process_cpu_seconds_total", kCounter, "", "CPU time spent, user and system."},
    {"process_resident_memory_bytes", kGauge, "", "Resident memory."},
    {"process_open_fds", kGauge, "", "Open file descriptors."},
    {"process_max_fds", kGauge, "", "Most file descriptors that the process may open."},
});
static_assert(kMetrics.size() == kProcessMaxFds + 1);

// From a cached answer to one that waits for a busy disk.
const prometheus::Histogram::BucketBoundaries kSecondsBuckets{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5};

constexpr std::string_view kOther = "other";
constexpr std::array<std::string_view, 4> kVerdicts = {"trusted", "trusted_with_warnings", "rejected", "indeterminate"};
constexpr std::array<std::string_view, 5> kStages = {"request", "gather", "appraise", "store", "token"};
constexpr std::array<std::string_view, 4> kListeners = {"join", "operator", "https", "http"};
constexpr std::array<std::string_view, 8> kOperations = {"redeem", "record", "get", "get_blob", "list", "latest_time", "probe", "purge"};
constexpr std::array<std::string_view, 3> kTokenKinds = {"ear", "oidc", "x509"};
constexpr std::array<std::string_view, 3> kTokenResults = {"issued", "withheld", "failed"};
constexpr std::array<std::string_view, 3> kKeyStates = {"next", "active", "retired"};
constexpr std::array<std::string_view, 7> kReloadables = {"config", "policies", "anchors", "collateral", "tls", "keys", "oidc_keys"};
constexpr std::array<std::string_view, 2> kReloadResults = {"failure", "success"};
constexpr std::array<std::string_view, 6> kNodeStates = {"trusted", "trusted_with_warnings", "rejected", "indeterminate", "expired",
                                                         "banned"};
constexpr std::array<std::string_view, 6> kFetchResults = {"fetched", "unknown", "throttled", "unreachable", "refused", "rolled_back"};
constexpr std::array<std::string_view, 3> kLookupResults = {"memory", "shelf", "absent"};
constexpr std::array<std::string_view, 3> kForecastStates = {"stays", "falls", "undecided"};
constexpr std::array<std::string_view, 4> kRateScopes = {"address", "node", "cluster", "total"};

template <typename Enum>
std::string_view LabelOf(Enum value, const auto& names) {
  const auto index = static_cast<std::size_t>(value);
  return index < names.size() ? names[index] : kOther;
}

// gRPC's and Abseil's codes have the same numbers and names up to UNAUTHENTICATED (16).
std::string CodeLabel(absl::StatusCode code) {
  std::string name(FromAbsl(absl::StatusCodeToString(code)));
  return name.empty() ? std::string(kOther) : name;
}

std::string VerdictLabel(std::string_view verdict) {
  constexpr std::string_view kPrefix = "VERDICT_";
  if (verdict.starts_with(kPrefix)) verdict.remove_prefix(kPrefix.size());
  std::string lower(verdict.substr(0, 64));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kVerdicts.begin(), kVerdicts.end(), lower) == kVerdicts.end() ? std::string(kOther) : lower;
}

// --- the process itself --------------------------------------------------------------------------------------------

std::string ContentOf(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Field 22 of proc_pid_stat(5), ticks since boot, added to the time of boot.
std::optional<double> StartTime() {
  std::string stat = ContentOf("/proc/self/stat");
  const std::size_t name_end = stat.rfind(')');  // the name before may have blanks
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  std::istringstream lines(ContentOf("/proc/stat"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    double boot = 0;
    if (words >> key && key == "btime" && words >> boot) return boot + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  return std::nullopt;
}

std::optional<double> ResidentBytes() {
  std::istringstream fields(ContentOf("/proc/self/statm"));
  double total = 0, resident = 0;
  if (!(fields >> total >> resident)) return std::nullopt;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::optional<double> OpenDescriptors() {
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  double open = -1;  // without the one that looks
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') ++open;
  }
  ::closedir(directory);
  return open;
}

std::optional<double> MostDescriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::string_view NameOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
  }
  return kOther;
}

std::span<const MetricEntry> AllMetrics() { return kMetrics; }

std::string MetricsReference() {
  std::string text =
      "# Metrics\n\n"
      "Generated from the table in server/telemetry/metrics.cc; a test compares it with this page.\n\n"
      "Labels are bounded: a platform, method or verdict that this build does not know counts as `other`. Histograms have the\n"
      "usual `_bucket`, `_sum` and `_count`.\n\n"
      "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  for (const MetricEntry& metric : kMetrics) {
    std::string labels;
    for (const char c : metric.labels) labels += c == ',' ? std::string("`, `") : std::string(1, c);
    if (!labels.empty()) labels = Cat('`', labels, '`');
    text += Cat("| `", metric.name, "` | ", NameOf(metric.type), " | ", labels, " | ", metric.help, " |\n");
  }
  return text;
}

// Series that every call counts in, by number: found by their labels once, as that takes a lock and a dozen allocations.
template <typename Series, std::size_t kNumbers>
class Remembered {
 public:
  template <typename Find>
  Series& At(std::size_t number, Find find) {
    if (number >= kNumbers) return find();
    Series* known = known_[number].load(std::memory_order_acquire);
    if (known == nullptr) known_[number].store(known = &find(), std::memory_order_release);
    return *known;
  }

 private:
  std::array<std::atomic<Series*>, kNumbers> known_{};
};

constexpr std::size_t kCodes = 17;  // OK to UNAUTHENTICATED

struct Metrics::Families {
  explicit Families(const KnownNames& known)
      : platforms(known.platforms.begin(), known.platforms.end()),
        upstreams(known.upstreams.begin(), known.upstreams.end()),
        collateral_kinds(known.collateral_kinds.begin(), known.collateral_kinds.end()) {
    for (const std::string& method : known.methods) {
      const std::size_t slash = method.find('/');
      ASSAY_CHECK(slash != std::string::npos && slash > 0);
      Method& made = methods[method];
      made.service = method.substr(0, slash);
      made.name = method.substr(slash + 1);
    }
    for (std::size_t i = 0; i < kMetrics.size(); ++i) {
      const std::string name(kMetrics[i].name), help(kMetrics[i].help);
      switch (kMetrics[i].type) {
        case kCounter: counters[i] = &prometheus::BuildCounter().Name(name).Help(help).Register(registry); break;
        case kGauge: gauges[i] = &prometheus::BuildGauge().Name(name).Help(help).Register(registry); break;
        case kHistogram: histograms[i] = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry); break;
      }
    }
  }

  // The values of the metric's labels, in the order of the table.
  static Labels LabelsOf(Metric metric, std::initializer_list<std::string_view> values) {
    Labels labels;
    std::string_view names = kMetrics[metric].labels;
    for (const std::string_view value : values) {
      const std::size_t comma = std::min(names.find(','), names.size());
      ASSAY_CHECK(comma > 0);
      labels.emplace(names.substr(0, comma), value);
      names.remove_prefix(std::min(comma + 1, names.size()));
    }
    ASSAY_CHECK(names.empty());
    return labels;
  }

  prometheus::Counter& Counter(Metric metric, std::initializer_list<std::string_view> values = {}) {
    return counters[metric]->Add(LabelsOf(metric, values));
  }
  prometheus::Gauge& Gauge(Metric metric, std::initializer_list<std::string_view> values = {}) {
    return gauges[metric]->Add(LabelsOf(metric, values));
  }
  prometheus::Histogram& Histogram(Metric metric, std::initializer_list<std::string_view> values = {}) {
    return histograms[metric]->Add(LabelsOf(metric, values), kSecondsBuckets);
  }

  void SetOrLeave(Metric metric, std::optional<double> value) {
    if (value) Gauge(metric).Set(*value);
  }

  // What was counted elsewhere. Under rising_mutex, as two that look at once would both add the difference.
  void Raise(prometheus::Counter& counter, double to) {
    const double difference = to - counter.Value();
    if (difference > 0) counter.Increment(difference);
  }

  using Names = std::set<std::string, std::less<>>;
  static std::string_view KnownOf(const Names& names, std::string_view name) {
    const auto found = names.find(name);
    return found == names.end() ? kOther : std::string_view(*found);
  }
  std::string_view Platform(std::string_view platform) const { return KnownOf(platforms, platform); }

  prometheus::Registry registry;
  std::array<prometheus::Family<prometheus::Counter>*, kMetrics.size()> counters{};
  std::array<prometheus::Family<prometheus::Gauge>*, kMetrics.size()> gauges{};
  std::array<prometheus::Family<prometheus::Histogram>*, kMetrics.size()> histograms{};

  const Names platforms, upstreams, collateral_kinds;
  struct Method {
    std::string service = std::string(kOther), name = std::string(kOther);
    Remembered<prometheus::Counter, kCodes> requests;
    Remembered<prometheus::Histogram, 1> duration;
  };
  std::map<std::string, Method, std::less<>> methods;
  Method other;
  Remembered<prometheus::Histogram, kStages.size()> stages;
  Remembered<prometheus::Counter, 2> challenges;  // issued, redeemed
  Remembered<prometheus::Counter, kOperations.size() * kCodes> operations;
  Remembered<prometheus::Histogram, kOperations.size()> operation_durations;
  Remembered<prometheus::Counter, kTokenKinds.size() * kTokenResults.size()> tokens;

  std::mutex rising_mutex;
  std::mutex collect_mutex;
  std::vector<std::function<void()>> collects;  // guarded by collect_mutex
};

Metrics::Metrics(std::string_view version, const KnownNames& known) : families_(std::make_unique<Families>(known)) {
  Families& f = *families_;
  f.Gauge(kBuildInfo, {version}).Set(1);
  // Everything that has few and known labels begins at 0.
  for (const std::string& platform : f.platforms) {
    for (const std::string_view verdict : kVerdicts) f.Counter(kAppraisals, {platform, verdict});
  }
  for (const std::string_view stage : kStages) f.Histogram(kAppraisalStageDuration, {stage});
  for (const Metric metric : {kChallengesIssued, kChallengesRedeemed}) f.Counter(metric);
  for (const auto& [name, method] : f.methods) f.Histogram(kGrpcRequestDuration, {method.service, method.name});
  for (const std::string_view scope : kRateScopes) f.Counter(kRateLimited, {scope});
  for (const std::string_view kind : kTokenKinds) {
    for (const std::string_view result : kTokenResults) f.Counter(kTokens, {kind, result});
  }
  for (const std::string_view what : kReloadables) {
    for (const std::string_view result : kReloadResults) f.Counter(kReloads, {what, result});
  }
  for (const std::string_view verdict : kVerdicts) f.Counter(kFlips, {verdict});
  for (const std::string_view state : kForecastStates) f.Gauge(kForecastNodes, {state});
  for (const std::string& upstream : f.upstreams) {
    for (const std::string_view result : kFetchResults) f.Counter(kCollateralFetches, {upstream, result});
    f.Histogram(kCollateralFetchDuration, {upstream});
  }
  for (const std::string& kind : f.collateral_kinds) {
    for (const std::string_view result : kLookupResults) f.Counter(kCollateralLookups, {kind, result});
    f.Counter(kCollateralRollbacks, {kind});
  }
}

Metrics::~Metrics() = default;

void Metrics::CountAppraisal(std::string_view platform, std::string_view verdict) {
  families_->Counter(kAppraisals, {families_->Platform(platform), VerdictLabel(verdict)}).Increment();
}

void Metrics::CountReason(std::string_view platform, Reason reason) {
  families_->Counter(kAppraisalReasons, {families_->Platform(platform), assay::NameOf(reason)}).Increment();
}

void Metrics::ObserveStage(AppraisalStage stage, double seconds) {
  const auto find = [&]() -> prometheus::Histogram& { return families_->Histogram(kAppraisalStageDuration, {LabelOf(stage, kStages)}); };
  families_->stages.At(static_cast<std::size_t>(stage), find).Observe(seconds);
}

void Metrics::CountAttempt(Reason reason) { families_->Counter(kAttemptsFailed, {assay::NameOf(reason)}).Increment(); }

void Metrics::CountChallengeIssued() {
  families_->challenges.At(0, [&]() -> prometheus::Counter& { return families_->Counter(kChallengesIssued); }).Increment();
}
void Metrics::CountChallengeRedeemed() {
  families_->challenges.At(1, [&]() -> prometheus::Counter& { return families_->Counter(kChallengesRedeemed); }).Increment();
}
void Metrics::CountChallengeRefused(Reason reason) { families_->Counter(kChallengesRefused, {assay::NameOf(reason)}).Increment(); }

void Metrics::CountRpc(std::string_view method, absl::StatusCode code, double seconds) {
  if (method.starts_with('/')) method.remove_prefix(1);
  const auto found = families_->methods.find(method);
  Families::Method& known = found == families_->methods.end() ? families_->other : found->second;
  const auto requests = [&]() -> prometheus::Counter& {
    return families_->Counter(kGrpcRequests, {known.service, known.name, CodeLabel(code)});
  };
  known.requests.At(static_cast<std::size_t>(code), requests).Increment();
  known.duration.At(0,
                    [&]() -> prometheus::Histogram& {
                      return families_->Histogram(kGrpcRequestDuration, {known.service, known.name});
                    })
      .Observe(seconds);
}

void Metrics::CountRateLimited(RateScope scope) { families_->Counter(kRateLimited, {LabelOf(scope, kRateScopes)}).Increment(); }

void Metrics::SetQueue(std::size_t depth, std::size_t capacity) {
  families_->Gauge(kWorkerQueueDepth).Set(static_cast<double>(depth));
  families_->Gauge(kWorkerQueueCapacity).Set(static_cast<double>(capacity));
}

void Metrics::SetWatchers(std::size_t watchers) { families_->Gauge(kWatchers).Set(static_cast<double>(watchers)); }

void Metrics::SetEdge(Listener listener, const EdgeSnapshot& snapshot) {
  const std::string_view label = LabelOf(listener, kListeners);
  const std::lock_guard lock(families_->rising_mutex);
  const auto raise = [&](Metric metric, std::uint64_t value) {
    families_->Raise(families_->Counter(metric, {label}), static_cast<double>(value));
  };
  const auto refused = [&](std::string_view reason, std::uint64_t value) {
    families_->Raise(families_->Counter(kConnectionsRefused, {label, reason}), static_cast<double>(value));
  };
  raise(kConnectionsAccepted, snapshot.accepted);
  refused("total", snapshot.refused_total);
  refused("per_address", snapshot.refused_per_address);
  refused("rate", snapshot.refused_rate);
  raise(kConnectionsCut, snapshot.cut);
  raise(kConnectionAcceptErrors, snapshot.accept_errors);
  families_->Gauge(kConnectionsOpen, {label}).Set(static_cast<double>(snapshot.open));
}

void Metrics::SetSelfProbe(Listener listener, bool answered) {
  families_->Gauge(kSelfProbe, {LabelOf(listener, kListeners)}).Set(answered ? 1 : 0);
}

void Metrics::SetTlsNotAfter(Listener listener, Time not_after) {
  families_->Gauge(kTlsNotAfter, {LabelOf(listener, kListeners)}).Set(static_cast<double>(not_after.time_since_epoch().count()));
}

void Metrics::CountStore(StoreOperation operation, absl::StatusCode result, double seconds) {
  const std::string_view label = LabelOf(operation, kOperations);
  const auto number = static_cast<std::size_t>(operation), code = static_cast<std::size_t>(result);
  const auto count = [&]() -> prometheus::Counter& { return families_->Counter(kStoreOperations, {label, CodeLabel(result)}); };
  if (code < kCodes) families_->operations.At(number * kCodes + code, count).Increment();
  else count().Increment();
  families_->operation_durations
      .At(number, [&]() -> prometheus::Histogram& { return families_->Histogram(kStoreOperationDuration, {label}); })
      .Observe(seconds);
}

void Metrics::SetStoreBytes(std::uint64_t bytes) { families_->Gauge(kStoreSize).Set(static_cast<double>(bytes)); }

void Metrics::CountToken(TokenKind kind, TokenResult result) {
  const auto find = [&]() -> prometheus::Counter& {
    return families_->Counter(kTokens, {LabelOf(kind, kTokenKinds), LabelOf(result, kTokenResults)});
  };
  families_->tokens.At(static_cast<std::size_t>(kind) * kTokenResults.size() + static_cast<std::size_t>(result), find).Increment();
}

void Metrics::SetKeys(KeyState state, std::size_t keys) {
  families_->Gauge(kSigningKeys, {LabelOf(state, kKeyStates)}).Set(static_cast<double>(keys));
}

void Metrics::CountReload(Reloadable what, bool succeeded, Time at) {
  const std::string_view label = LabelOf(what, kReloadables);
  families_->Counter(kReloads, {label, LabelOf(succeeded, kReloadResults)}).Increment();
  if (succeeded) families_->Gauge(kReloadLastSuccess, {label}).Set(static_cast<double>(at.time_since_epoch().count()));
}

void Metrics::SetNodes(NodeState state, std::size_t nodes) {
  families_->Gauge(kNodes, {LabelOf(state, kNodeStates)}).Set(static_cast<double>(nodes));
}

void Metrics::CountFlip(std::string_view verdict) { families_->Counter(kFlips, {VerdictLabel(verdict)}).Increment(); }

void Metrics::SetForecast(ForecastState state, std::size_t nodes) {
  families_->Gauge(kForecastNodes, {LabelOf(state, kForecastStates)}).Set(static_cast<double>(nodes));
}

void Metrics::CountFetch(std::string_view upstream, FetchResult result, double seconds) {
  const std::string_view label = Families::KnownOf(families_->upstreams, upstream);
  families_->Counter(kCollateralFetches, {label, LabelOf(result, kFetchResults)}).Increment();
  families_->Histogram(kCollateralFetchDuration, {label}).Observe(seconds);
}

void Metrics::SetUpstream(std::string_view upstream, unsigned breaker, std::size_t wanted) {
  const std::string_view label = Families::KnownOf(families_->upstreams, upstream);
  families_->Gauge(kCollateralBreaker, {label}).Set(static_cast<double>(breaker));
  families_->Gauge(kCollateralWanted, {label}).Set(static_cast<double>(wanted));
}

void Metrics::CountLookup(std::string_view kind, LookupResult result) {
  families_->Counter(kCollateralLookups, {Families::KnownOf(families_->collateral_kinds, kind), LabelOf(result, kLookupResults)})
      .Increment();
}

void Metrics::CountRollback(std::string_view kind) {
  families_->Counter(kCollateralRollbacks, {Families::KnownOf(families_->collateral_kinds, kind)}).Increment();
}

void Metrics::SetCollateral(std::string_view kind, const CollateralSnapshot& held) {
  const std::string_view label = Families::KnownOf(families_->collateral_kinds, kind);
  families_->Gauge(kCollateralItems, {label}).Set(static_cast<double>(held.items));
  for (const auto& [metric, time] : {std::pair(kCollateralObtained, held.obtained), std::pair(kCollateralExpiry, held.expires)}) {
    if (time) families_->Gauge(metric, {label}).Set(static_cast<double>(time->time_since_epoch().count()));
  }
}

void Metrics::OnCollect(std::function<void()> collect) {
  const std::lock_guard lock(families_->collect_mutex);
  families_->collects.push_back(std::move(collect));
}

std::string Metrics::Expose() {
  const std::lock_guard lock(families_->collect_mutex);
  for (const std::function<void()>& collect : families_->collects) collect();
  families_->SetOrLeave(kProcessStartTime, StartTime());
  families_->SetOrLeave(kProcessResidentMemory, ResidentBytes());
  families_->SetOrLeave(kProcessOpenFds, OpenDescriptors());
  families_->SetOrLeave(kProcessMaxFds, MostDescriptors());
  families_->Raise(families_->Counter(kProcessCpu), CpuSeconds());  // nobody else raises it, and this is one at a time
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace assay::telemetry

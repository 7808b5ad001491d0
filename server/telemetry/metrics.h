// Every metric of assayd: named here, in one table, and nowhere else. docs/metrics.md is generated from that table.
//
// Promises: labels are bounded. What comes from outside (platform, verdict, method) is counted under its name only if the
// names were given at start, else under "other"; everything else is an enum. So nobody outside can make time series.
// Series whose labels are all known at start exist from the start, at 0, as an alert can't see what begins with 1.
// Thread-safe; counting takes no lock for longer than a look-up.
//
// Does not promise that numbers of one exposition belong to one instant. Names follow Prometheus: base units, _total,
// _seconds, _bytes, _info.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/finding.h"

namespace assay::telemetry {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };
std::string_view NameOf(MetricType type);

struct MetricEntry {
  std::string_view name;
  MetricType type;
  std::string_view labels;  // comma-separated; "" for none
  std::string_view help;
};
std::span<const MetricEntry> AllMetrics();

// The generated Markdown, the whole file docs/metrics.md. Deterministic.
std::string MetricsReference();

// Parts of one call to Attest, in order.
enum class AppraisalStage : std::uint8_t { kRequest, kGather, kAppraise, kStore, kToken };
enum class Listener : std::uint8_t { kJoin, kOperator, kHttps, kHttp };
enum class StoreOperation : std::uint8_t { kRedeem, kRecord, kGet, kGetBlob, kList, kLatestTime, kProbe, kPurge };
enum class TokenKind : std::uint8_t { kEar, kOidc, kX509 };
enum class TokenResult : std::uint8_t { kIssued, kWithheld, kFailed };
enum class KeyState : std::uint8_t { kNext, kActive, kRetired };
enum class Reloadable : std::uint8_t { kConfig, kPolicies, kAnchors, kCollateral, kTls, kKeys, kOidcKeys };
enum class NodeState : std::uint8_t { kTrusted, kTrustedWithWarnings, kRejected, kIndeterminate, kExpired, kBanned };
enum class FetchResult : std::uint8_t { kFetched, kUnknown, kThrottled, kUnreachable, kRefused, kRolledBack };
enum class LookupResult : std::uint8_t { kMemory, kShelf, kAbsent };
enum class ForecastState : std::uint8_t { kStays, kFalls, kUndecided };
enum class RateScope : std::uint8_t { kAddress, kNode, kCluster, kTotal };

// What a gRPC listener has counted since its start, but for `open`, which is the present.
struct EdgeSnapshot {
  std::uint64_t accepted = 0, open = 0;
  std::uint64_t refused_total = 0, refused_per_address = 0, refused_rate = 0;
  std::uint64_t cut = 0, accept_errors = 0;
};

// The names that text from outside may have as a label.
struct KnownNames {
  std::vector<std::string> platforms;              // "qemu_sev_snp", …: the registry's
  std::vector<std::string> methods;                // "assay.v1.AttestationService/Attest", …
  std::vector<std::string> upstreams = {};         // "amd_kds", …: those that are asked for collateral
  std::vector<std::string> collateral_kinds = {};  // "amd.crl", …
};

// What is held of one kind of collateral.
struct CollateralSnapshot {
  std::size_t items = 0;
  std::optional<Time> obtained;  // the oldest
  std::optional<Time> expires;   // the first
};

class Metrics {
 public:
  Metrics(std::string_view version, const KnownNames& known);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `verdict` as in verdict.proto: "VERDICT_TRUSTED" counts as "trusted".
  void CountAppraisal(std::string_view platform, std::string_view verdict);
  // For each finding that kept an appraisal from TRUSTED.
  void CountReason(std::string_view platform, Reason reason);
  void ObserveStage(AppraisalStage stage, double seconds);
  // Attempts that failed before any identity was authenticated.
  void CountAttempt(Reason reason);

  void CountChallengeIssued();
  void CountChallengeRedeemed();
  void CountChallengeRefused(Reason reason);

  // `method` as gRPC writes it, with or without its leading '/'. gRPC's status codes have Abseil's numbers.
  void CountRpc(std::string_view method, absl::StatusCode code, double seconds);
  void CountRateLimited(RateScope scope);
  void SetQueue(std::size_t depth, std::size_t capacity);
  void SetWatchers(std::size_t watchers);

  // Counters only rise: a snapshot that is older than the last one changes nothing but `open`.
  void SetEdge(Listener listener, const EdgeSnapshot& snapshot);
  void SetTlsNotAfter(Listener listener, Time not_after);
  void SetSelfProbe(Listener listener, bool answered);

  void CountStore(StoreOperation operation, absl::StatusCode result, double seconds);
  void SetStoreBytes(std::uint64_t bytes);

  void CountToken(TokenKind kind, TokenResult result);
  void SetKeys(KeyState state, std::size_t keys);
  // `at` is kept of the last one that succeeded.
  void CountReload(Reloadable what, bool succeeded, Time at);
  void SetNodes(NodeState state, std::size_t nodes);
  // A verdict that became this one when it was appraised once more; as CountAppraisal's.
  void CountFlip(std::string_view verdict);
  void SetForecast(ForecastState state, std::size_t nodes);

  void CountFetch(std::string_view upstream, FetchResult result, double seconds);
  // 0: closed, 1: half open, 2: open. `wanted`: documents that wait for their turn.
  void SetUpstream(std::string_view upstream, unsigned breaker, std::size_t wanted);
  void CountLookup(std::string_view kind, LookupResult result);
  void CountRollback(std::string_view kind);
  void SetCollateral(std::string_view kind, const CollateralSnapshot& held);

  // Runs before every exposition, one at a time. It may set and count, but neither register nor expose; whatever it looks
  // at outlives the Metrics or its last exposition.
  void OnCollect(std::function<void()> collect);

  // Prometheus' text format 0.0.4, everything that has a value.
  std::string Expose();
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace assay::telemetry

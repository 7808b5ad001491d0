// The collateral of one verifier: found in memory, then on the shelf, then at the vendor; kept, renewed, and never taken back.
//
// Promises: nothing is held that is not authentic (document_verifier.h), in its time and, where its vendor issues it again and again, at
// least as new as the floor of its series; one fetch at a time for each document, however many want it; manners towards each upstream
// (manners.h). Looking something up never waits for the network. Floors rise only by what was fetched here or imported, never by what
// nodes bring. Thread-safe.
//
// Does not promise that a document is there, nor that it is current when it is used: appraisal judges that every time.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/finding.h"
#include "base/random.h"
#include "collateral/document_verifier.h"
#include "collateral/shelf.h"
#include "collateral/upstream.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "trust/collateral.h"
#include "trust/floors.h"

namespace assay::collateral {

class Transport;

struct ChanneledKey {
  trust::CollateralKey key;
  trust::Channel channel = trust::Channel::kStandard;
  auto operator<=>(const ChanneledKey&) const = default;
};

// A document as it is held.
struct Held {
  ChanneledKey key;
  trust::CollateralItem item;
  Time obtained{};  // by whoever got it first hand: this verifier, or the one that made the import
  Time not_before{}, not_after{};
  std::optional<trust::Edition> edition = {};
};

// Why something is not there, and when asking again may find it.
struct Absence {
  trust::CollateralKey key;
  Reason reason;             // of the stage collateral
  std::string why;           // of the last attempt; "" before it
  Milliseconds retry_after;  // 0: not by waiting
};

struct Gathered {
  std::vector<trust::CollateralItem> items;
  std::vector<Absence> absent;  // of what was asked for; also what is there but out of its time
};

struct LastError {
  Time at;
  Reason reason;
  std::string why;
};

struct ItemStatus {
  ChanneledKey key;
  std::shared_ptr<const Held> held;  // nullptr: wanted, and not there
  std::optional<LastError> error;    // since the last fetch that worked
  bool under_way = false;            // queued or being fetched
  std::optional<Time> due;           // when it is fetched anew
};

enum class BreakerState : std::uint8_t { kClosed, kHalfOpen, kOpen };

struct UpstreamStatus {
  Upstream upstream;
  std::string base_url;
  BreakerState breaker;
  std::size_t queued;
};

struct KeeperStatus {
  std::vector<ItemStatus> items;  // sorted by key: everything held but leaves, and whatever failed or is wanted
  std::size_t leaves;             // held in memory
  std::vector<UpstreamStatus> upstreams;
};

struct KeeperInputs {
  UpstreamConfigs upstreams;
  Duration renewal{6 * 3600};   // documents that are issued again and again are asked for anew this often, and sooner near their end
  std::size_t leaves = 65'536;  // in memory
  Shelf& shelf;
  const DocumentVerifier& verifier;
  Transport& transport;
  const Clock& clock;                 // validity
  std::function<Moment()> monotonic;  // waiting
  Random& random;                     // jitter; thread-safe
  telemetry::Log& log;
  telemetry::Metrics& metrics;
};

// All of the inputs outlive it.
class Keeper {
 public:
  explicit Keeper(KeeperInputs inputs);
  ~Keeper();  // as Stop()
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // Takes up shelf and floors, then `supplied`: documents from files, kept in memory alone and raising nothing. What is not authentic is
  // logged and left out. Errors: the shelf's.
  absl::Status Open(std::span<const trust::CollateralItem> supplied = {});

  // Everything held under the keys, in the standard channel; what is not, or is out of its time, is fetched if some upstream has it.
  Gathered Find(std::span<const trust::CollateralKey> keys);
  // The same without wanting anything: what `keys` and their companions have in memory.
  std::vector<trust::CollateralItem> Peek(std::span<const trust::CollateralKey> keys) const;
  // Leaves with which evidence was authenticated, with the certificates above them: kept for the next time. Others are passed over.
  void KeepLeaves(std::span<const trust::CollateralItem> items);
  // Calls `then` once, on a thread of this keeper, when none of the keys is under way any more or `patience` is over.
  void Await(std::span<const trust::CollateralKey> keys, Milliseconds patience, std::function<void()> then);

  std::vector<trust::Floor> Floors() const;

  // --- for operators ---
  KeeperStatus Status() const;
  std::vector<Held> Everything() const;  // but leaves
  // Wants these now, whether or not they are held; manners are kept. Empty: everything that is issued again and again. Returns how many.
  std::size_t Refresh(std::span<const ChanneledKey> keys);
  // Documents under a signature that the caller has verified: kept if they are authentic and not older than what is held or the floors.
  // `write` makes them durable, with floors and whatever else belongs to the import; where it fails, nothing has changed.
  struct Imported {
    std::size_t kept = 0;
    std::vector<std::string> refused;  // "key: why"
  };
  using Write = std::function<absl::Status(std::span<const KeptItem> items, std::span<const trust::Floor> floors)>;
  absl::StatusOr<Imported> Import(std::span<const KeptItem> items, std::span<const trust::Floor> floors, const Write& write);

  // --- its threads ---
  // From here on everything below is done by threads of its own; without, by whoever calls it.
  void Start();
  void Stop();
  // One exchange with the upstream, if one is due. When to call again.
  Moment Step(Upstream upstream);
  // Renews what is due, writes leaves down, ends waiting. When to call again.
  Moment Tend();

 private:
  class State;
  const std::unique_ptr<State> state_;
};

}  // namespace assay::collateral

#include "collateral/keeper.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/check_log.h"
#include "base/strings.h"
#include "collateral/addresses.h"
#include "collateral/answer.h"
#include "collateral/document_kinds.h"
#include "collateral/manners.h"
#include "collateral/transport.h"

namespace assay::collateral {
namespace {

constexpr Duration kSkew{300};                                      // of other clocks, before a document's time
constexpr Milliseconds kFirstRetry{2'000}, kLongestRetry{300'000};  // of a document
constexpr Milliseconds kUnknownFor{600'000}, kUnknownAtMost{3'600'000};
constexpr Milliseconds kForgotten{1'800'000};  // what nobody has wanted for so long is not fetched any more
constexpr Milliseconds kLeastHint{1'000}, kLongestHint{600'000};
constexpr std::chrono::seconds kTendEvery{30}, kRecheck{1};
constexpr std::size_t kMostGuesses = 16'384;  // of each vendor's, under way: anybody can name a chip, or a model
constexpr std::size_t kMostUnwritten = 4'096;
constexpr Duration kSoonestRenewal{60}, kClockWasAhead{3600};

using telemetry::FetchResult;
using trust::CollateralItem;
using trust::CollateralKey;
using trust::CollateralSource;
using HeldPtr = std::shared_ptr<const Held>;

bool IsRenewed(const CollateralKey& key) {
  const DocumentKind* kind = FindKind(key.kind);
  return kind != nullptr && kind->nature == Nature::kRenewed;
}

std::size_t VendorOf(const CollateralKey& key) {
  const DocumentKind* kind = FindKind(key.kind);
  ASSAY_CHECK(kind != nullptr);
  return static_cast<std::size_t>(kind->vendor);
}

// Documents that come without the certificates above them.
bool ComesAlone(const CollateralKey& key) { return key.kind == "amd.vcek" || key.kind == "amd.crl" || key.kind == "intel.root_crl"; }

bool InItsTime(const Held& held, Time now) { return held.not_before - kSkew <= now && now <= held.not_after; }

// What became of one exchange.
struct Verdict {
  FetchResult result = FetchResult::kFetched;
  Reason reason = Reason::kCollateralPending;
  std::string why = {};
  std::optional<Milliseconds> retry_after = {};
  std::vector<Held> kept = {};
};

Verdict Failure(FetchResult result, Reason reason, std::string why, std::optional<Milliseconds> retry_after = std::nullopt) {
  return {.result = result, .reason = reason, .why = std::move(why), .retry_after = retry_after};
}

// The leaves in memory: the least recently used goes first.
class Leaves {
 public:
  explicit Leaves(std::size_t most) : most_(most) {}
  HeldPtr Find(const CollateralKey& key) {
    const auto found = index_.find(key.ToString());
    if (found == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return *found->second;
  }
  void Insert(HeldPtr leaf) {
    std::string name = leaf->key.key.ToString();
    if (const auto found = index_.find(name); found != index_.end()) {
      *found->second = std::move(leaf);
      return;
    }
    order_.push_front(std::move(leaf));
    index_.emplace(std::move(name), order_.begin());
    if (order_.size() <= most_) return;
    index_.erase(order_.back()->key.key.ToString());
    order_.pop_back();
  }
  std::size_t size() const { return order_.size(); }
  std::size_t CountOf(std::string_view kind) const {
    return static_cast<std::size_t>(
        std::count_if(order_.begin(), order_.end(), [kind](const HeldPtr& leaf) { return leaf->key.key.kind == kind; }));
  }

 private:
  const std::size_t most_;
  std::list<HeldPtr> order_;
  std::unordered_map<std::string, std::list<HeldPtr>::iterator> index_;
};

}  // namespace

class Keeper::State {
 public:
  explicit State(KeeperInputs inputs) : in_(std::move(inputs)), leaves_(in_.leaves) {
    for (const Upstream upstream : kAllUpstreams) {
      const auto& config = in_.upstreams.Of(upstream);
      lines_.push_back({Manners(config ? config->per_minute : 1, config ? config->burst : 1), {}, {}});
    }
  }

  absl::Status Open(std::span<const CollateralItem> supplied) {
    auto floors = in_.shelf.LoadFloors();
    if (!floors.ok()) return floors.status();
    auto kept = in_.shelf.Load();
    if (!kept.ok()) return kept.status();
    {
      const std::lock_guard lock(mutex_);
      floors_ = *std::move(floors);
    }
    std::vector<Held> documents = TakenUp(*kept, {});
    TakeUpSupplied(supplied, documents);
    const std::lock_guard lock(mutex_);
    for (Held& document : documents) {
      if (IsOlder(document)) {
        in_.log.Warning("collateral older than what this verifier had before, left out", {{"key", document.key.key.ToString()}});
        continue;
      }
      Publish(std::move(document));
    }
    return absl::OkStatus();
  }

  Gathered Find(std::span<const CollateralKey> keys) {
    ReadLeaves(keys);
    const Time now = in_.clock.Now();
    const Moment moment = in_.monotonic();
    Gathered gathered;
    bool woken = false;
    {
      const std::lock_guard lock(mutex_);
      for (const CollateralKey& key : keys) {
        const HeldPtr held = Lookup({key});
        if (held != nullptr) gathered.items.push_back(HandedOut(*held));
        const bool there = held != nullptr && InItsTime(*held, now);
        if (!IsLeaf(key) || !there) Count(key, there ? telemetry::LookupResult::kMemory : telemetry::LookupResult::kAbsent);
        if (!there) gathered.absent.push_back(Want({key}, moment, false, woken));
      }
      for (const CollateralKey& key : CompanionsOf(keys)) {
        const HeldPtr held = Lookup({key});
        if (held != nullptr) gathered.items.push_back(HandedOut(*held));
        if (IsRenewed(key) && (held == nullptr || !InItsTime(*held, now))) Want({key}, moment, false, woken);
      }
    }
    if (woken) Wake();
    return gathered;
  }

  std::vector<CollateralItem> Peek(std::span<const CollateralKey> keys) const {
    std::vector<CollateralItem> items;
    const std::lock_guard lock(mutex_);
    const auto add = [&](const CollateralKey& key) {
      if (IsLeaf(key)) return;
      if (const HeldPtr held = Lookup({key})) items.push_back(HandedOut(*held));
    };
    for (const CollateralKey& key : keys) add(key);
    for (const CollateralKey& key : CompanionsOf(keys)) add(key);
    return items;
  }

  void KeepLeaves(std::span<const CollateralItem> items) {
    std::vector<CollateralItem> chain;
    bool any = false;
    {
      const std::lock_guard lock(mutex_);
      for (const CollateralItem& item : items) {
        const DocumentKind* kind = FindKind(item.key.kind);
        if (kind == nullptr || kind->nature == Nature::kRenewed) continue;
        if (kind->nature == Nature::kLeaf && (item.key.detail.empty() || leaves_.Find(item.key) != nullptr)) continue;
        any |= kind->nature == Nature::kLeaf;
        chain.push_back(item);
      }
    }
    if (!any) return;
    const Time now = in_.clock.Now();
    bool many = false;
    for (const trust::AuthenticDocument& document : Authentic(chain)) {
      if (!IsLeaf(document.item.key)) continue;
      Held held = HeldFrom(document, trust::Channel::kStandard, now);
      if (!InItsTime(held, now)) continue;
      const std::lock_guard lock(mutex_);
      if (unwritten_.size() < kMostUnwritten) unwritten_.push_back(KeptFrom(held));
      Satisfy(held.key);
      leaves_.Insert(std::make_shared<const Held>(std::move(held)));
      many = unwritten_.size() == kMostUnwritten / 4;
    }
    if (many) Wake();
  }

  void Await(std::span<const CollateralKey> keys, Milliseconds patience, std::function<void()> then) {
    {
      const std::lock_guard lock(mutex_);
      if (!stop_) {
        waiters_.push_back({{keys.begin(), keys.end()}, in_.monotonic() + patience, std::move(then)});
        then = nullptr;
      }
    }
    if (then) then();  // nobody will fetch any more
    Wake();
  }

  std::vector<trust::Floor> Floors() const {
    const std::lock_guard lock(mutex_);
    return floors_;
  }

  KeeperStatus Status() const {
    const std::lock_guard lock(mutex_);
    const Moment moment = in_.monotonic();
    std::map<ChanneledKey, ItemStatus> items;
    for (const auto& [key, held] : held_) {
      ItemStatus& status = items[key];
      status.held = held.document;
      if (IsRenewed(key.key) && !AddressesOf(key, in_.upstreams).empty()) status.due = DueOf(held);
    }
    for (const auto& [key, error] : errors_) items[key].error = error;
    for (const auto& [address, flight] : flights_) {
      for (const ChanneledKey& key : flight.keys) items[key].under_way = !flight.unknown;
    }
    KeeperStatus status{.items = {}, .leaves = leaves_.size(), .upstreams = {}};
    for (auto& [key, item] : items) {
      item.key = key;
      status.items.push_back(std::move(item));
    }
    for (const Upstream upstream : kAllUpstreams) {
      const auto& config = in_.upstreams.Of(upstream);
      const Line& line = LineOf(upstream);
      if (config) {
        status.upstreams.push_back({upstream, config->base_url, line.manners.breaker(moment), line.queue.size() + line.delayed.size()});
      }
    }
    return status;
  }

  std::vector<Held> Everything() const {
    const std::lock_guard lock(mutex_);
    std::vector<Held> all;
    for (const auto& [key, entry] : held_) all.push_back(*entry.document);
    return all;
  }

  std::size_t Refresh(std::span<const ChanneledKey> keys) {
    std::size_t count = 0;
    bool woken = false;
    {
      const std::lock_guard lock(mutex_);
      std::vector<ChanneledKey> all(keys.begin(), keys.end());
      for (const auto& [key, entry] : held_) {
        if (keys.empty() && IsRenewed(key.key)) all.push_back(key);
      }
      for (const ChanneledKey& key : all) count += Want(key, in_.monotonic(), true, woken).reason != Reason::kCollateralOffline ? 1U : 0U;
    }
    Wake();
    return count;
  }

  absl::StatusOr<Imported> Import(std::span<const KeptItem> items, std::span<const trust::Floor> floors, const Write& write) {
    const Time now = in_.clock.Now();
    Imported imported;
    std::vector<Held> documents = TakenUp(items, CollateralSource::kImport, &imported.refused);
    std::vector<KeptItem> kept;
    std::vector<trust::Floor> raised(floors.begin(), floors.end());
    std::vector<Held> good;
    {
      const std::lock_guard lock(mutex_);
      for (Held& document : documents) {
        if (now > document.not_after) {
          imported.refused.push_back(Cat(document.key.key.ToString(), ": ended at ", FormatTime(document.not_after)));
        } else if (IsOlder(document)) {
          imported.refused.push_back(Cat(document.key.key.ToString(), ": older than what this verifier had before"));
        } else {
          kept.push_back(KeptFrom(document));
          if (document.edition && InItsTime(document, now)) raised.push_back({*document.edition, document.key.channel});
          good.push_back(std::move(document));
        }
      }
    }
    if (const absl::Status written = write(kept, raised); !written.ok()) return written;
    const std::lock_guard lock(mutex_);
    for (const trust::Floor& floor : raised) {
      floors_ = trust::Raised(std::move(floors_), floor.edition, floor.channel, CollateralSource::kImport);
    }
    for (Held& document : good) {
      Satisfy(document.key);
      Publish(std::move(document));
    }
    imported.kept = good.size();
    return imported;
  }

  // --- threads ---
  void Start() {
    for (const Upstream upstream : kAllUpstreams) {
      if (in_.upstreams.Of(upstream)) threads_.emplace_back([this, upstream] { Loop([this, upstream] { return Step(upstream); }); });
    }
    threads_.emplace_back([this] { Loop([this] { return Tend(); }); });
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    woken_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    WriteLeaves();
    std::vector<Waiter> waiters;
    {
      const std::lock_guard lock(mutex_);
      waiters.swap(waiters_);
    }
    for (const Waiter& waiter : waiters) waiter.then();
  }

  Moment Step(Upstream upstream) {
    const Moment moment = in_.monotonic();
    Line& line = LineOf(upstream);
    std::unique_lock lock(mutex_);
    const std::optional<Address> next = NextOf(upstream, moment);
    if (!next) return line.delayed.empty() ? Moment::max() : line.delayed.begin()->first;
    if (const Moment earliest = line.manners.Earliest(moment); earliest > moment) return earliest;
    line.manners.Take(moment);
    Flight& flight = flights_.at(*next);
    line.queue.erase({flight.guess, flight.sequence, *next});
    flight.fetching = true;
    const std::vector<ChanneledKey> keys = flight.keys;
    const Address address = flight.addresses[flight.at];
    lock.unlock();

    const FetchRequest request{.url = in_.upstreams.Of(upstream)->base_url + address.path, .most_bytes = address.most_bytes};
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = in_.transport.Get(upstream, request, stop_);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (stop_) return Moment::max();
    Verdict verdict = Judge(keys, answer);
    if (!verdict.kept.empty()) WriteDown(verdict.kept);
    in_.metrics.CountFetch(NameOf(upstream), verdict.result, seconds);

    lock.lock();
    Settle(*next, verdict);
    auto done = TakeSettledWaiters();
    lock.unlock();
    for (const Waiter& waiter : done) waiter.then();
    Wake();  // others may have waited for this one
    return in_.monotonic();
  }

  Moment Tend() {
    const Moment moment = in_.monotonic();
    std::vector<Waiter> done;
    bool woken = false, unwritten = false;
    Moment next = moment + kTendEvery;
    {
      const std::lock_guard lock(mutex_);
      done = TakeSettledWaiters();
      for (const Waiter& waiter : waiters_) next = std::min(next, waiter.until);
      const Time now = in_.clock.Now();
      std::vector<ChanneledKey> due;
      for (const auto& [key, entry] : held_) {
        if (IsRenewed(key.key) && (DueOf(entry) <= now || entry.document->obtained > now + kClockWasAhead)) due.push_back(key);
      }
      for (const ChanneledKey& key : due) Want(key, moment, true, woken);
      for (auto flight = flights_.begin(); flight != flights_.end();) {
        const bool forgotten = !flight->second.fetching && flight->second.wanted + kForgotten < moment;
        flight = forgotten ? Drop(flight) : std::next(flight);
      }
      unwritten = !unwritten_.empty();
      SetMetrics(moment);
    }
    for (const Waiter& waiter : done) waiter.then();
    if (woken) Wake();
    if (unwritten) WriteLeaves();
    return next;
  }

 private:
  struct Entry {
    HeldPtr document;
    double chance = 0;  // spreads renewals
  };
  // One request under way, for however many want it.
  struct Flight {
    std::vector<ChanneledKey> keys;
    std::vector<Address> addresses;
    std::size_t at = 0;  // the address that is asked next
    bool guess = false, fetching = false, unknown = false, anew = false;
    std::uint64_t sequence = 0;
    Moment ready{}, wanted{};
    unsigned attempts = 0;
  };
  using Flights = std::map<Address, Flight>;
  // One upstream's.
  struct Line {
    Manners manners;
    std::set<std::tuple<bool, std::uint64_t, Address>> queue;  // guesses last, then by age
    std::set<std::pair<Moment, Address>> delayed;
  };
  struct Waiter {
    std::vector<CollateralKey> keys;
    Moment until;
    std::function<void()> then;
  };

  Line& LineOf(Upstream upstream) { return lines_[static_cast<std::size_t>(upstream)]; }
  const Line& LineOf(Upstream upstream) const { return lines_[static_cast<std::size_t>(upstream)]; }

  // --- what is held; all under mutex_ ---
  HeldPtr Lookup(const ChanneledKey& key) const {
    if (IsLeaf(key.key)) return leaves_.Find(key.key);
    const auto found = held_.find(key);
    return found == held_.end() ? nullptr : found->second.document;
  }

  static CollateralItem HandedOut(const Held& held) {
    CollateralItem item = held.item;
    if (item.source != CollateralSource::kSupplied) item.source = CollateralSource::kCache;
    return item;
  }

  bool IsOlder(const Held& document) const {
    if (!document.edition || SwitchedOff(Check::kCollateralNotOlder)) return false;
    const trust::Floor* floor = trust::FindFloor(floors_, document.edition->series, document.key.channel);
    return floor != nullptr && document.edition->IsOlderThan(floor->edition);
  }

  // Of two editions, and of two certificates of one name, the newer stays.
  void Publish(Held document) {
    errors_.erase(document.key);
    if (IsLeaf(document.key.key)) return leaves_.Insert(std::make_shared<const Held>(std::move(document)));
    ByteArray<1> chance{};
    in_.random.Fill(chance);
    Entry& entry = held_[document.key];
    if (entry.document != nullptr) {
      const Held& former = *entry.document;
      const bool newer_stays =
          document.edition && former.edition ? document.edition->IsOlderThan(*former.edition) : document.not_after < former.not_after;
      if (newer_stays) return;
    }
    entry = {std::make_shared<const Held>(std::move(document)), chance[0] / 256.0};
  }

  Time DueOf(const Entry& entry) const {
    const Held& held = *entry.document;
    const Duration whole = std::max(kSoonestRenewal, std::min(in_.renewal, (held.not_after - held.not_before) / 2));
    return held.obtained + Duration(static_cast<Duration::rep>(static_cast<double>(whole.count()) * (0.8 + 0.4 * entry.chance)));
  }

  void Count(const CollateralKey& key, telemetry::LookupResult result) const { in_.metrics.CountLookup(key.kind, result); }

  void SetMetrics(Moment moment) const {
    for (const DocumentKind& kind : AllDocumentKinds()) {
      telemetry::CollateralSnapshot snapshot;
      for (const auto& [key, entry] : held_) {
        if (key.key.kind != kind.name || key.channel != trust::Channel::kStandard) continue;
        const Held& held = *entry.document;
        ++snapshot.items;
        snapshot.obtained = std::min(snapshot.obtained.value_or(held.obtained), held.obtained);
        snapshot.expires = std::min(snapshot.expires.value_or(held.not_after), held.not_after);
      }
      if (kind.nature == Nature::kLeaf) snapshot.items = leaves_.CountOf(kind.name);
      in_.metrics.SetCollateral(kind.name, snapshot);
    }
    for (const Upstream upstream : kAllUpstreams) {
      if (!in_.upstreams.Of(upstream)) continue;
      const Line& line = LineOf(upstream);
      in_.metrics.SetUpstream(NameOf(upstream), static_cast<unsigned>(line.manners.breaker(moment)),
                              line.queue.size() + line.delayed.size());
    }
  }

  // --- documents, without the mutex ---
  std::vector<trust::AuthenticDocument> Authentic(std::span<const CollateralItem> items) const {
    std::vector<trust::AuthenticDocument> authentic = in_.verifier.Authentic(items);
    if (SwitchedOff(Check::kCollateralAuthentic)) {
      for (const CollateralItem& item : items) {
        const auto same = [&](const trust::AuthenticDocument& one) { return one.item.sha256 == item.sha256; };
        if (std::none_of(authentic.begin(), authentic.end(), same)) authentic.push_back({item, Time(), Time(Duration(1) * 0xFFFFFFFFL)});
      }
    }
    return authentic;
  }

  static Held HeldFrom(const trust::AuthenticDocument& document, trust::Channel channel, Time obtained) {
    const CollateralKey& key = document.item.key;
    return {.key = {key, HasChannels(key) ? channel : trust::Channel::kStandard},
            .item = document.item,
            .obtained = obtained,
            .not_before = document.not_before,
            .not_after = document.not_after,
            .edition = document.edition};
  }
  static KeptItem KeptFrom(const Held& held) {
    return {.key = held.key.key,
            .channel = held.key.channel,
            .body = ToBytes(held.item.body.Read().TakeRest()),
            .source = held.item.source,
            .obtained = held.obtained,
            .edition = held.edition,
            .not_before = held.not_before,
            .not_after = held.not_after};
  }
  // AMD serves two lists of one kind and issuer: the address tells them apart, nothing in them does.
  static void NameAsKept(const CollateralKey& kept_as, Held& held) {
    if (kept_as.kind != held.key.key.kind || kept_as.scope != held.key.key.scope || kept_as.detail != kVlekListDetail) return;
    held.key.key = kept_as;
    if (held.edition) held.edition->series = kept_as;
  }

  // The certificates that are held, for whatever lacks those above it.
  std::vector<CollateralItem> Certificates() const {
    const std::lock_guard lock(mutex_);
    std::vector<CollateralItem> certificates;
    for (const auto& [key, entry] : held_) {
      if (entry.document->item.certificate) certificates.push_back(entry.document->item);
    }
    return certificates;
  }

  // Kept bytes, recognised and authenticated anew; all of them may vouch for each other.
  std::vector<Held> TakenUp(std::span<const KeptItem> kept, std::optional<CollateralSource> as,
                            std::vector<std::string>* refused = nullptr) {
    std::vector<CollateralItem> items = Certificates();
    std::vector<std::pair<crypto::Sha256Digest, const KeptItem*>> origins;
    for (const KeptItem& one : kept) {
      std::vector<CollateralItem> found = in_.verifier.Recognise(trust::UntrustedBytes(one.body), as.value_or(one.source));
      for (CollateralItem& item : found) {
        origins.emplace_back(item.sha256, &one);
        items.push_back(std::move(item));
      }
    }
    std::vector<Held> taken;
    std::set<const KeptItem*> good;
    for (const trust::AuthenticDocument& document : Authentic(items)) {
      for (const auto& [sha256, origin] : origins) {
        if (sha256 != document.item.sha256) continue;
        Held held = HeldFrom(document, origin->channel, origin->obtained);
        NameAsKept(origin->key, held);
        if (held.key.key != origin->key) continue;
        good.insert(origin);
        taken.push_back(std::move(held));
      }
    }
    for (const KeptItem& one : kept) {
      if (good.contains(&one)) continue;
      if (refused != nullptr) refused->push_back(Cat(one.key.ToString(), ": not authentic, or another document"));
      else in_.log.Warning("kept collateral is not authentic under these anchors, left out", {{"key", one.key.ToString()}});
    }
    return taken;
  }

  void TakeUpSupplied(std::span<const CollateralItem> supplied, std::vector<Held>& documents) {
    std::vector<CollateralItem> items(supplied.begin(), supplied.end());
    std::set<crypto::Sha256Digest> authentic;
    const Time now = in_.clock.Now();
    for (const trust::AuthenticDocument& document : Authentic(items)) {
      authentic.insert(document.item.sha256);
      documents.push_back(HeldFrom(document, trust::Channel::kStandard, now));
    }
    for (const CollateralItem& item : supplied) {
      if (!authentic.contains(item.sha256)) {
        in_.log.Warning("collateral file cannot be authenticated by what lies beside it, not kept",
                        {{"key", Printable(item.key.ToString())}});
      }
    }
  }

  // Leaves that are only on the shelf, into memory.
  void ReadLeaves(std::span<const CollateralKey> keys) {
    for (const CollateralKey& key : keys) {
      if (!IsLeaf(key)) continue;
      {
        const std::lock_guard lock(mutex_);
        if (leaves_.Find(key) != nullptr) {
          Count(key, telemetry::LookupResult::kMemory);
          continue;
        }
      }
      const auto kept = in_.shelf.Find(key);
      if (!kept.ok()) {
        in_.log.Error("collateral not read from the shelf", {{"error", MessageOf(kept.status())}});
        continue;
      }
      if (kept->empty()) continue;
      for (Held& leaf : TakenUp(*kept, {})) {
        Count(key, telemetry::LookupResult::kShelf);
        const std::lock_guard lock(mutex_);
        leaves_.Insert(std::make_shared<const Held>(std::move(leaf)));
      }
    }
  }

  Verdict Judge(const std::vector<ChanneledKey>& keys, const absl::StatusOr<FetchAnswer>& answer) const {
    if (!answer.ok()) return Failure(FetchResult::kUnreachable, Reason::kCollateralUnreachable, std::string(MessageOf(answer.status())));
    const Time now = in_.clock.Now();
    const auto pause = answer->retry_after ? RetryAfter(*answer->retry_after, now) : std::nullopt;
    const std::string status = Cat("status ", answer->status);
    if (answer->status == 429) return Failure(FetchResult::kThrottled, Reason::kCollateralUnreachable, status, pause);
    if (answer->status == 400 || answer->status == 404 || answer->status == 410) {
      return Failure(FetchResult::kUnknown, Reason::kCollateralUnknown, status);
    }
    if (answer->status >= 500) return Failure(FetchResult::kUnreachable, Reason::kCollateralUnreachable, status, pause);
    if (answer->status != 200) return Failure(FetchResult::kRefused, Reason::kCollateralRefused, Cat(status, ", which is not followed"));
    const auto bodies = BodiesOf(*answer);
    if (!bodies) return Failure(FetchResult::kRefused, Reason::kCollateralRefused, Describe(bodies.findings().front()));

    std::vector<CollateralItem> found;
    for (const trust::UntrustedBytes& body : *bodies) {
      for (CollateralItem& item : in_.verifier.Recognise(body, CollateralSource::kVendor)) found.push_back(std::move(item));
    }
    if (found.empty()) return Failure(FetchResult::kRefused, Reason::kCollateralRefused, "not a document that any format knows");
    std::set<crypto::Sha256Digest> brought;
    for (const CollateralItem& item : found) brought.insert(item.sha256);
    for (CollateralItem& item : Certificates()) {
      if (!brought.contains(item.sha256)) found.push_back(std::move(item));
    }

    // Whatever else came with it is kept as well, if it is good; what was asked for decides.
    Verdict verdict;
    std::optional<Verdict> asked;
    const auto conclude = [&](const Held& document, Verdict conclusion) {
      if (std::find(keys.begin(), keys.end(), document.key) != keys.end()) asked = std::move(conclusion);
    };
    for (const trust::AuthenticDocument& document : Authentic(found)) {
      if (!brought.contains(document.item.sha256)) continue;
      Held held = HeldFrom(document, keys.front().channel, now);
      held.item.source = CollateralSource::kVendor;
      NameAsKept(keys.front().key, held);
      if (!InItsTime(held, now) && !SwitchedOff(Check::kCollateralCurrent)) {
        conclude(held, Failure(FetchResult::kRefused, Reason::kCollateralRefused,
                               Cat("valid from ", FormatTime(held.not_before), " to ", FormatTime(held.not_after), ", not at ",
                                   FormatTime(now))));
        continue;
      }
      bool older = false;
      {
        const std::lock_guard lock(mutex_);
        older = IsOlder(held);
      }
      if (older) {
        in_.metrics.CountRollback(held.key.key.kind);
        in_.log.Error("an upstream served collateral that is older than what it had before",
                      {{"key", held.key.key.ToString()}, {"number", held.edition->number}});
        conclude(held, Failure(FetchResult::kRolledBack, Reason::kCollateralRolledBack,
                               Cat("number ", held.edition->number, " of ", FormatTime(held.edition->issued))));
        continue;
      }
      conclude(held, Verdict());
      verdict.kept.push_back(std::move(held));
    }
    if (!asked && !SwitchedOff(Check::kCollateralAsked)) {
      asked = Failure(FetchResult::kRefused, Reason::kCollateralRefused,
                      verdict.kept.empty() ? "not authentic under the pinned roots" : "another document");
    }
    if (!asked) return verdict;
    asked->kept = std::move(verdict.kept);
    return *std::move(asked);
  }

  // On the shelf before it is used: what was once relied on is there after a restart.
  void WriteDown(const std::vector<Held>& documents) {
    std::vector<KeptItem> kept;
    std::vector<trust::Floor> floors;
    for (const Held& document : documents) {
      kept.push_back(KeptFrom(document));
      if (document.edition) floors.push_back({*document.edition, document.key.channel});
    }
    const absl::Status raised = floors.empty() ? absl::OkStatus() : in_.shelf.RaiseFloors(floors);
    const absl::Status put = in_.shelf.Put(kept);
    for (const absl::Status& status : {raised, put}) {
      if (!status.ok()) in_.log.Error("collateral not written to the shelf, held in memory alone", {{"error", MessageOf(status)}});
    }
  }

  void WriteLeaves() {
    std::vector<KeptItem> leaves;
    {
      const std::lock_guard lock(mutex_);
      leaves.swap(unwritten_);
    }
    if (leaves.empty()) return;
    if (const absl::Status put = in_.shelf.Put(leaves); !put.ok()) {
      in_.log.Error("leaves not written to the shelf, held in memory alone", {{"error", MessageOf(put)}});
    }
  }

  // --- flights; all under mutex_ ---
  // Nothing but evidence, which may be invented, says that there is such a document: it waits behind all others, and so many wait.
  bool IsGuess(const ChanneledKey& key) const { return IsNamedByEvidence(key.key) && !held_.contains(key); }

  // Sees to it that the key is fetched, and says when that may be. `anew`: although it may be held, for whoever is believed: an operator,
  // or its age.
  Absence Want(const ChanneledKey& key, Moment moment, bool anew, bool& woken) {
    std::vector<Address> addresses = AddressesOf(key, in_.upstreams);
    if (addresses.empty() || stop_) return {key.key, Reason::kCollateralOffline, "", Milliseconds(0)};
    const bool guess = IsLeaf(key.key) || (!anew && IsGuess(key));
    auto found = flights_.find(addresses.front());
    if (found == flights_.end()) {
      std::size_t& guesses = guesses_[VendorOf(key.key)];
      if (guess && guesses >= kMostGuesses) return {key.key, Reason::kCollateralPending, "too many wait", kLongestHint};
      Flight flight{
          .keys = {}, .addresses = std::move(addresses), .guess = guess, .sequence = ++sequence_, .ready = moment, .wanted = moment};
      const Address name = flight.addresses.front();
      found = flights_.emplace(name, std::move(flight)).first;
      guesses += guess ? 1 : 0;
      LineOf(name.upstream).queue.insert({guess, found->second.sequence, name});
      woken = true;
    }
    Flight& flight = found->second;
    if (flight.guess && !guess) MoveUp(found->first, flight);
    if (std::find(flight.keys.begin(), flight.keys.end(), key) == flight.keys.end()) {
      flight.keys.push_back(key);
      flight_of_[key] = found->first;
    }
    flight.wanted = moment;
    flight.anew |= anew;
    const auto error = errors_.find(key);
    const bool failed = flight.attempts != 0 && error != errors_.end();
    return {key.key, failed ? error->second.reason : Reason::kCollateralPending, failed ? error->second.why : "", HintFor(flight, moment)};
  }

  Milliseconds HintFor(const Flight& flight, Moment moment) const {
    const Line& line = LineOf(flight.addresses[flight.at].upstream);
    Milliseconds wait{0};
    if (flight.ready > moment) {
      wait = std::chrono::ceil<Milliseconds>(flight.ready - moment);
    } else if (!flight.fetching && !line.queue.empty()) {
      std::size_t before = line.queue.size() - 1;
      const std::uint64_t first = std::get<1>(*line.queue.begin());
      if (flight.sequence >= first) before = std::min<std::size_t>(before, flight.sequence - first);
      wait = std::chrono::ceil<Milliseconds>(line.manners.Earliest(moment) - moment) + line.manners.TimeFor(before);
    }
    return std::clamp(wait, kLeastHint, kLongestHint);
  }

  // It is no guess any more.
  void MoveUp(const Address& name, Flight& flight) {
    Line& line = LineOf(flight.addresses[flight.at].upstream);
    const bool queued = line.queue.erase({true, flight.sequence, name}) != 0;
    flight.guess = false;
    --guesses_[VendorOf(flight.keys.front().key)];
    if (queued) line.queue.insert({false, flight.sequence, name});
  }

  Flights::iterator Drop(Flights::iterator at) {
    const Flight& flight = at->second;
    Line& line = LineOf(flight.addresses[flight.at].upstream);
    line.queue.erase({flight.guess, flight.sequence, at->first});
    line.delayed.erase({flight.ready, at->first});
    guesses_[VendorOf(flight.keys.front().key)] -= flight.guess ? 1 : 0;
    for (const ChanneledKey& key : flight.keys) {
      flight_of_.erase(key);
      if (IsGuess(key)) errors_.erase(key);  // there is no end of them
    }
    return flights_.erase(at);
  }

  // The key is held now: nobody needs to fetch it.
  void Satisfy(const ChanneledKey& key) {
    const auto name = flight_of_.find(key);
    if (name == flight_of_.end()) return;
    const auto at = flights_.find(name->second);
    if (at != flights_.end() && !at->second.fetching) Drop(at);
  }

  void Delay(const Address& name, Flight& flight, Moment until) {
    Line& line = LineOf(flight.addresses[flight.at].upstream);
    line.queue.erase({flight.guess, flight.sequence, name});
    flight.ready = until;
    line.delayed.insert({until, name});
  }

  // What is asked for next; it stays in the queue.
  std::optional<Address> NextOf(Upstream upstream, Moment moment) {
    Line& line = LineOf(upstream);
    while (!line.delayed.empty() && line.delayed.begin()->first <= moment) {
      const Address name = line.delayed.begin()->second;
      line.delayed.erase(line.delayed.begin());
      const auto at = flights_.find(name);
      if (at == flights_.end()) continue;
      if (at->second.unknown) Drop(at);  // whoever still wants it asks again
      else line.queue.insert({at->second.guess, at->second.sequence, name});
    }
    const Time now = in_.clock.Now();
    while (!line.queue.empty()) {
      const Address name = std::get<2>(*line.queue.begin());
      const auto at = flights_.find(name);
      ASSAY_CHECK(at != flights_.end());
      Flight& flight = at->second;
      const bool satisfied = !flight.anew && std::all_of(flight.keys.begin(), flight.keys.end(), [&](const ChanneledKey& key) {
        const HeldPtr held = Lookup(key);
        return held != nullptr && InItsTime(*held, now);
      });
      if (satisfied) {  // by what came along with another
        Drop(at);
        continue;
      }
      if (flight.wanted + kForgotten < moment) {
        Drop(at);
        continue;
      }
      const std::optional<Moment> until = WaitsForIssuers(flight, moment);
      if (!until) return name;
      if (*until <= moment) continue;  // they stand in front of it now
      Delay(name, flight, *until);
    }
    return std::nullopt;
  }

  // nullopt: it can be authenticated as soon as it is there.
  std::optional<Moment> WaitsForIssuers(const Flight& flight, Moment moment) {
    const CollateralKey& key = flight.keys.front().key;
    if (!ComesAlone(key) || flight.addresses[flight.at].upstream == Upstream::kAzureThim) return std::nullopt;
    bool unused = false;
    std::optional<Moment> until;
    for (const CollateralKey& issuer : IssuersOf(key)) {
      if (Lookup({issuer}) != nullptr) continue;
      const Absence absence = Want({issuer}, moment, false, unused);
      if (absence.reason == Reason::kCollateralOffline) continue;
      const Flight& above = flights_.at(flight_of_.at({issuer}));
      const bool in_front = above.addresses[above.at].upstream == flight.addresses[flight.at].upstream && above.ready <= moment &&
                            !above.fetching && std::tuple(above.guess, above.sequence) < std::tuple(flight.guess, flight.sequence);
      until = std::max(until.value_or(Moment::min()), in_front ? moment : std::max(above.ready, moment + kRecheck));
    }
    return until;
  }

  void Settle(const Address& name, Verdict& verdict) {
    const auto at = flights_.find(name);
    ASSAY_CHECK(at != flights_.end());
    Flight& flight = at->second;
    flight.fetching = false;
    Line& line = LineOf(flight.addresses[flight.at].upstream);
    const Moment moment = in_.monotonic();
    const Time now = in_.clock.Now();
    for (Held& document : verdict.kept) {
      if (document.edition) floors_ = trust::Raised(std::move(floors_), *document.edition, document.key.channel, CollateralSource::kVendor);
      Publish(std::move(document));
    }
    if (verdict.result != FetchResult::kFetched) {
      for (const ChanneledKey& key : flight.keys) errors_.insert_or_assign(key, LastError{now, verdict.reason, Printable(verdict.why)});
      in_.log.Warning("collateral not fetched", {{"key", flight.keys.front().key.ToString()},
                                                 {"upstream", NameOf(flight.addresses[flight.at].upstream)},
                                                 {"reason", NameOf(verdict.reason)},
                                                 {"why", Printable(verdict.why)}});
    }
    switch (verdict.result) {
      case FetchResult::kFetched:
        line.manners.Answered();
        Drop(at);
        return;
      case FetchResult::kThrottled:
        line.manners.Throttled(moment, verdict.retry_after, in_.random);
        flight.attempts = std::max(flight.attempts, 1U);
        line.queue.insert({flight.guess, flight.sequence, name});
        return;
      case FetchResult::kUnknown: line.manners.Answered(); break;
      case FetchResult::kUnreachable:
      case FetchResult::kRefused:
      case FetchResult::kRolledBack: line.manners.Failed(moment, verdict.retry_after, in_.random); break;
    }
    // Another upstream may have it, or be there.
    if (flight.at + 1 < flight.addresses.size()) {
      ++flight.at;
      flight.attempts = std::max(flight.attempts, 1U);
      LineOf(flight.addresses[flight.at].upstream).queue.insert({flight.guess, flight.sequence, name});
      return;
    }
    flight.at = 0;
    flight.unknown = verdict.result == FetchResult::kUnknown;
    flight.ready = moment + (flight.unknown ? Backoff(0, kUnknownFor, kUnknownAtMost, in_.random)
                                            : Backoff(flight.attempts, kFirstRetry, kLongestRetry, in_.random));
    ++flight.attempts;
    LineOf(flight.addresses[0].upstream).delayed.insert({flight.ready, name});
  }

  bool UnderWay(const CollateralKey& key, Moment moment) const {
    const auto name = flight_of_.find({key});
    if (name == flight_of_.end()) return false;
    const Flight& flight = flights_.at(name->second);
    return flight.fetching || (!flight.unknown && (flight.attempts == 0 || flight.ready <= moment));
  }

  std::vector<Waiter> TakeSettledWaiters() {
    const Moment moment = in_.monotonic();
    std::vector<Waiter> done;
    for (std::size_t i = 0; i < waiters_.size();) {
      const bool waits = waiters_[i].until > moment && std::any_of(waiters_[i].keys.begin(), waiters_[i].keys.end(),
                                                                   [&](const CollateralKey& key) { return UnderWay(key, moment); });
      if (waits) {
        ++i;
        continue;
      }
      done.push_back(std::move(waiters_[i]));
      if (i + 1 != waiters_.size()) waiters_[i] = std::move(waiters_.back());
      waiters_.pop_back();
    }
    return done;
  }

  void Wake() {
    {
      const std::lock_guard lock(mutex_);
      ++wakes_;
    }
    woken_.notify_all();
  }

  void Loop(const std::function<Moment()>& work) {
    std::uint64_t seen = 0;
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (stop_) return;
        seen = wakes_;
      }
      const Moment next = work();
      std::unique_lock lock(mutex_);
      // Moment::max overflows inside of some standard libraries.
      woken_.wait_until(lock, std::min(next, in_.monotonic() + kTendEvery), [&] { return stop_ || wakes_ != seen; });
    }
  }

  const KeeperInputs in_;
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  std::atomic<bool> stop_ = false;
  // Everything below is guarded by mutex_, but for threads_.
  std::uint64_t wakes_ = 0, sequence_ = 0;
  std::map<ChanneledKey, Entry> held_;
  mutable Leaves leaves_;
  std::vector<trust::Floor> floors_;
  std::map<ChanneledKey, LastError> errors_;
  Flights flights_;
  std::map<ChanneledKey, Address> flight_of_;
  std::array<std::size_t, 3> guesses_{};  // under way, by Vendor
  std::vector<Line> lines_;               // by Upstream
  std::vector<Waiter> waiters_;
  std::vector<KeptItem> unwritten_;
  std::vector<std::thread> threads_;
};

Keeper::Keeper(KeeperInputs inputs) : state_(std::make_unique<State>(std::move(inputs))) {}
Keeper::~Keeper() { Stop(); }
absl::Status Keeper::Open(std::span<const trust::CollateralItem> supplied) { return state_->Open(supplied); }
Gathered Keeper::Find(std::span<const trust::CollateralKey> keys) { return state_->Find(keys); }
std::vector<trust::CollateralItem> Keeper::Peek(std::span<const trust::CollateralKey> keys) const { return state_->Peek(keys); }
void Keeper::KeepLeaves(std::span<const trust::CollateralItem> items) { state_->KeepLeaves(items); }
void Keeper::Await(std::span<const trust::CollateralKey> keys, Milliseconds patience, std::function<void()> then) {
  state_->Await(keys, patience, std::move(then));
}
std::vector<trust::Floor> Keeper::Floors() const { return state_->Floors(); }
KeeperStatus Keeper::Status() const { return state_->Status(); }
std::vector<Held> Keeper::Everything() const { return state_->Everything(); }
std::size_t Keeper::Refresh(std::span<const ChanneledKey> keys) { return state_->Refresh(keys); }
absl::StatusOr<Keeper::Imported> Keeper::Import(std::span<const KeptItem> items, std::span<const trust::Floor> floors, const Write& write) {
  return state_->Import(items, floors, write);
}
void Keeper::Start() { state_->Start(); }
void Keeper::Stop() { state_->Stop(); }
Moment Keeper::Step(Upstream upstream) { return state_->Step(upstream); }
Moment Keeper::Tend() { return state_->Tend(); }

}  // namespace assay::collateral

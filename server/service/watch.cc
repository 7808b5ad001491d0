#include "service/watch.h"

#include <deque>
#include <optional>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"

namespace assay::service {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint32_t kDefaultHeartbeat = 15, kLongestHeartbeat = 60;
constexpr int kEventsAtOnce = 100;
constexpr std::chrono::milliseconds kPoll{1000};  // what another process recorded wakes nobody here
constexpr std::uint32_t kRetryMs = 1000;

class Refused final : public Watchers::Reactor {
 public:
  explicit Refused(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

// Owned twice: by gRPC until OnDone, and by the list while it is served.
class Watchers::Watcher final : public Reactor {
 public:
  Watcher(Watchers& watchers, grpc::CallbackServerContext& context, std::int64_t after, std::string filter, std::chrono::seconds heartbeat,
          Credential credential, std::function<void()> completed)
      : watchers_(watchers),
        context_(context),
        filter_(std::move(filter)),
        heartbeat_(heartbeat),
        credential_(credential),
        completed_(std::move(completed)),
        after_(after) {}

  void KeepAlive(std::shared_ptr<Watcher> self) { self_ = std::move(self); }

  // --- by the serving thread ---
  std::int64_t after() const { return after_; }
  const std::string& filter() const { return filter_; }
  bool Idle() {
    const std::lock_guard lock(mutex_);
    return !writing_ && !finished_;
  }
  bool Finished() {
    const std::lock_guard lock(mutex_);
    return finished_;
  }
  const Credential& credential() const { return credential_; }
  bool HeartbeatDue(SteadyClock::time_point now) const { return now >= last_sent_ + heartbeat_; }

  void Send(std::deque<v1::WatchVerdictsResponse> responses, std::int64_t after, SteadyClock::time_point now) {
    after_ = after;
    last_sent_ = now;
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    queue_ = std::move(responses);
    WriteNext();
  }
  void End(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (!finished_) EndNow(status);
  }
  // The context, which the refusal writes into, is there as long as nobody has finished.
  void End(const Refusal& refusal) {
    const std::lock_guard lock(mutex_);
    if (!finished_) EndNow(StatusOf(refusal, context_));
  }

  // --- by gRPC ---
  void OnWriteDone(bool ok) override {
    if (ok) completed_();
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (finished_) return;
      if (!ok) return FinishNow(grpc::Status::CANCELLED);
      if (ending_) return FinishNow(*ending_);
      if (!queue_.empty()) return WriteNext();
    }
    watchers_.Changed();  // there may be more by now; not under the lock, as the list's comes first
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override { self_.reset(); }

 private:
  void WriteNext() {
    current_ = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    StartWrite(&current_);
  }
  void EndNow(const grpc::Status& status) {
    if (writing_) ending_ = status;
    else FinishNow(status);
  }
  void FinishNow(const grpc::Status& status) {
    finished_ = true;
    queue_.clear();
    Finish(status);
  }

  Watchers& watchers_;
  grpc::CallbackServerContext& context_;
  const std::string filter_;
  const std::chrono::seconds heartbeat_;
  const Credential credential_;
  const std::function<void()> completed_;
  std::int64_t after_;                   // serving thread only
  SteadyClock::time_point last_sent_{};  // serving thread only; the first answer, a heartbeat or not, goes out at once

  std::mutex mutex_;
  std::deque<v1::WatchVerdictsResponse> queue_;  // guarded by mutex_
  v1::WatchVerdictsResponse current_;
  bool writing_ = false, finished_ = false;
  std::optional<grpc::Status> ending_;
  std::shared_ptr<Watcher> self_;
};

Watchers::Watchers(store::VerdictStore& store, const Clock& clock, telemetry::Log& log)
    : store_(store), clock_(clock), log_(log), thread_([this] { Run(); }) {}

Watchers::~Watchers() {
  Drain();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  woken_.notify_all();
  thread_.join();
}

Watchers::Reactor* Watchers::Refuse(grpc::CallbackServerContext& context, const Refusal& refusal) {
  return new Refused(StatusOf(refusal, context));
}

Watchers::Reactor* Watchers::Watch(grpc::CallbackServerContext& context, const v1::WatchVerdictsRequest& request, Credential credential,
                                   std::function<void()> completed) {
  const auto refuse = [&](const Refusal& refusal) { return Refuse(context, refusal); };
  if (request.heartbeat_seconds() > kLongestHeartbeat) {
    return refuse({{.reason = Reason::kRequestFieldInvalid,
                    .component = "heartbeat_seconds",
                    .expected = Cat("at most ", kLongestHeartbeat),
                    .actual = std::to_string(request.heartbeat_seconds())}});
  }
  if (request.after() < 0) {
    return refuse({{.reason = Reason::kRequestFieldInvalid,
                    .component = "after",
                    .expected = "a sequence as events have it",
                    .actual = std::to_string(request.after())}});
  }
  // Whether it can be served at all is found out now, so that a bad filter is an answer and not a stream.
  std::int64_t after = request.after();
  if (after == 0) {
    const auto latest = store_.LatestEvent();
    if (!latest.ok()) return refuse(RefusalOf(latest.status(), "store"));
    after = *latest;
  }
  if (const auto probe = store_.EventsAfter(after, request.filter(), 1); !probe.ok()) {
    return refuse(RefusalOf(probe.status(), absl::IsOutOfRange(probe.status()) ? "after" : "filter"));
  }
  const std::chrono::seconds heartbeat(request.heartbeat_seconds() == 0 ? kDefaultHeartbeat : request.heartbeat_seconds());
  {
    const std::lock_guard lock(mutex_);
    if (draining_) {
      return refuse(
          {{.reason = Reason::kShuttingDown, .component = "verifier", .expected = "a verifier that runs", .actual = "one that stops"},
           kRetryMs});
    }
    if (watchers_.size() < kMost) {
      auto watcher = std::make_shared<Watcher>(*this, context, after, request.filter(), heartbeat, credential, std::move(completed));
      watcher->KeepAlive(watcher);
      watchers_.push_back(watcher);
      changed_ = true;
      woken_.notify_all();
      return watcher.get();
    }
  }
  return refuse(
      {{.reason = Reason::kOverloaded, .component = "watchers", .expected = Cat("at most ", kMost), .actual = Cat(kMost + 1)}, kRetryMs});
}

void Watchers::Changed() {
  {
    const std::lock_guard lock(mutex_);
    if (watchers_.empty()) return;  // whoever comes next is served because it came
    changed_ = true;
  }
  woken_.notify_all();
}

void Watchers::Drain() {
  std::list<std::shared_ptr<Watcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    watchers.swap(watchers_);
  }
  for (const auto& watcher : watchers) {
    watcher->End(
        Refusal{{.reason = Reason::kShuttingDown, .component = "verifier", .expected = "a verifier that runs", .actual = "one that stops"},
                kRetryMs});
  }
}

std::size_t Watchers::count() const {
  const std::lock_guard lock(mutex_);
  return watchers_.size();
}

bool Watchers::Serve(Watcher& watcher) {
  if (const Credential& credential = watcher.credential(); clock_.Now() >= credential.until) {
    watcher.End(Refusal{{.reason = Reason::kUnauthenticated,
                         .component = credential.what == "token" ? "authorization" : std::string(credential.what),
                         .expected = Cat("a ", credential.what, " that has not expired"),
                         .actual = "one that did while you watched",
                         .remedy = Cat("Watch again with a new ", credential.what, "; 'after' resumes behind the last event.")}});
    return false;
  }
  if (!watcher.Idle()) return false;
  const auto events = store_.EventsAfter(watcher.after(), watcher.filter(), kEventsAtOnce);
  if (!events.ok()) {
    log_.Error("events not read", {{"error", MessageOf(events.status())}});
    watcher.End(grpc::Status(absl::IsOutOfRange(events.status()) ? grpc::StatusCode::OUT_OF_RANGE : grpc::StatusCode::UNAVAILABLE,
                             Cat("the events behind ", watcher.after(), " can't be read. List the verdicts, then watch anew.")));
    return false;
  }
  const auto now = SteadyClock::now();
  const Time time = clock_.Now();
  std::deque<v1::WatchVerdictsResponse> responses;
  for (const v1::VerdictEvent& event : events->elements) {
    v1::WatchVerdictsResponse& response = responses.emplace_back();
    *response.mutable_event() = event;
    response.set_sequence(event.sequence());
    response.mutable_at()->set_seconds(time.time_since_epoch().count());
  }
  if (responses.empty()) {
    if (!watcher.HeartbeatDue(now)) return false;
    v1::WatchVerdictsResponse& heartbeat = responses.emplace_back();
    heartbeat.set_sequence(events->next);
    heartbeat.mutable_at()->set_seconds(time.time_since_epoch().count());
  }
  watcher.Send(std::move(responses), events->next, now);
  return static_cast<int>(events->elements.size()) == kEventsAtOnce;
}

void Watchers::Run() {
  while (true) {
    std::list<std::shared_ptr<Watcher>> watchers;
    {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, watchers_.empty() ? std::chrono::hours(1) : kPoll, [&] { return changed_ || ending_; });
      if (ending_) return;
      changed_ = false;
      watchers_.remove_if([](const auto& watcher) { return watcher->Finished(); });
      watchers = watchers_;
    }
    bool more = false;
    for (const auto& watcher : watchers) more |= Serve(*watcher);
    if (more) Changed();
  }
}

}  // namespace assay::service

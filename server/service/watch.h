// Watchers of what happens: each gets every event behind the place that it named, in order, once, and a heartbeat when
// nothing happens.
//
// Promises: what is sent was read from the store, so it is durable; a watcher that is slow keeps nobody waiting and takes
// bounded memory; Drain ends all of them with a status that says to connect again. Does not promise how soon an event that
// another process recorded is seen: within a second.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "assay/v1/verdict_service.pb.h"
#include "base/clock.h"
#include "service/rpc.h"
#include "store/verdict_store.h"
#include "telemetry/log.h"

namespace assay::service {

// What a caller is believed by, and from when on no longer.
struct Credential {
  std::string_view what;  // "token", "client certificate"; static storage
  Time until;
};

class Watchers {
 public:
  static constexpr std::size_t kMost = 64;
  using Reactor = grpc::ServerWriteReactor<v1::WatchVerdictsResponse>;

  Watchers(store::VerdictStore& store, const Clock& clock, telemetry::Log& log);
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  // A reactor that watches; it deletes itself. Refused requests, too many watchers, and a server that is draining get one
  // that ends at once with the reason. The watch ends with `credential`. `completed` is told of every answer that was sent.
  Reactor* Watch(grpc::CallbackServerContext& context, const v1::WatchVerdictsRequest& request, Credential credential,
                 std::function<void()> completed);
  // A reactor that ends at once.
  static Reactor* Refuse(grpc::CallbackServerContext& context, const Refusal& refusal);
  // Something was recorded.
  void Changed();
  // Ends all watchers; none is taken afterwards.
  void Drain();
  std::size_t count() const;

 private:
  class Watcher;
  void Run();
  bool Serve(Watcher& watcher);  // false: nothing to send now

  store::VerdictStore& store_;
  const Clock& clock_;
  telemetry::Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  std::list<std::shared_ptr<Watcher>> watchers_;              // guarded by mutex_
  bool changed_ = false, draining_ = false, ending_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace assay::service

// A keeper with its vendors, its shelf and its clocks, all of them in a test's hands.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "appraisal/appraiser.h"
#include "base/clock.h"
#include "base/random.h"
#include "collateral/document_kinds.h"
#include "collateral/keeper.h"
#include "collateral/memory_shelf.h"
#include "collateral/transport.h"
#include "registry/builtin_registry.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "tests/fakes/vendor_services.h"
#include "tests/softtee/gce_evidence.h"
#include "trust/anchors.h"

namespace assay::collateral {

inline const Time kStart = *ParseTime("2026-11-24T02:00:00Z");

// The formats of this build, under the anchors of the software TEE.
class BuiltinVerifier final : public DocumentVerifier {
 public:
  BuiltinVerifier() : anchors_(Anchors(), true) {}
  std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source) const override {
    return appraisal::RecogniseCollateral(BuiltinRegistry(), bytes, source);
  }
  std::vector<trust::AuthenticDocument> Authentic(std::span<const trust::CollateralItem> items) const override {
    return appraisal::AuthenticCollateral(BuiltinRegistry(), items, anchors_);
  }

 private:
  static std::vector<trust::Anchor> Anchors() {
    std::vector<trust::Anchor> anchors;
    const auto add = [&](const std::vector<softtee::Anchor>& some) {
      for (const softtee::Anchor& one : some) {
        crypto::Sha256Digest digest{};
        std::copy(one.spki_sha256.begin(), one.spki_sha256.end(), digest.begin());
        anchors.push_back({std::string(one.vendor), std::string(one.product), digest});
      }
    };
    add(softtee::SnpPki::Shared().Anchors());
    add(softtee::IntelPki::Shared().Anchors());
    add(softtee::GcePki::Shared().Anchors());
    return anchors;
  }
  const trust::AnchorSet anchors_;
};

// Reaches the services without a network.
class DirectTransport final : public Transport {
 public:
  std::function<absl::StatusOr<FetchAnswer>(Upstream upstream, const std::string& target)> answer;
  absl::StatusOr<FetchAnswer> Get(Upstream upstream, const FetchRequest& request, const std::atomic<bool>&) override {
    const std::size_t host = request.url.find("//") + 2;
    return answer(upstream, request.url.substr(request.url.find('/', host)));
  }
  static FetchAnswer AnswerOf(const fakes::Reply& reply) {
    FetchAnswer answer{.status = reply.status, .body = reply.body, .chain = "", .retry_after = {}};
    for (const auto& [name, value] : reply.headers) {
      if (name == "Retry-After") answer.retry_after = value;
      if (name.ends_with("-Issuer-Chain")) answer.chain = value;
    }
    return answer;
  }
};

// Differs from call to call, and not from run to run.
struct CountingRandom final : Random {
  void Fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(state = state * 1103515245U + 12345U, state >> 16U);
  }
  std::uint32_t state = 1;
};

class World {
 public:
  World() {
    for (const Upstream upstream : {Upstream::kAmdKds, Upstream::kIntelPcs, Upstream::kIntelCertificates}) {
      upstreams.Of(upstream) =
          UpstreamConfig{.base_url = std::string(PublicUrlOf(upstream)), .ca_pem = "", .per_minute = 6000, .burst = 100};
    }
    transport.answer = [this](Upstream upstream, const std::string& target) -> absl::StatusOr<FetchAnswer> {
      return DirectTransport::AnswerOf(upstream == Upstream::kAmdKds ? kds.Answer(target) : pcs.Answer(target));
    };
  }

  Keeper& keeper() {
    if (keeper_ == nullptr) Restart();
    return *keeper_;
  }
  // Another process on the same shelf.
  void Restart(std::span<const trust::CollateralItem> supplied = {}) {
    keeper_.reset();
    keeper_ = std::make_unique<Keeper>(KeeperInputs{.upstreams = upstreams,
                                                    .shelf = *shelf,
                                                    .verifier = verifier,
                                                    .transport = *transport_in_use,
                                                    .clock = clock,
                                                    .monotonic = [this] { return now; },
                                                    .random = random,
                                                    .log = log,
                                                    .metrics = metrics});
    opened = keeper_->Open(supplied);
  }
  void Stop() { keeper_.reset(); }

  // Does what is due, and lets time go by, for so long.
  void Run(Duration time) {
    Keeper& running = keeper();
    const Moment end = now + time;
    for (;;) {
      Moment next = Moment::max();
      for (const Upstream upstream : kAllUpstreams) {
        if (upstreams.Of(upstream)) next = std::min(next, running.Step(upstream));
      }
      if (next <= now) continue;
      next = std::min(next, running.Tend());
      if (next <= now) continue;
      if (next > end) break;
      Pass(next - now);
    }
    Pass(end - now);
  }
  void Pass(Moment::duration time) { now += time; }

  std::size_t Value(std::string_view series) {
    const std::string text = metrics.Expose();
    const std::size_t at = text.find(std::string(series) + " ");
    return at == std::string::npos ? 0 : std::stoul(text.substr(at + series.size() + 1));
  }

  struct WallClock final : Clock {
    explicit WallClock(const World& of) : world(of) {}
    // The two clocks go alike but for the jumps that a test makes.
    Time Now() const override {
      return kStart + world.jump + std::chrono::duration_cast<Duration>(world.now - Moment(std::chrono::hours(1)));
    }
    const World& world;
  };

  Moment now = Moment(std::chrono::hours(1));
  Duration jump{0};
  WallClock clock{*this};
  fakes::Kds kds{softtee::SnpPki::Shared(), [this] { return clock.Now(); }};
  fakes::Pcs pcs{softtee::IntelPki::Shared(), [this] { return clock.Now(); }};
  UpstreamConfigs upstreams;
  MemoryShelf memory;
  Shelf* shelf = &memory;
  BuiltinVerifier verifier;
  DirectTransport transport;
  Transport* transport_in_use = &transport;
  CountingRandom random;
  std::ostringstream log_text;
  telemetry::Log log{log_text, clock};
  telemetry::Metrics metrics{"test", Known()};
  absl::Status opened;

 private:
  static telemetry::KnownNames Known() {
    telemetry::KnownNames known;
    for (const Upstream upstream : kAllUpstreams) known.upstreams.emplace_back(NameOf(upstream));
    for (const DocumentKind& kind : AllDocumentKinds()) known.collateral_kinds.emplace_back(kind.name);
    return known;
  }
  std::unique_ptr<Keeper> keeper_;
};

// What evidence of the software TEE's n-th machine needs.
trust::CollateralKey VcekKey(unsigned chip, std::string_view line = "Milan");
std::vector<trust::CollateralKey> SnpKeys(unsigned chip);
std::vector<trust::CollateralKey> TdxKeys();

}  // namespace assay::collateral

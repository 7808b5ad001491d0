#include "service/reappraiser.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "store/fleet_forecast.h"

namespace assay::service {
namespace {

constexpr std::chrono::seconds kLook{2};
constexpr int kStepsPerForecast = 1800;       // an hour, where nothing changes
constexpr int kMostStepsToNextAttempt = 128;  // some four minutes
constexpr int kPage = 200;
constexpr std::size_t kFactCapacity = 4096, kLongestCause = 300;

std::vector<trust::CollateralItem> ItemsIn(const std::vector<collateral::Held>& held, trust::Channel channel) {
  std::vector<trust::CollateralItem> items;
  for (const collateral::Held& document : held) {
    // Certificates have no channel: they vouch for documents of both.
    if (document.key.channel == channel || (channel == trust::Channel::kEarly && document.item.certificate)) items.push_back(document.item);
  }
  return items;
}

}  // namespace

Reappraiser::Reappraiser(ReappraiserInputs inputs) : inputs_(std::move(inputs)), caches_(kFactCapacity) {}
Reappraiser::~Reappraiser() { Stop(); }

void Reappraiser::Start() {
  Changed("start of the verifier");
  thread_ = std::thread([this] { Loop(); });
}

void Reappraiser::Stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reappraiser::Changed(std::string cause) {
  {
    const std::lock_guard lock(mutex_);
    causes_.push_back(std::move(cause));
  }
  woken_.notify_all();
}

void Reappraiser::Loop() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, kLook, [this] { return ending_ || !causes_.empty(); });
      if (ending_) return;
    }
    Step();
  }
}

void Reappraiser::Step() {
  Look();
  std::string cause;
  bool again = false;  // for nothing but what could not be finished
  {
    const std::lock_guard lock(mutex_);
    again = causes_.empty();
    if (!unfinished_.empty() && (!again || ++waited_ >= wait_)) causes_.push_back(std::exchange(unfinished_, {}));
    std::sort(causes_.begin(), causes_.end());
    causes_.erase(std::unique(causes_.begin(), causes_.end()), causes_.end());
    cause = Join(causes_, ", ");
    causes_.clear();
  }
  if (cause.size() > kLongestCause) cause = Cat(cause.substr(0, kLongestCause), " …");
  // A verdict that a full disk kept from falling must not stand for that: it is tried again. But a record that is damaged for good must
  // not have the whole fleet appraised every two seconds.
  if (!cause.empty() && Run(cause).failed > 0) {
    unfinished_ = cause;
    wait_ = again ? std::min(2 * wait_, kMostStepsToNextAttempt) : 1;
    waited_ = 0;
  }
  if (!cause.empty() || steps_++ % kStepsPerForecast == 0) Forecast();
}

void Reappraiser::Look() {
  std::map<collateral::ChanneledKey, crypto::Sha256Digest> now;
  for (const collateral::Held& document : inputs_.held()) now.emplace(document.key, document.item.sha256);
  for (const auto& [key, sha256] : now) {
    const auto before = seen_.find(key);
    // What is early changes no verdict.
    if ((before == seen_.end() || before->second != sha256) && key.channel == trust::Channel::kStandard) Changed(key.key.ToString());
  }
  seen_ = std::move(now);
}

ReappraisalReport Reappraiser::Run(const std::string& cause) {
  const Time now = inputs_.clock.Now();
  ReappraisalReport report;
  const std::vector<trust::CollateralItem> current = ItemsIn(inputs_.held(), trust::Channel::kStandard);
  const std::vector<trust::Floor> floors = inputs_.floors();
  const auto denials = inputs_.store.Denials();
  if (!denials.ok()) {
    inputs_.log.Error("verdicts not appraised once more", {{"error", MessageOf(denials.status())}});
    report.failed = 1;
    return report;
  }
  // What is recorded while this runs was appraised by what is known now, or by so little less that the next page has it.
  store::PageRequest request{.filter = Cat("attempt = false AND revoked = false AND valid_until >= ", FormatTime(now)), .size = kPage};
  do {
    const auto page = inputs_.store.ListVerdicts(request);
    if (!page.ok()) {
      inputs_.log.Error("verdicts not appraised once more", {{"error", MessageOf(page.status())}});
      ++report.failed;
      break;
    }
    for (const v1::VerdictSummary& summary : page->elements) {
      {
        const std::lock_guard lock(mutex_);
        if (ending_) return report;
      }
      if (!Appraise(summary, cause, current, floors, *denials, now, report)) ++report.failed;
    }
    request.after = page->next;
  } while (request.after != 0);
  if (report.flipped > 0) inputs_.flipped();
  if (report.flipped > 0 || report.failed > 0) {
    inputs_.log.Warning("verdicts appraised once more", {{"cause", cause},
                                                         {"appraised", report.appraised},
                                                         {"flipped", report.flipped},
                                                         {"undecided", report.undecided},
                                                         {"failed", report.failed}});
  } else {
    inputs_.log.Info("verdicts appraised once more", {{"cause", cause}, {"appraised", report.appraised}, {"undecided", report.undecided}});
  }
  return report;
}

bool Reappraiser::Appraise(const v1::VerdictSummary& summary, const std::string& cause, const std::vector<trust::CollateralItem>& current,
                           const std::vector<trust::Floor>& floors, const std::vector<appraisal::Denial>& denials, Time now,
                           ReappraisalReport& report) {
  auto record = inputs_.store.Get(summary.id());
  if (absl::IsNotFound(record.status())) return true;  // purged between the two
  if (!record.ok()) return false;
  appraisal::StateSnapshot state{.not_before = inputs_.not_before, .floors = floors, .denials = denials};
  if (record->has_state()) {
    auto known = inputs_.store.InstanceStateOf({.identity = ToBytes(AsBytes(record->state().identity())),
                                                .node_key_sha256 = AsBytes(record->node_key_sha256()),
                                                .cluster = record->context().cluster(),
                                                .name = record->context().name()},
                                               now);
    if (!known.ok()) return false;
    // Which name it holds is a matter between its own verdicts, not of what is known of it.
    known->held_as = record->state().held_as();
    state.instance = *std::move(known);
    // How the activation ended is what it was; who is enrolled is what it is now.
    state.tpm = appraisal::TpmStateOf(*record);
    auto enrolments = inputs_.store.EnrolmentsOf(state.tpm);
    if (!enrolments.ok()) return false;
    state.tpm.enrolments = *std::move(enrolments);
  }
  const auto known_of_it = store::ExportOf(inputs_.store, *std::move(record));
  if (!known_of_it.ok()) return false;
  const v1::ReplayVerdictResponse replay = appraisal::Replay(*known_of_it, {.registry = inputs_.registry,
                                                                            .anchors = inputs_.anchors,
                                                                            .at = now,
                                                                            .more_collateral = current,
                                                                            .state = &state,
                                                                            .loaded = &inputs_.policies,
                                                                            .caches = &caches_});
  ++report.appraised;
  if (replay.replayed().verdict() == v1::VERDICT_INDETERMINATE) ++report.undecided;
  v1::VerdictFlip flip;
  flip.mutable_at()->set_seconds(now.time_since_epoch().count());
  flip.set_became(replay.replayed().verdict());
  flip.set_cause(cause);
  if (const v1::Finding* deciding = appraisal::DecidingFinding(replay.replayed())) *flip.mutable_finding() = *deciding;
  const auto recorded = inputs_.store.RecordFlip(summary.id(), flip);
  if (!recorded.ok()) return false;
  if (!*recorded) return true;
  ++report.flipped;
  inputs_.metrics.CountFlip(v1::Verdict_Name(flip.became()));
  inputs_.log.Warning("verdict flipped", {{"verdict_id", summary.id()},
                                          {"was", v1::Verdict_Name(summary.verdict())},
                                          {"verdict", v1::Verdict_Name(flip.became())},
                                          {"node", summary.context().name()},
                                          {"platform", summary.platform()},
                                          {"reason", flip.finding().reason()},
                                          {"cause", cause}});
  return true;
}

void Reappraiser::Forecast() {
  const std::vector<collateral::Held> held = inputs_.held();
  const std::vector<trust::CollateralItem> current = ItemsIn(held, trust::Channel::kStandard);
  std::vector<trust::CollateralItem> next;
  for (const collateral::Held& document : held) {
    if (document.key.channel == trust::Channel::kEarly) next.push_back(document.item);
  }
  std::int64_t stays = 0, falls = 0, undecided = 0;
  store::PageRequest request{.size = kPage};
  if (!next.empty()) {
    do {
      const auto page = store::ForecastNodes(inputs_.store, request,
                                             {.registry = inputs_.registry,
                                              .anchors = inputs_.anchors,
                                              .at = inputs_.clock.Now(),
                                              .current = current,
                                              .next = next,
                                              .loaded = &inputs_.policies,
                                              .caches = &caches_});
      if (!page.ok()) {
        inputs_.log.Error("the fleet was not forecast", {{"error", MessageOf(page.status())}});
        return;
      }
      std::int64_t falling = 0, unknown = 0;
      for (const v1::NodeForecast& node : page->nodes) {
        if (appraisal::Falls(node)) ++falling;
        else ++unknown;
      }
      stays += page->appraised - falling - unknown;
      falls += falling;
      undecided += unknown;
      request.after = page->next;
    } while (request.after != 0);
  }
  inputs_.metrics.SetForecast(telemetry::ForecastState::kStays, static_cast<std::size_t>(stays));
  inputs_.metrics.SetForecast(telemetry::ForecastState::kFalls, static_cast<std::size_t>(falls));
  inputs_.metrics.SetForecast(telemetry::ForecastState::kUndecided, static_cast<std::size_t>(undecided));
}

}  // namespace assay::service

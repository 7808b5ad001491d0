// Recorded verdicts, appraised once more when what they stand on has changed: a document, a revocation list, a ban.
//
// Promises: every verdict that still holds is appraised by what is known now, over its recorded inputs, by its own policies; a verdict that
// became another one is recorded with its event, once, and revoked if it became REJECTED; what could not be decided takes nothing
// back. A change that comes during a pass makes another pass. Does not promise how soon: nodes that attest go first.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "appraisal/replay.h"
#include "collateral/keeper.h"
#include "store/verdict_store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "trust/fact_caches.h"

namespace assay::service {

// All of it outlives the reappraiser.
struct ReappraiserInputs {
  store::VerdictStore& store;
  const appraisal::Registry& registry;
  const appraisal::PolicyBook& policies;
  const trust::AnchorSet& anchors;
  std::function<std::vector<collateral::Held>()> held;  // in every channel
  std::function<std::vector<trust::Floor>()> floors;
  Time not_before;
  std::function<void()> flipped = [] {};  // told when something was recorded
  const Clock& clock;
  telemetry::Log& log;
  telemetry::Metrics& metrics;
};

struct ReappraisalReport {
  std::int64_t appraised = 0, flipped = 0, undecided = 0, failed = 0;
};

class Reappraiser {
 public:
  explicit Reappraiser(ReappraiserInputs inputs);
  ~Reappraiser();
  Reappraiser(const Reappraiser&) = delete;
  Reappraiser& operator=(const Reappraiser&) = delete;

  // One pass comes first: a ban or a document may have been recorded, and its pass not made, by a process that ended.
  void Start();
  void Stop();
  // Something has changed; a pass follows soon, on the reappraiser's thread. `cause` is shown with what flips.
  void Changed(std::string cause);
  // What the thread does every two seconds, or sooner if something has changed: looks whether the documents held are others than at the
  // last step, and makes a pass if they are, if Changed() was called, or if the last one could not be finished: that is tried again with the next step, and
  // then after twice as many each time, up to some minutes, until there is another cause.
  void Step();
  // One pass, on the caller's thread.
  ReappraisalReport Run(const std::string& cause);
  // Counts, for the metric, who will fall by the documents of the early channel.
  void Forecast();

 private:
  void Loop();
  void Look();
  // False: the store failed.
  bool Appraise(const v1::VerdictSummary& summary, const std::string& cause, const std::vector<trust::CollateralItem>& current,
                const std::vector<trust::Floor>& floors, const std::vector<appraisal::Denial>& denials, Time now,
                ReappraisalReport& report);

  const ReappraiserInputs inputs_;
  trust::FactCaches caches_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::vector<std::string> causes_;  // guarded by mutex_
  bool ending_ = false;              // guarded by mutex_
  // By whoever steps.
  std::map<collateral::ChanneledKey, crypto::Sha256Digest> seen_;
  std::string unfinished_;     // what a pass that could not do all of it was for
  int wait_ = 1, waited_ = 0;  // steps from there to the next attempt, and those that have passed
  int steps_ = 0;
  std::thread thread_;
};

}  // namespace assay::service

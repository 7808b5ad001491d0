// Evidence and endorsements from files, for the offline commands, and everything else that an appraisal of them takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "appraisal/appraiser.h"
#include "base/clock.h"
#include "client/cli/invocation.h"
#include "client/cli/option_values.h"
#include "client/cli/recognise.h"
#include "trust/anchors.h"
#include "trust/challenge.h"

namespace assay::cli {

struct EvidenceOptions {
  std::vector<std::string> files;       // evidence and endorsements in any mix
  std::vector<std::string> collateral;  // directories
  std::string platform = {};            // "": inferred if exactly one fits
  std::string at = {};                  // "": now
  FreshnessOptions freshness = {};
  std::vector<std::string> gce_endorsement_roots = {};
  std::string insecure_test_anchors = {};       // "": the built-in pins
  std::vector<std::string> enrolled_keys = {};  // files: attestation keys of TPMs that count as enrolled, here and now
  bool verbose = false;                         // files that were skipped are named
};

struct EvidenceInHand {
  Pile pile;
  std::string platform;
  std::string platform_origin;  // for people; "": it was named
  trust::Challenge challenge;
  trust::AnchorSet anchors;
  Time at;
  appraisal::StateSnapshot state;  // nothing but the enrolled keys
};

// Anything but kOk: what is wrong has been said, and `taken` is nullopt.
ExitCode TakeEvidence(const EvidenceOptions& options, const Invocation& invocation, std::optional<EvidenceInHand>& taken);

v1::Appraisal AppraiseOffline(const EvidenceInHand& taken, const appraisal::PolicyChoice& policies, const appraisal::Registry& registry);

}  // namespace assay::cli

// Replay: a recorded appraisal repeated from what was recorded, or the same evidence by other policies or at another time.
//
// Promises: a pure function; with nothing changed it gives the Appraisal of the record, byte for byte in its canonical form, or
// names every member that differs (another engine version, other anchors). An input that is missing is named, and the result
// is INDETERMINATE. Does not promise to believe the record: it compares, the caller decides.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "appraisal/appraiser.h"
#include "assay/v1/verdict_record.pb.h"
#include "assay/v1/verdict_service.pb.h"

namespace assay::appraisal {

struct ReplayTerms {
  const Registry& registry;
  const trust::AnchorSet& anchors;
  const PolicyBook* policies = nullptr;  // nullptr: those of the record
  std::optional<Time> at = {};           // nullopt: that of the record
  // What is known since: documents beside those of the record, and what is remembered now. nullptr: as the record has it.
  std::span<const trust::CollateralItem> more_collateral = {};
  const StateSnapshot* state = nullptr;
  // These, where the record's sources are theirs: cost only.
  const PolicyBook* loaded = nullptr;
  trust::FactCaches* caches = nullptr;
};

v1::ReplayVerdictResponse Replay(const v1::VerdictExport& verdict, const ReplayTerms& terms);

// SHA-256 of every input that a replay needs, each once: evidence, collateral, policies.
std::vector<crypto::Sha256Digest> InputsOf(const v1::VerdictRecord& record);

}  // namespace assay::appraisal

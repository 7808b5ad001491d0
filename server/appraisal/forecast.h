// Forecast: recorded evidence appraised against what comes next, before it comes.
//
// Promises: pure; nothing but the record, its inputs and the arguments. Documents of the early channel are used here and nowhere
// else: they raise no floor and change no verdict. What was wrong before counts as nothing new: a node falls by what it would be
// refused for then and is not refused for now. A record whose inputs are gone says so and falls by nothing. Does not promise
// that the vendor keeps to what it announced.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "appraisal/replay.h"
#include "assay/v1/collateral_service.pb.h"

namespace assay::appraisal {

struct ForecastTerms {
  const Registry& registry;
  const trust::AnchorSet& anchors;
  Time at;                                              // of both appraisals
  std::span<const trust::CollateralItem> current = {};  // what is in force, beside what the record has
  std::span<const trust::CollateralItem> next = {};     // of the early channel
  std::span<const v1::NextFloor> floors = {};
  const PolicyBook* next_policies = nullptr;  // nullptr: those of the record
  const PolicyBook* loaded = nullptr;         // as in ReplayTerms
  trust::FactCaches* caches = nullptr;
};

v1::NodeForecast Forecast(const v1::VerdictExport& verdict, const ForecastTerms& terms);

// Will fall: was trusted, and will not be. Undecided nodes do not.
bool Falls(const v1::NodeForecast& forecast);

// "19:01:*/snp=0x1b", with "@2027-03-01" (from when), "#AMD-SB-3023" (why) and "snp.current_tcb:" before it (compared with what) where
// they are known. InvalidArgument says what is wrong with it.
absl::StatusOr<v1::NextFloor> ParseNextFloor(std::string_view text);
// Of a floor that came otherwise.
absl::Status CheckNextFloor(const v1::NextFloor& floor);

}  // namespace assay::appraisal

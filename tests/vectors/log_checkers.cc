// Checker of the kind ccel-event-log. A case's quote is only read for its RTMRs, so a minted quote that really authenticates signs them in
// its place, and from there on the log takes the road that production takes.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/check_log.h"
#include "base/hex.h"
#include "evidence/dcap/quote.h"
#include "evidence/tcg_log/ccel_table.h"
#include "evidence/tcg_log/event_log.h"
#include "evidence/tcg_log/format.h"
#include "tests/unit/tcg_log/bound_log.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/conclusion.h"
#include "tests/vectors/json_text.h"
#include "trust/bundle.h"
#include "trust/description.h"

namespace assay::vectors {
namespace {

constexpr std::array<std::string_view, 4> kRtmrNames = {"RTMR0", "RTMR1", "RTMR2", "RTMR3"};

// RTMR0 to RTMR3 as the children of one of the description's children say.
std::optional<tcg_log::test::RtmrValues> RtmrsIn(const trust::Description& description) {
  for (const trust::Description& part : description.children()) {
    tcg_log::test::RtmrValues values;
    std::size_t found = 0;
    for (const trust::Description& field : part.children()) {
      const auto name = std::find(kRtmrNames.begin(), kRtmrNames.end(), field.name());
      const std::optional<Bytes> value = name == kRtmrNames.end() ? std::nullopt : FromHex(field.value());
      if (!value) continue;
      values[static_cast<std::size_t>(name - kRtmrNames.begin())] = *value;
      ++found;
    }
    if (found == values.size()) return values;
  }
  return std::nullopt;
}

Observation RunCcelEventLog(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* event_log = inputs.One("event_log");
  if (event_log == nullptr) {
    observation.fault = "event_log is required";
    return observation;
  }
  CheckLog log, unused;
  bool sound = true;
  if (const Bytes* table = inputs.One("ccel_table")) sound = tcg_log::ReadCcelTable(*table, log).has_value();
  const auto parsed = tcg_log::EventLogParser::Parse(trust::UntrustedBytes(*event_log), tcg_log::Registers::kRtmrs, unused);
  const auto replayed = parsed ? RtmrsIn(parsed->Describe()) : std::nullopt;
  auto rtmrs = replayed;
  if (const Bytes* quote = inputs.One("quote")) {
    const auto read = dcap::QuoteParser::Parse(trust::UntrustedBytes(*quote), nullptr, unused);
    rtmrs = read ? RtmrsIn(read->quote.Describe()) : std::nullopt;
    if (!rtmrs) {
      observation.fault = "the quote can't be read for its RTMRs";
      return observation;
    }
  }
  const auto bundle = tcg_log::test::Bind(*event_log, rtmrs.value_or(tcg_log::test::RtmrValues()), log);
  Conclude(log, {}, conformance_case.at, observation);
  observation.authentic = bundle.has_value() && sound && observation.against.empty();
  if (!bundle || !replayed) return observation;
  for (std::size_t i = 0; i < replayed->size(); ++i) observation.claims["rtmr" + std::to_string(i)] = JsonHex((*replayed)[i]);
  NoteClaims(*bundle, tcg_log::kFormat, observation);
  return observation;
}

}  // namespace

std::span<const Checker> LogCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({{"ccel-event-log", &RunCcelEventLog}});
  return kCheckers;
}

}  // namespace assay::vectors

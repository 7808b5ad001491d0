#include "evidence/tcg_log/authenticate.h"

#include <algorithm>
#include <string>

#include "base/hex.h"
#include "base/strings.h"

namespace assay::tcg_log {
namespace {

constexpr std::uint32_t kFirstRtmr = 1;  // index of RTMR0
constexpr std::size_t kRtmrSize = 48;

}  // namespace

bool EventLogAuthenticator::CheckCovered(const EventLog& events, CheckLog& log) {
  const auto uncovered = std::find_if(events.events().begin(), events.events().end(), [&](const Event& event) {
    return event.Extends() && (events.registers() != Registers::kRtmrs || event.register_index < kFirstRtmr);
  });
  return log.Require(Check::kLogCovered, uncovered == events.events().end(), [&] {
    return Finding{.reason = Reason::kEventUncovered, .component = std::string(kLogComponent), .claim = "register",
                   .expected = "events of RTMR0 to RTMR3 only",
                   .actual = Cat("event ", uncovered - events.events().begin(), ", ", Show(uncovered->type), ", of ",
                                 NameOf(events.registers(), uncovered->register_index))};
  });
}

Bytes EventLogAuthenticator::ReplayRtmrs(const EventLog& events) {
  Bytes values;
  for (std::uint32_t i = 0; i < kRtmrs; ++i) Append(values, events.Replay(kSha384, kFirstRtmr + i));
  return values;
}

std::optional<std::array<Bytes, kRtmrs>> EventLogAuthenticator::Predict(const trust::Parsed<EventLog>& parsed, CheckLog& log) {
  const EventLog& events = parsed.Unverified(trust::UnverifiedAccess<EventLog>());
  if (!CheckCovered(events, log)) return std::nullopt;
  std::array<Bytes, kRtmrs> values;
  for (std::uint32_t i = 0; i < kRtmrs; ++i) values[i] = events.Replay(kSha384, kFirstRtmr + i);
  return values;
}

// Which registers differ; values of the first of them.
Finding EventLogAuthenticator::MismatchOf(ByteView replayed, const Rtmrs& signed_rtmrs) {
  std::string names, expected, actual;
  for (std::size_t i = 0; i < kRtmrs; ++i) {
    const ByteView value = replayed.subspan(i * kRtmrSize, kRtmrSize);
    if (Equal(value, signed_rtmrs[i])) continue;
    if (names.empty()) {
      expected = Cat("RTMR", i, " ", ToHex(signed_rtmrs[i]), ", as signed");
      actual = Cat("RTMR", i, " ", ToHex(value), ", as replayed");
    }
    names += Cat(names.empty() ? "RTMR" : ", RTMR", i);
  }
  return {.reason = Reason::kEventLogMismatch, .component = std::string(kLogComponent), .claim = names, .expected = expected, .actual = actual};
}

}  // namespace assay::tcg_log

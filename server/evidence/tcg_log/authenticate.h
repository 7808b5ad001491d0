// From a parsed log to an authenticated one: a log is believed exactly as far as it replays to what something else signs.
//
// The format knows no quotes: the platform hands over the registers as an authenticated part contains them.
#pragma once

#include <array>
#include <optional>
#include <utility>

#include "base/check_log.h"
#include "evidence/tcg_log/event_log.h"
#include "trust/authenticated.h"

namespace assay::tcg_log {

using Rtmrs = std::array<ByteView, kRtmrs>;

class EventLogAuthenticator {
 public:
  // `signed_rtmrs`: RTMR0 to RTMR3 of `by`, each compared in full. nullopt: the log says why. A log with an event in MRTD is refused:
  // nothing replays to it, so nothing would cover the event.
  template <typename U>
  static std::optional<trust::Authenticated<EventLog>> ByRtmrs(trust::Parsed<EventLog> parsed, const trust::Authenticated<U>& by,
                                                               const Rtmrs& signed_rtmrs, CheckLog& log) {
    const EventLog& events = parsed.Unverified(trust::UnverifiedAccess<EventLog>());
    if (!CheckCovered(events, log)) return std::nullopt;
    const Bytes replayed = ReplayRtmrs(events);
    Bytes expected;
    for (const ByteView rtmr : signed_rtmrs) Append(expected, rtmr);
    const Finding mismatch = MismatchOf(replayed, signed_rtmrs);
    return trust::Authenticated<EventLog>::ByCommitment(std::move(parsed), by, expected, replayed, Check::kLogReplay, mismatch, log);
  }

  // What RTMR0 to RTMR3 of a machine hold whose boot makes exactly these events: a reference value for later, a fact about nothing.
  // nullopt: the log says why.
  static std::optional<std::array<Bytes, kRtmrs>> Predict(const trust::Parsed<EventLog>& parsed, CheckLog& log);

 private:
  static bool CheckCovered(const EventLog& events, CheckLog& log);
  static Bytes ReplayRtmrs(const EventLog& events);  // one behind the other
  static Finding MismatchOf(ByteView replayed, const Rtmrs& signed_rtmrs);
};

}  // namespace assay::tcg_log

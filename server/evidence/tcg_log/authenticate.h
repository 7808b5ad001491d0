// From a parsed log to an authenticated one: a log is believed exactly as far as it replays to what something else signs.
//
// The format knows no quotes: the platform hands over the registers as an authenticated part contains them.
//
//   RTMRs   all four must equal the replay
//   PCRs    every PCR that the log has events of must equal the replay, in every signed bank that the log has digests of; every event that
//           was measured must be of a PCR that is signed. A PCR without events must hold what it starts with, or is told to be unlogged:
//           nothing is claimed of it. PCR 11 may be ahead of the log by what systemd extends it with while it boots, a closed set of words.
//           That the only such bank is SHA-1 does not make a log less authentic; appraisal never accepts one (judge.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "evidence/tcg_log/event_log.h"
#include "trust/authenticated.h"

namespace assay::tcg_log {

using Rtmrs = std::array<ByteView, kRtmrs>;

// PCRs of one bank, as an authenticated part contains them.
struct Pcr {
  std::uint32_t index;
  ByteView value;
};
struct PcrBank {
  std::uint16_t algorithm;  // TCG_ALG_ID
  std::vector<Pcr> pcrs;    // those selected
};

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

  // `signed_banks`: the PCRs of `by`, of all banks that it has. nullopt: the log says why.
  template <typename U>
  static std::optional<trust::Authenticated<EventLog>> ByPcrs(trust::Parsed<EventLog> parsed, const trust::Authenticated<U>& by,
                                                              std::span<const PcrBank> signed_banks, CheckLog& log) {
    std::optional<Comparison> comparison = ReplayPcrs(parsed.Unverified(trust::UnverifiedAccess<EventLog>()), signed_banks, log);
    if (!comparison) return std::nullopt;
    parsed.Annotate(trust::UnverifiedAccess<EventLog>()).pcr_replay_ = std::move(comparison->replay);
    return trust::Authenticated<EventLog>::ByCommitment(std::move(parsed), by, comparison->committed, comparison->replayed,
                                                        Check::kLogPcrReplay, comparison->mismatch, log);
  }

  // What RTMR0 to RTMR3 of a machine hold whose boot makes exactly these events: a reference value for later, a fact about nothing.
  // nullopt: the log says why.
  static std::optional<std::array<Bytes, kRtmrs>> Predict(const trust::Parsed<EventLog>& parsed, CheckLog& log);

 private:
  struct Comparison {
    PcrReplay replay;
    Bytes committed, replayed;  // values of the PCRs that the log has events of, and of those that hold what they start with
    Finding mismatch;
  };
  // nullopt: nothing to compare with, or an event that no comparison would cover.
  static std::optional<Comparison> ReplayPcrs(const EventLog& events, std::span<const PcrBank> signed_banks, CheckLog& log);
  static bool CheckLocality(const EventLog& events, CheckLog& log);

  static bool CheckCovered(const EventLog& events, CheckLog& log);
  static Bytes ReplayRtmrs(const EventLog& events);  // one behind the other
  static Finding MismatchOf(ByteView replayed, const Rtmrs& signed_rtmrs);
};

}  // namespace assay::tcg_log

// Binding: the event log of a TDX guest hangs on the quote whose RTMRs it replays to.
#pragma once

#include <optional>
#include <span>
#include <utility>

#include "base/check_log.h"
#include "evidence/dcap/layout.h"
#include "evidence/dcap/quote.h"
#include "evidence/format.h"
#include "evidence/tcg_log/authenticate.h"
#include "evidence/tcg_log/format.h"
#include "trust/bundle.h"

namespace assay::platform {

// Hangs the CCEL among the items, if there is one, on the bundle of that quote. False, and logged: it is malformed, or not of this boot.
inline bool AttachCcel(std::span<const evidence::Item> items, const trust::Authenticated<dcap::Quote>& quote, trust::Bundle& bundle,
                       CheckLog& log) {
  bool sound = true;
  std::optional<trust::Parsed<tcg_log::EventLog>> parsed = tcg_log::ParseCcel(items, sound, log);
  if (!parsed) return sound;
  const auto rtmr = [&](const Field& field) { return quote->Slice(field); };
  const tcg_log::Rtmrs rtmrs = {rtmr(FieldNamed(dcap::kTdReport15Ex, "RTMR0")), rtmr(FieldNamed(dcap::kTdReport15Ex, "RTMR1")),
                                rtmr(FieldNamed(dcap::kTdReport15Ex, "RTMR2")), rtmr(FieldNamed(dcap::kTdReport15Ex, "RTMR3"))};
  const auto events = tcg_log::EventLogAuthenticator::ByRtmrs(*std::move(parsed), quote, rtmrs, log);
  return events && bundle.Attach(*events, log);
}

}  // namespace assay::platform

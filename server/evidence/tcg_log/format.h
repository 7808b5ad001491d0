// The format `tcg_log`: event logs of TDX guests and of TPMs. See README.md in this folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/tcg_log/event_log.h"
#include "trust/parsed.h"

namespace assay::tcg_log {

inline constexpr std::string_view kCcelMediaType = "application/vnd.assay.ccel";
inline constexpr std::string_view kTcgEventLogMediaType = "application/vnd.assay.tcg-event-log";

extern const evidence::Format kFormat;

// For platforms: the CCEL, or the log of a TPM, among the items. `sound` becomes false if there is one that is malformed; the log says why.
std::optional<trust::Parsed<EventLog>> ParseCcel(std::span<const evidence::Item> items, bool& sound, CheckLog& log);
std::optional<trust::Parsed<EventLog>> ParseTcgEventLog(std::span<const evidence::Item> items, bool& sound, CheckLog& log);

}  // namespace assay::tcg_log

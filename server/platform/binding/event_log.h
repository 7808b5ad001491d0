// Binding: the event log of a TPM hangs on the PCR values that it replays to, as these hang on a quote.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/tcg_log/authenticate.h"
#include "evidence/tcg_log/format.h"
#include "evidence/tpm/pcr_values.h"
#include "trust/bundle.h"

namespace assay::platform {

inline std::vector<tcg_log::PcrBank> BanksOf(const tpm::PcrValues& values) {
  std::vector<tcg_log::PcrBank> banks;
  for (const tpm::PcrValue& one : values.values()) {
    auto bank = std::find_if(banks.begin(), banks.end(), [&](const tcg_log::PcrBank& known) { return known.algorithm == one.bank; });
    if (bank == banks.end()) bank = banks.insert(bank, {one.bank, {}});
    bank->pcrs.push_back({one.index, one.value});
  }
  return banks;
}

// Hangs the log among the items, if there is one, on the bundle of these values; that there is none is told. False, and logged: it is
// malformed, or not of this boot.
inline bool AttachEventLog(std::span<const evidence::Item> items, const trust::Authenticated<tpm::PcrValues>& pcrs, trust::Bundle& bundle,
                           CheckLog& log) {
  bool sound = true;
  std::optional<trust::Parsed<tcg_log::EventLog>> parsed = tcg_log::ParseTcgEventLog(items, sound, log);
  if (!parsed) {
    if (sound) {
      log.Skip(Check::kLogPcrReplay, {.reason = Reason::kLogAbsent,
                                      .effect = Effect::kNote,
                                      .component = std::string(tcg_log::kLogComponent),
                                      .expected = std::string(tcg_log::kTcgEventLogMediaType),
                                      .actual = "none"});
    }
    return sound;
  }
  const std::vector<tcg_log::PcrBank> banks = BanksOf(pcrs.value());
  const auto events = tcg_log::EventLogAuthenticator::ByPcrs(*std::move(parsed), pcrs, banks, log);
  return events && bundle.Attach(*events, log);
}

}  // namespace assay::platform

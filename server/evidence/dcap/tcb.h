// Intel's TCB documents about one platform: which of those at hand are authentic and meant for it, and what they say.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/check_log.h"
#include "crypto/certificate.h"
#include "evidence/dcap/pck.h"
#include "evidence/dcap/quote.h"
#include "evidence/dcap/tcb_status.h"
#include "evidence/format.h"

namespace assay::dcap {

struct TcbResult {
  TcbEvaluation evaluation;
  std::string shortfall;                        // what keeps the platform from UpToDate; empty if nothing does
  std::uint32_t evaluation_data_number = 0;     // of the TCB info
  std::uint32_t qe_evaluation_data_number = 0;  // of the QE identity: the two may differ for weeks
  std::vector<trust::ValidityWindow> windows;   // of both documents and their signers
  std::vector<crypto::Certificate> signers;     // to be looked up in the root's revocation lists
};

enum class TcbOutcome : std::uint8_t { kEvaluated, kMissing, kRefused };

// Documents are authenticated here, the quote is not yet. Of several authentic ones that with the highest evaluation data number, then
// the latest issue date, counts: an older one changes nothing. kMissing: no TCB
// info for the FMSPC, no QE identity, or no signing certificate is at hand; logged as skipped, which leaves the verdict undecided.
// kRefused, with the reason logged: what is at hand is not authentic or not for this platform, the quoting enclave is not the one that
// Intel describes, or the TDX module has no identity in the TCB info.
TcbOutcome EvaluateTcb(const Quote& quote, const QeReport& qe, const PckExtension& pck, const crypto::Certificate& root,
                       const evidence::AuthenticationContext& context, TcbResult& result, CheckLog& log);

}  // namespace assay::dcap

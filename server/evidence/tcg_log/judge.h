// The part of appraisal that no policy file can express.
#pragma once

#include "base/check_log.h"
#include "evidence/format.h"
#include "trust/claims.h"

namespace assay::tcg_log {

// Rules on log.kernel_cmdline and log.boot_files stand together: each leaves open what the other is about. Of a TPM's log: SHA-1 is no ground
// to stand on, and PCR 7 holds nothing that is not understood; neither can be waived.
void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log);

}  // namespace assay::tcg_log

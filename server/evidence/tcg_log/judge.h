// The part of appraisal that no policy file can express.
#pragma once

#include "base/check_log.h"
#include "evidence/format.h"
#include "trust/claims.h"

namespace assay::tcg_log {

// Rules on log.kernel_cmdline and log.boot_files stand together: each leaves open what the other is about.
void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log);

}  // namespace assay::tcg_log

// What no policy may leave open of a Nitro document.
#pragma once

#include "base/check_log.h"
#include "evidence/format.h"
#include "trust/claims.h"

namespace assay::nitro {

void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log);

}  // namespace assay::nitro

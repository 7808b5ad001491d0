// What no policy file can express about TPM attestations, and none may waive.
#pragma once

#include "evidence/format.h"

namespace assay::tpm {

void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log);

}  // namespace assay::tpm

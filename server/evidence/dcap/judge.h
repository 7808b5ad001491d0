// The part of appraisal that no policy file can express.
#pragma once

#include "base/check_log.h"
#include "evidence/format.h"
#include "trust/claims.h"

namespace assay::dcap {

// No TCB status that no policy may accept. No bit of TDATTRIBUTES and XFAM, or of an enclave's ATTRIBUTES, that this build does not
// know, and those set that are always one. A body of type 4 that names the TCB under which its TD was initialised leaves the verdict
// undecided, unless that TCB could be evaluated.
void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log);

// Proven: the policy pins the platform instance or the processor package.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context);

}  // namespace assay::dcap

// The part of appraisal that no policy file can express: comparisons between claims, and what needs an explicit opt-in.
#pragma once

#include "base/check_log.h"
#include "evidence/format.h"
#include "trust/claims.h"

namespace assay::sev_snp {

// REPORTED <= COMMITTED <= CURRENT and LAUNCH <= CURRENT, component by component (AMD 56860: a report that says otherwise
// contradicts itself); no REPORT_ID_MA without MIGRATE_MA, no AUTHOR_KEY_DIGEST without AUTHOR_KEY_EN; report versions 2 and 4
// only where a rule names them; unknown PLATFORM_INFO bits are worth a warning; on Milan, whose signing seed can be
// extracted with software alone (arXiv 2605.12990), provenance has to be proven for full trust.
void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log);

// Proven: a VLEK whose CSP_ID the policy pins, or a VCEK whose chip the policy allow-lists.
evidence::Provenance ProvenanceOf(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext& context);

}  // namespace assay::sev_snp

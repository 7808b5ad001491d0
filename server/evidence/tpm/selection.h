// TPML_PCR_SELECTION as quotes and lists of values have it.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "evidence/tpm/attest.h"

namespace assay::tpm {

// Each bank once and known, registers that exist, at least one. nullopt: the log says why.
std::optional<std::vector<PcrSelection>> ReadSelection(const TPML_PCR_SELECTION& list, std::string_view component, CheckLog& log);

}  // namespace assay::tpm

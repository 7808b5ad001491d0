// The platform `gcp_sev_snp`: a confidential machine of Google Compute Engine with SEV-SNP. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::gcp_sev_snp {

extern const platform::Platform kPlatform;

}  // namespace assay::gcp_sev_snp

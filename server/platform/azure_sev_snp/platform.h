// The platform `azure_sev_snp`: an Azure confidential VM with AMD SEV-SNP. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::azure_sev_snp {

extern const platform::Platform kPlatform;

}  // namespace assay::azure_sev_snp

// Platform `aws_sev_snp_report`: an AWS instance's SEV-SNP report alone, signed by a VLEK. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::aws_sev_snp_report {

extern const platform::Platform kPlatform;

}  // namespace assay::aws_sev_snp_report

// The platform `aws_sev_snp`: an instance of AWS with SEV-SNP and a NitroTPM. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::aws_sev_snp {

extern const platform::Platform kPlatform;

}  // namespace assay::aws_sev_snp

// Platform `qemu_sev_snp_svsm`: QEMU/KVM with a SEV-SNP guest under an SVSM, whose virtual TPM measures the boot. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::qemu_sev_snp_svsm {

extern const platform::Platform kPlatform;

}  // namespace assay::qemu_sev_snp_svsm

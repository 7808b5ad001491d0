// Platform `qemu_sev_snp`: OpenStack, plain QEMU/KVM and bare metal. A raw SEV-SNP report signed by the chip's VCEK. See
// README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::qemu_sev_snp {

extern const platform::Platform kPlatform;

}  // namespace assay::qemu_sev_snp

// Platform `qemu_tdx`: OpenStack, plain QEMU/KVM and bare metal with Intel TDX. A raw TD quote. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::qemu_tdx {

extern const platform::Platform kPlatform;

}  // namespace assay::qemu_tdx

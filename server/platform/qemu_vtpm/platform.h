// The platform `qemu_vtpm`: a machine of QEMU whose TPM 2.0 is a program on its host. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::qemu_vtpm {

extern const platform::Platform kPlatform;

}  // namespace assay::qemu_vtpm

// The platform `gcp_shielded_vm`: a Shielded VM of Google Compute Engine. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::gcp_shielded_vm {

extern const platform::Platform kPlatform;

}  // namespace assay::gcp_shielded_vm

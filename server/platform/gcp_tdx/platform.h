// The platform `gcp_tdx`: a confidential machine of Google Compute Engine with Intel TDX. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::gcp_tdx {

extern const platform::Platform kPlatform;

}  // namespace assay::gcp_tdx

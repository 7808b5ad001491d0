// The platform `azure_tdx`: an Azure confidential VM with Intel TDX. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::azure_tdx {

extern const platform::Platform kPlatform;

}  // namespace assay::azure_tdx

// The platform `azure_trusted_launch`: an Azure virtual machine with Trusted Launch. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::azure_trusted_launch {

extern const platform::Platform kPlatform;

}  // namespace assay::azure_trusted_launch

// The platform `aws_nitro_tpm`: an instance of AWS with a NitroTPM. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::aws_nitro_tpm {

extern const platform::Platform kPlatform;

}  // namespace assay::aws_nitro_tpm

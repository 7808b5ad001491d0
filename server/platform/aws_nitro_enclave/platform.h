// The platform `aws_nitro_enclave`: an enclave of AWS Nitro. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::aws_nitro_enclave {

extern const platform::Platform kPlatform;

}  // namespace assay::aws_nitro_enclave

// The platform `aws_nitro_tpm_quote`: an instance of AWS that sends a quote of its NitroTPM and no document. See README.md in this folder.
#pragma once

#include "platform/platform.h"

namespace assay::aws_nitro_tpm_quote {

extern const platform::Platform kPlatform;

}  // namespace assay::aws_nitro_tpm_quote

// Platform `example_cloud`: SEV-SNP guests of a cloud that nobody has. docs/new-platform.md.
#pragma once

#include "platform/platform.h"

namespace assay::example_cloud {

extern const platform::Platform kPlatform;

}  // namespace assay::example_cloud

// Certificates of AWS Nitro: what they are like, and the pinned root.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "crypto/path.h"
#include "trust/anchors.h"

namespace assay::nitro {

inline constexpr std::string_view kVendor = "aws";
inline constexpr std::string_view kProduct = "nitro";

// The root G1. A cabundle brings it along; it is matched, never trusted.
std::span<const trust::Anchor> AwsAnchors();

// Names, algorithms, keys, CA bits, path lengths and key usage, as genuine chains have them since 2020: certificate of the module, its
// instance's, zonal and regional issuers, root. Empty: conforms.
std::vector<Finding> CheckAwsProfile(const crypto::CertificatePath& path);

// "us-east-1" of "<module_id>.us-east-1.aws"; empty: the name is of another module, or of another form.
std::string_view RegionIn(std::string_view common_name, std::string_view module_id);

}  // namespace assay::nitro

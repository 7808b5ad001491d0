#include "collateral/upstream.h"

#include <algorithm>

namespace assay::collateral {

std::string_view NameOf(Upstream upstream) {
  switch (upstream) {
    case Upstream::kAmdKds: return "amd_kds";
    case Upstream::kAzureThim: return "azure_thim";
    case Upstream::kIntelPcs: return "intel_pcs";
    case Upstream::kIntelCertificates: return "intel_certificates";
    case Upstream::kGceStorage: return "gce_storage";
  }
  return "unknown";
}

std::string_view PublicUrlOf(Upstream upstream) {
  switch (upstream) {
    case Upstream::kAmdKds: return "https://kdsintf.amd.com";
    case Upstream::kAzureThim: return "https://global.acccache.azure.net";
    case Upstream::kIntelPcs: return "https://api.trustedservices.intel.com";
    case Upstream::kIntelCertificates: return "https://certificates.trustedservices.intel.com";
    case Upstream::kGceStorage: return "https://storage.googleapis.com";
  }
  return "";
}

bool UpstreamConfigs::None() const {
  return std::none_of(of.begin(), of.end(), [](const auto& config) { return config.has_value(); });
}

}  // namespace assay::collateral

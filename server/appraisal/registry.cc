#include "appraisal/registry.h"

#include <algorithm>

namespace assay::appraisal {

const platform::Platform* Registry::FindPlatform(std::string_view name) const {
  const auto found =
      std::find_if(platforms.begin(), platforms.end(), [name](const platform::Platform* platform) { return platform->name == name; });
  return found == platforms.end() ? nullptr : *found;
}

const evidence::ClaimSpec* Registry::FindClaim(std::string_view name) const {
  for (const evidence::Format* format : formats) {
    const auto found = std::lower_bound(format->claims.begin(), format->claims.end(), name,
                                        [](const evidence::ClaimSpec& spec, std::string_view wanted) { return spec.name < wanted; });
    if (found != format->claims.end() && found->name == name) return &*found;
  }
  return nullptr;
}

}  // namespace assay::appraisal

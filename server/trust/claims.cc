#include "trust/claims.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"

namespace assay::trust {

std::string ShowValue(const Value& value) {
  struct Shower {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    std::string operator()(const std::string& text) const { return Printable(text); }
    std::string operator()(const Bytes& octets) const { return ToHexBounded(octets); }
    std::string operator()(const ComponentVersion& version) const {
      std::string text;
      for (const VersionComponent& component : version.components) {
        text += Cat(text.empty() ? "" : ", ", component.name, " ", component.number);
      }
      return text;
    }
    std::string operator()(Time time) const { return FormatTime(time); }
    std::string operator()(const Names& names) const { return names.names.empty() ? "none" : Printable(Join(names.names, ", ")); }
  };
  return std::visit(Shower{}, value);
}

const Claim* AuthenticatedClaims::Find(std::string_view name) const {
  const auto found = std::lower_bound(claims_.begin(), claims_.end(), name,
                                      [](const Claim& claim, std::string_view wanted) { return claim.name < wanted; });
  return found != claims_.end() && found->name == name ? &*found : nullptr;
}

}  // namespace assay::trust

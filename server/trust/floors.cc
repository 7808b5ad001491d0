#include "trust/floors.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace assay::trust {

std::string_view NameOf(Channel channel) { return channel == Channel::kStandard ? "standard" : "early"; }

std::optional<Channel> ChannelNamed(std::string_view name) {
  for (const Channel channel : {Channel::kStandard, Channel::kEarly}) {
    if (NameOf(channel) == name) return channel;
  }
  return std::nullopt;
}

const Floor* FindFloor(std::span<const Floor> floors, const CollateralKey& series, Channel channel) {
  const auto found = std::find_if(floors.begin(), floors.end(),
                                  [&](const Floor& floor) { return floor.edition.series == series && floor.channel == channel; });
  return found == floors.end() ? nullptr : &*found;
}

std::vector<Floor> Raised(std::vector<Floor> floors, const Edition& edition, Channel channel, CollateralSource source) {
  if (source != CollateralSource::kVendor && source != CollateralSource::kImport) return floors;
  if (const Floor* floor = FindFloor(floors, edition.series, channel)) {
    Floor& known = floors[static_cast<std::size_t>(floor - floors.data())];
    if (known.edition.IsOlderThan(edition)) known.edition = edition;
    return floors;
  }
  floors.push_back({edition, channel});
  // One order for one content: the digest of the state goes over the list.
  std::sort(floors.begin(), floors.end(),
            [](const Floor& a, const Floor& b) { return std::tie(a.edition.series, a.channel) < std::tie(b.edition.series, b.channel); });
  return floors;
}

}  // namespace assay::trust

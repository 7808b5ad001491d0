// Anti-rollback floors: of each document that a vendor issues again and again, the newest edition that this verifier got from the
// vendor itself. Whoever replays an older one, genuine and perhaps not even expired, is refused.
//
// Pure: a list of floors is a value, part of what the verifier remembers, recorded with every verdict. Keeping it is the store's matter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "trust/collateral.h"

namespace assay::trust {

// Vendors publish some documents months before they count for everybody: a number of the early channel is no floor for the standard one.
enum class Channel : std::uint8_t { kStandard, kEarly };
std::string_view NameOf(Channel channel);  // "standard", "early"
std::optional<Channel> ChannelNamed(std::string_view name);

struct Floor {
  Edition edition;
  Channel channel;
};

// nullptr: nothing is known of that series in that channel.
const Floor* FindFloor(std::span<const Floor> floors, const CollateralKey& series, Channel channel);

// `floors` with that edition, if it is newer than what they have. What evidence or a caller brought never raises a floor: only what was
// fetched from the vendor, or imported under a signature, does. The edition is one of an authenticated document within its validity.
std::vector<Floor> Raised(std::vector<Floor> floors, const Edition& edition, Channel channel, CollateralSource source);

}  // namespace assay::trust

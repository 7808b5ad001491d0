// Where a document is to be had: from its key to paths below the configured base URLs. Pure.
//
// A key may come from evidence that nobody has authenticated. So its scope has to be one of the few there are, and its detail digits of
// exactly the length that the vendor's interface takes; anything else has no address. Sources: AMD 57230 (KDS interface); Intel PCS API
// version 4 and the PCCS that mirrors it; Azure's THIM as it is deployed; google/gce-tcb-verifier.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collateral/keeper.h"
#include "collateral/upstream.h"

namespace assay::collateral {

struct Address {
  Upstream upstream;
  std::string path;  // behind the base URL: "/vcek/v1/Milan/crl"
  std::size_t most_bytes;
  auto operator<=>(const Address&) const = default;
};

// In the order in which they are asked, of those upstreams that are configured; empty: only whoever has the document can bring it.
std::vector<Address> AddressesOf(const ChanneledKey& key, const UpstreamConfigs& upstreams);

// Documents of the other channel have another address.
bool HasChannels(const trust::CollateralKey& key);

}  // namespace assay::collateral

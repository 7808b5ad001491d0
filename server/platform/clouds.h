// What clouds offer, as published: five features, of which remote attestation needs all but the first in order to keep the
// infrastructure out.
//
// Promises that each cloud here has each feature once, and names where it was read. Does not promise that it is so today, nor that
// evidence shows it: what a verdict's evidence showed stands in its trust boundary.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "platform/platform.h"

namespace assay::platform {

enum class Offered : std::uint8_t { kYes, kNo, kDepends, kDoubted };
std::string_view NameOf(Offered offered);  // "yes", "no", "depends", "doubted"

struct Offer {
  Feature feature;
  Offered offered;
  std::string_view note;  // may be empty
};

struct Cloud {
  std::string_view name;  // as Platform::cloud has it
  std::string_view title;
  std::string_view as_of;  // "2024-11"
  std::array<Offer, 5> offers;
};

// Sorted by name.
std::span<const Cloud> AllClouds();

}  // namespace assay::platform

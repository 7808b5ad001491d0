// The manifest of all services, integers little-endian: AMD 58019, section 7; coconut-svsm/svsm, kernel/src/protocols/attest.rs.
//
//   header 24, one entry of 24 for each service, their data one behind the other
#pragma once

#include <array>
#include <cstddef>

#include "base/layout.h"

namespace assay::svsm {

inline constexpr std::size_t kHeaderSize = 24;
inline constexpr auto kHeader = std::to_array<Field>({
    {"GUID", 0, 16},
    {"LENGTH", 16, 4},  // of the whole manifest
    {"SERVICES", 20, 4},
});
static_assert(IsContiguous(kHeader, kHeaderSize));

inline constexpr std::size_t kEntrySize = 24;
inline constexpr auto kEntry = std::to_array<Field>({
    {"GUID", 0, 16},
    {"OFFSET", 16, 4},  // from the beginning of the manifest
    {"LENGTH", 20, 4},
});
static_assert(IsContiguous(kEntry, kEntrySize));

}  // namespace assay::svsm

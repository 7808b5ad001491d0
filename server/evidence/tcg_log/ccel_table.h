// The ACPI table CCEL: says where the firmware left the log of a confidential guest. Nothing signs it, so it is a hint; a table that is
// broken shows that something was changed on its way.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/check_log.h"
#include "trust/description.h"

namespace assay::tcg_log {

struct CcelTable {
  std::uint64_t log_area_length;
  std::uint64_t log_area_address;
};

// Exactly 56 bytes with signature, length and checksum of their own, of type TDX. nullopt: the log says why.
std::optional<CcelTable> ReadCcelTable(ByteView bytes, CheckLog& log);

bool LooksLikeCcelTable(ByteView bytes);
trust::Description DescribeCcelTable(ByteView bytes);

}  // namespace assay::tcg_log

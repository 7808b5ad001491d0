// TDVF: the virtual firmware of a trust domain, and the metadata in it that tells a hypervisor which memory to build the TD from.
// Intel TDX Virtual Firmware Design Guide (344991); types 4 to 6: TD-Shim Specification, part I.
//
//   … u32 TDX metadata offset | u16 22 | GUID …       entries of OVMF's GUID table, read from its end; each length counts the whole entry
//   u16 length of the table | GUID 96b582de-…         the table's own entry, 32 bytes before the end of the image
//
// The offset counts from the end of the image to the descriptor: "TDVF", u32 length, u32 version 1, u32 count, then sections of 32 bytes.
//
// ReadTdvf promises: sections inside the image and apart from each other in memory, whole pages, no more of them than kMaxTdvfMemory; and
// that MRTD follows from the image alone: what a hypervisor may do in more than one way, or with contents of its own, is refused by name.
// It does not promise that anybody vouches for the image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"

namespace assay::dcap {

inline constexpr std::size_t kTdPageSize = 4096;
inline constexpr std::size_t kMaxTdvfSections = 64;  // genuine images have less than ten
// Of all sections that are added at launch; genuine images stay below 10 MiB. Bounds what is hashed for MRTD.
inline constexpr std::uint64_t kMaxTdvfMemory = std::uint64_t{256} * 1024 * 1024;
inline constexpr std::uint64_t kPrivateMemoryEnd = std::uint64_t{1} << 51;  // the SHARED bit of the widest guest physical address
inline constexpr std::uint64_t kResetVector = 0xFFFFFFF0;                   // where every TD starts: in a BFV, so that MRTD covers it

enum class TdvfSectionType : std::uint32_t { kBfv, kCfv, kTdHob, kTempMem, kPermMem, kPayload, kPayloadParam };
std::string_view NameOf(TdvfSectionType type);  // "BFV", "CFV", "TD_HOB", "TempMem", "PermMem", "Payload", "PayloadParam"

struct TdvfSection {
  TdvfSectionType type;
  std::uint32_t data_offset;     // in the image; 0 without data
  ByteView data;                 // of the image; zeros follow up to memory_size
  std::uint64_t memory_address;  // guest physical, of a whole page
  std::uint64_t memory_size;     // bytes, whole pages
  bool added;                    // at launch, with TDH.MEM.PAGE.ADD; otherwise the guest accepts the pages later (PAGE.AUG)
  bool measured;                 // MR.EXTEND: the content goes into MRTD, not only the address
};

// Sections in the order of the metadata, as views of `image`. Findings: firmware_not_tdx, firmware_malformed, firmware_unpredictable,
// version_unsupported, size_over_limit.
Outcome<std::vector<TdvfSection>> ReadTdvf(ByteView image);

}  // namespace assay::dcap

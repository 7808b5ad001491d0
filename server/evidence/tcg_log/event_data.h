// What the data of an event say, and how far its digest covers them: PFP section 10.4, and what EDK2, shim, GRUB and Linux write.
//
// Promises: bounds-checked, allocates no more than it returns. Does not promise that what the data say is so: even data that hash to the
// event's digest were only measured, by whatever could extend that register; and no digest covers the event's type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "evidence/tcg_log/event_log.h"
#include "trust/description.h"

namespace assay::tcg_log {

// Every digest of the event that this build can compute, and at least one, is that of `bytes`.
bool Covers(const Event& event, ByteView bytes);

// UEFI_VARIABLE_DATA.
struct Variable {
  ByteView guid;  // 16 bytes
  std::string name;
  ByteView value;
};
std::optional<Variable> ReadVariable(ByteView data);  // nullopt: not exactly one

inline constexpr ByteArray<16> kGlobalVariableGuid = {0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11,
                                                      0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C};
inline constexpr ByteArray<16> kImageSecurityGuid = {0xCB, 0xB2, 0x19, 0xD7, 0x3A, 0x3D, 0x96, 0x45,
                                                     0xA3, 0xBC, 0xDA, 0xD0, 0x0E, 0x67, 0x65, 0x6F};
inline constexpr std::string_view kGptSignature = "EFI PART";

inline constexpr std::string_view kGrubCommandLine = "kernel_cmdline: ";
// The text behind the prefix, without the zero that ends it: what GRUB measures. The prefix itself is covered by nothing.
std::optional<std::string_view> GrubText(const Event& event, std::string_view prefix);

std::optional<std::string> TextOfUtf16(ByteView encoded);  // little-endian; nullopt: not well-formed

// Adds what the data say, and whether the digest covers it.
void AddData(const Event& event, trust::Description& description);

}  // namespace assay::tcg_log

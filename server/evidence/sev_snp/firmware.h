// OVMF as firmware of a SEV-SNP guest: the metadata in it that tell a hypervisor which pages to launch the guest from.
// edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm and OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm.
//
//   … data | u16 length | GUID …                     entries of OVMF's GUID table, read from its end; each length counts the whole entry
//   u16 length of the table | GUID 96b582de-…        the table's own entry, 32 bytes before the end of the image
//
//   dc886566-…  u32 offset from the end of the image to "ASEV", u32 length, u32 version 1, u32 count, then sections of 12 bytes
//   00f771de-…  u32 reset vector of application processors
//   7255371f-…  u32 address, u32 size of the table of kernel hashes
//
// COCONUT-SVSM as an image of its own, loaded below OVMF by the QEMU that was made for it before IGVM files, has the same metadata, for
// itself, but instead of the reset vector:
//   a789a612-…  u32 offset of the first instruction from the beginning of the image
//
// ReadSevFirmware promises: an image of whole pages; sections of whole pages below 4 GiB, apart from each other and from the image, no more
// of them than kMaxSevMemory. It does not promise that anybody vouches for the image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"
#include "evidence/sev_snp/launch_updates.h"

namespace assay::sev_snp {

inline constexpr std::size_t kMaxSevSections = 64;  // genuine images have about ten
// Of all sections; genuine images stay below 1 MiB. Bounds what is hashed.
inline constexpr std::uint64_t kMaxSevMemory = std::uint64_t{256} * 1024 * 1024;
inline constexpr std::uint64_t kFirmwareEnd = std::uint64_t{1} << 32;  // where the image ends in memory
inline constexpr std::uint32_t kHashTableSize = 176;                   // of kernel hashes, padded

// Of edk2, but for the last two: by name SecMem, Secrets, CPUID, SVSM_CAA, KernelHashes.
enum class SevSectionType : std::uint32_t { kSecMem = 1, kSecrets = 2, kCpuid = 3, kSvsmCaa = 4, kKernelHashes = 0x10 };
std::optional<SevSectionType> SevSectionTypeOf(std::uint32_t number);
std::string_view NameOf(SevSectionType type);

struct SevSection {
  SevSectionType type;
  std::uint32_t address;  // guest physical
  std::uint32_t size;     // bytes
};

struct SevFirmware {
  std::vector<SevSection> sections;                 // in the order of the metadata
  std::uint32_t reset_eip = 0;                      // of application processors; of an SVSM of all
  std::optional<std::uint32_t> hash_table_address;  // of kernel hashes
};

// Findings: firmware_not_snp, firmware_malformed, firmware_unpredictable, version_unsupported, size_over_limit.
Outcome<SevFirmware> ReadSevFirmware(ByteView image);

// The same of an SVSM whose image ends at `end`, whole pages and at most 4 GiB.
Outcome<SevFirmware> ReadSvsm(ByteView image, std::uint64_t end);

// The same demands on metadata that come from elsewhere. `image_size`: bytes below 4 GiB that the image takes; 0: unknown.
std::optional<Finding> DefectOf(const SevFirmware& firmware, std::uint64_t image_size);

}  // namespace assay::sev_snp

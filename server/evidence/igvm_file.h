// IGVM files (Independent Guest Virtual Machine): what a loader puts into a new guest, in which order, for each kind of isolation.
// Source: microsoft/igvm, crate igvm_defs, which is the format's specification. All numbers are little-endian.
//
//   fixed header  "IGVM" | u32 version | u32 offset, u32 size of the variable headers | u32 size of the file | u32 CRC-32
//                 and in version 2: u32 architecture | u32 page size
//   headers       u32 type | u32 length | content | zeros up to a multiple of 8: platforms first, then initialization, then directives
//   data          a page wherever a directive points
//
// ReadIgvmGuest promises: an unharmed file (its CRC) whose headers are all known to this build and in order; pages in whole pages below
// 2^52, apart from each other; parameter areas declared once and inserted once, kMaxIgvmParameters of them at most. Where the format
// leaves it to the loader what the guest starts from (relocation, pages of 2 MiB), it refuses: such a guest can't be foretold.
//
// It does not promise that anybody vouches for the file: signatures of an ID block are not looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"
#include "evidence/firmware_kind.h"

namespace assay::evidence {

inline constexpr std::size_t kIgvmPageSize = 4096;
inline constexpr std::uint64_t kMaxIgvmParameters = std::uint64_t{256} * 1024 * 1024;  // bytes; bounds what is hashed

// IgvmPlatformType.
enum class IgvmPlatform : std::uint8_t { kNative = 0, kVsmIsolation = 1, kSevSnp = 2, kTdx = 3, kSev = 4, kSevEs = 5, kCca = 6 };

// IgvmPageDataType.
enum class IgvmPageType : std::uint8_t { kNormal = 0, kSecrets = 1, kCpuidData = 2, kCpuidXf = 3 };

// One page of memory. IGVM_VHS_PAGE_DATA.
struct IgvmPage {
  std::uint64_t gpa = 0;
  IgvmPageType type = IgvmPageType::kNormal;
  bool unmeasured = false;
  bool shared = false;  // visible to the host, and no part of the measurement
  ByteView data = {};   // kIgvmPageSize; empty: the file has none, the page is of zeros
};
// Pages that the host fills with what it says of the machine. IGVM_VHS_PARAMETER_INSERT.
struct IgvmParameters {
  std::uint64_t gpa = 0;
  std::uint64_t size = 0;  // whole pages
};
// The state that a virtual processor starts in; of SEV-SNP a VMSA. IGVM_VHS_VP_CONTEXT.
struct IgvmVpContext {
  std::uint64_t gpa = 0;
  std::uint16_t vp_index = 0;
  ByteView data = {};  // kIgvmPageSize
};
using IgvmDirective = std::variant<IgvmPage, IgvmParameters, IgvmVpContext>;

// What AMD's processor compares the launch with. IGVM_VHS_SNP_ID_BLOCK.
struct IgvmIdBlock {
  ByteView launch_digest;  // 48
  ByteView family_id;      // 16
  ByteView image_id;       // 16
  std::uint32_t guest_svn = 0;
};

// What a guest of one platform starts from.
struct IgvmGuest {
  std::optional<std::uint64_t> guest_policy;  // IGVM_VHS_GUEST_POLICY, as the platform defines it
  std::vector<IgvmDirective> directives;      // in the file's order
  std::optional<IgvmIdBlock> id_block;
};

// The file says that it is one; nothing else of it was looked at.
bool IsIgvm(ByteView file);

// Views into `file`. Findings: kind.not_of_kind if the file is no IGVM file, or has nothing for the platform; firmware_malformed,
// firmware_unpredictable, version_unsupported, size_over_limit.
Outcome<IgvmGuest> ReadIgvmGuest(ByteView file, IgvmPlatform platform, const FirmwareKind& kind);

}  // namespace assay::evidence

// Names of the bits of POLICY and PLATFORM_INFO (AMD 56860, tables of the guest policy and of PLATFORM_INFO).
#pragma once

#include <array>
#include <cstdint>

#include "evidence/format.h"

namespace assay::sev_snp {

// POLICY: 7:0 ABI_MINOR, 15:8 ABI_MAJOR, then these; bit 17 is reserved and must be one, 63:26 must be zero.
inline constexpr auto kPolicyBits = std::to_array<evidence::BitName>({
    {"smt", 16},
    {"migrate_ma", 18},
    {"debug", 19},
    {"single_socket", 20},
    {"cxl_allow", 21},
    {"mem_aes_256_xts", 22},
    {"rapl_dis", 23},
    {"ciphertext_hiding_dram", 24},
    {"page_swap_disable", 25},
});
inline constexpr std::uint64_t kPolicyMustBeOne = std::uint64_t{1} << 17;
inline constexpr std::uint64_t kPolicyMustBeZero = ~((std::uint64_t{1} << 26) - 1);

inline constexpr auto kPlatformInfoBits = std::to_array<evidence::BitName>({
    {"smt_en", 0},
    {"tsme_en", 1},
    {"ecc_en", 2},
    {"rapl_dis", 3},
    {"ciphertext_hiding_dram_en", 4},
    {"alias_check_complete", 5},
    {"iommu_write_safe", 6},
    {"tio_en", 7},
});
inline constexpr std::uint64_t kPlatformInfoKnown = 0xFF;

}  // namespace assay::sev_snp

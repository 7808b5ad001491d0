// Identifiers and limits of the Trusted Platform Module Library, Family "2.0", part 2 (Structures), as far as this build knows them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/digest.h"

namespace assay::tpm {

// TPM_ALG_ID
inline constexpr std::uint16_t kAlgRsa = 0x0001;
inline constexpr std::uint16_t kAlgSha1 = 0x0004;
inline constexpr std::uint16_t kAlgAes = 0x0006;
inline constexpr std::uint16_t kAlgSha256 = 0x000B;
inline constexpr std::uint16_t kAlgSha384 = 0x000C;
inline constexpr std::uint16_t kAlgSha512 = 0x000D;
inline constexpr std::uint16_t kAlgNull = 0x0010;
inline constexpr std::uint16_t kAlgRsassa = 0x0014;
inline constexpr std::uint16_t kAlgRsapss = 0x0016;
inline constexpr std::uint16_t kAlgEcdsa = 0x0018;
inline constexpr std::uint16_t kAlgEcc = 0x0023;
inline constexpr std::uint16_t kAlgCfb = 0x0043;

// TPM_ECC_CURVE
inline constexpr std::uint16_t kCurveP256 = 0x0003;
inline constexpr std::uint16_t kCurveP384 = 0x0004;

inline constexpr std::uint32_t kPcrs = 24;  // of a PC client: PCR 0 to 23
inline constexpr std::size_t kMaxBanks = 4;

// Genuine items stay far below: a quote has at most 2.2 KiB, all PCRs of four banks 3.4 KiB.
inline constexpr std::size_t kMaxItemSize = 8192;

std::optional<crypto::HashAlgorithm> HashOf(std::uint16_t algorithm);  // nullopt: one that this build can't compute
std::uint16_t AlgorithmOf(crypto::HashAlgorithm hash);
std::string BankName(std::uint16_t algorithm);       // "sha256", "algorithm 0x0012"
std::string ShowAlgorithm(std::uint16_t algorithm);  // "RSASSA", "SHA-256", "algorithm 0x0012"

}  // namespace assay::tpm

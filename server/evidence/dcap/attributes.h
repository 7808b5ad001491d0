// Bits of a TD's ATTRIBUTES and XFAM (Intel TDX Module Base Architecture Specification, ATTRIBUTES and XFAM definition) and of an enclave's
// ATTRIBUTES (Intel SDM volume 3D). Numbers are the little-endian values of the fields.
#pragma once

#include <cstdint>

namespace assay::dcap {

constexpr std::uint64_t Bit(unsigned number) { return std::uint64_t{1} << number; }

// TUD, 7:0: "TD under debug". Any of them set, and not only DEBUG in bit 0, lets the host look into or control the TD.
inline constexpr std::uint64_t kTdUnderDebug = 0xFF;
// SEC, 31:8. SERVTD_EXT: the extension of body type 4 says what the service TD found when it was bound (as in Open Enclave's headers).
inline constexpr std::uint64_t kTdServtdExt = Bit(17);
inline constexpr std::uint64_t kTdLass = Bit(27);
inline constexpr std::uint64_t kTdSeptVeDisable = Bit(28);
inline constexpr std::uint64_t kTdMigratable = Bit(29);
inline constexpr std::uint64_t kTdPks = Bit(30);
inline constexpr std::uint64_t kTdKeyLocker = Bit(31);
// OTHER, 63:32.
inline constexpr std::uint64_t kTdTpa = Bit(62);
inline constexpr std::uint64_t kTdPerfmon = Bit(63);
inline constexpr std::uint64_t kTdAttributesKnown =
    kTdUnderDebug | kTdLass | kTdSeptVeDisable | kTdMigratable | kTdPks | kTdKeyLocker | kTdTpa | kTdPerfmon;

// x87 and SSE are always on.
inline constexpr std::uint64_t kXfamFixedOne = 0x3;
// x87, SSE, AVX, AVX-512 (5 to 7), PT (8), PKRU (9), CET (11, 12), UINTR (14), LBR (15), AMX (17, 18)
inline constexpr std::uint64_t kXfamKnown = 0x6DBE7;

// SGX ATTRIBUTES, flags: bytes 7:0.
inline constexpr std::uint64_t kSgxInit = Bit(0);  // one in every enclave that can ask for a report
inline constexpr std::uint64_t kSgxDebug = Bit(1);
inline constexpr std::uint64_t kSgxMode64 = Bit(2);
inline constexpr std::uint64_t kSgxProvisionKey = Bit(4);
inline constexpr std::uint64_t kSgxEinitTokenKey = Bit(5);
inline constexpr std::uint64_t kSgxCet = Bit(6);
inline constexpr std::uint64_t kSgxKss = Bit(7);
inline constexpr std::uint64_t kSgxAexNotify = Bit(10);
inline constexpr std::uint64_t kSgxFlagsKnown =
    kSgxInit | kSgxDebug | kSgxMode64 | kSgxProvisionKey | kSgxEinitTokenKey | kSgxCet | kSgxKss | kSgxAexNotify;
// SGX ATTRIBUTES, XFRM: bytes 15:8. x87, SSE, AVX, MPX (3, 4), AVX-512 (5 to 7), PKRU (9), AMX (17, 18)
inline constexpr std::uint64_t kXfrmKnown = 0x602FF;

}  // namespace assay::dcap

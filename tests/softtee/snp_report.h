// SEV-SNP attestation reports, written byte by byte after AMD publication 56860 (SEV-SNP firmware ABI), section 7.3.
//
// Promises: with the default fields, a report that a conforming verifier accepts. Does not promise that other values make
// sense: any field, reserved ranges and the signature included, can be set to anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

enum class Product : std::uint8_t { kMilan, kGenoa, kTurin };
std::string_view NameOf(Product product);                    // "Milan"
std::optional<Product> ProductNamed(std::string_view name);  // "milan" or "Milan"

enum class SigningKey : std::uint8_t { kVcek = 0, kVlek = 1 };  // SIGNING_KEY, bits 4:2 of the signer info

struct Tcb {
  std::uint8_t fmc = 0;  // Turin only
  std::uint8_t boot_loader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
};
// TCB_VERSION in memory order: Milan and Genoa {boot_loader, tee, 0, 0, 0, 0, snp, microcode}, Turin {fmc, boot_loader, tee,
// snp, 0, 0, 0, microcode}.
ByteArray<8> Encode(Product product, const Tcb& tcb);

struct FirmwareVersion {
  std::uint8_t build = 0;
  std::uint8_t minor = 0;
  std::uint8_t major = 0;
};

inline constexpr std::size_t kReportSize = 1184;

struct SnpReport {
  std::uint32_t version = 3;  // from 3 on CPUID is written, from 5 on the mitigation vectors
  std::uint32_t guest_svn = 0;
  std::uint64_t policy = 0x30000;  // SMT allowed; bit 17 must be one
  ByteArray<16> family_id{};
  ByteArray<16> image_id{};
  std::uint32_t vmpl = 0;
  std::uint32_t signature_algo = 1;  // ECDSA P-384 with SHA-384
  ByteArray<8> current_tcb{};
  std::uint64_t platform_info = 0;
  std::uint32_t signer_info = 0;  // bit 0 AUTHOR_KEY_EN, 1 MASK_CHIP_KEY, 4:2 SIGNING_KEY
  ByteArray<64> report_data{};
  ByteArray<48> measurement{};
  ByteArray<32> host_data{};
  ByteArray<48> id_key_digest{};
  ByteArray<48> author_key_digest{};
  ByteArray<32> report_id{};
  ByteArray<32> report_id_ma{};  // all 0xFF: no migration agent
  ByteArray<8> reported_tcb{};
  std::uint8_t cpuid_family = 0;
  std::uint8_t cpuid_model = 0;
  std::uint8_t cpuid_stepping = 0;
  ByteArray<64> chip_id{};
  ByteArray<8> committed_tcb{};
  FirmwareVersion current_version;
  FirmwareVersion committed_version;
  ByteArray<8> launch_tcb{};
  std::uint64_t launch_mit_vector = 0;
  std::uint64_t current_mit_vector = 0;

  // Written over everything else, and signed: reserved ranges, for instance.
  struct Patch {
    std::size_t offset;
    std::uint8_t value;
  };
  std::vector<Patch> patches;

  Bytes Serialize() const;                // 1184 bytes, the signature zero
  Bytes Sign(const Key& p384_key) const;  // 1184 bytes
};

// Where the signature stands, for tests that break it: r and s are little-endian in slots of 72 bytes.
inline constexpr std::size_t kSignedSize = 0x2A0;
inline constexpr std::size_t kSignatureR = 0x2A0;
inline constexpr std::size_t kSignatureS = 0x2E8;
inline constexpr std::size_t kSignatureSlot = 72;
inline constexpr std::size_t kSignatureTail = 0x330;
void WriteSignature(Bytes& report, const EcdsaSignature& signature);
// s becomes n - s: other bytes that verify just as well, since ECDSA is malleable.
void NegateS(Bytes& report);

}  // namespace assay::softtee

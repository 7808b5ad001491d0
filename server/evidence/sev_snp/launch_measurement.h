// The launch digest of a SEV-SNP guest, foretold from what it is launched with: what the AMD secure processor hashes (launch_updates.h)
// while a hypervisor builds the guest.
//
// Which pages, in which order, and the state that virtual CPUs start in (VMSA, AMD 24593 appendix B) are the hypervisor's. Known here:
// QEMU with KVM, Amazon EC2, Google Compute Engine, each with OVMF in VMPL 0; and QEMU with COCONUT-SVSM from an image of its own.
// Guests whose firmware is an IGVM file: igvm_measurement.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/digest.h"
#include "evidence/sev_snp/firmware.h"
#include "trust/untrusted_bytes.h"

namespace assay::sev_snp {

enum class Vmm : std::uint8_t { kQemu, kEc2, kGce };
std::string_view NameOf(Vmm vmm);  // "qemu"
std::optional<Vmm> VmmNamed(std::string_view name);

// CPUID Fn0000_0001_EAX of QEMU's CPU models, which a VMSA holds in RDX.
struct VcpuModel {
  std::string_view name;  // "EPYC-Milan"
  std::uint32_t signature;
};
std::span<const VcpuModel> VcpuModels();
std::optional<std::uint32_t> SignatureOfModel(std::string_view name);

inline constexpr std::uint32_t kMaxVcpus = 4096;
inline constexpr std::uint64_t kSnpActive = 1;  // of SEV_FEATURES

// What the hypervisor hands to measured direct boot: SHA-256 of each.
struct KernelHashes {
  crypto::Sha256Digest kernel{};
  crypto::Sha256Digest initrd{};
  crypto::Sha256Digest command_line{};
};
// `initrd` may be empty: there is none. The command line is hashed with the zero byte that ends it.
KernelHashes HashKernel(ByteView kernel, ByteView initrd, std::string_view command_line);

struct Launch {
  Vmm vmm = Vmm::kQemu;
  std::uint32_t vcpus = 1;                    // 1 to kMaxVcpus
  std::uint32_t vcpu_signature = 0;           // QEMU only: the others leave RDX as a reset does
  std::uint64_t guest_features = kSnpActive;  // SEV_FEATURES
  std::optional<KernelHashes> kernel = {};    // none: firmware loads what it boots itself
  bool in_svsm = false;                       // QEMU only: what starts is an SVSM, in the state that it expects
};

// LD when all pages of the image, which ends at `end`, have been added to those `before`. `image`: whole pages, no more than `end` bytes.
crypto::Sha384Digest FirmwareDigest(ByteView image, std::uint64_t end = kFirmwareEnd, const crypto::Sha384Digest& before = {});

// LD when all has been added, `after_firmware` as above. In an SVSM, `firmware` is that image's, and OVMF's pages were added before it. Finding: kernel_not_measured.
Outcome<crypto::Sha384Digest> LaunchDigest(const crypto::Sha384Digest& after_firmware, const SevFirmware& firmware, const Launch& launch);

// Empty: the report has this MEASUREMENT. Nobody vouches for the report here. Findings: as of a malformed report; launch_digest_mismatch.
std::vector<Finding> CompareWithReport(const crypto::Sha384Digest& digest, const trust::UntrustedBytes& report);

}  // namespace assay::sev_snp

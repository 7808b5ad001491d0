// The launch digest of a SEV-SNP guest whose firmware is an IGVM file (evidence/igvm_file.h), which brings its own pages and the state
// of its processors: COCONUT-SVSM as it is built today, Azure's paravisor OpenHCL, kernels without firmware.
//
// Loaders differ, and both are what is told of them in their sources:
//                              Hyper-V, OpenVMM: the format's own words      QEMU with KVM (backends/igvm.c, target/i386/sev.c)
//   page without data          a page of zeros                               a page of type ZERO
//   shared page                no part of the measurement                    refused here: QEMU takes no notice of it
//   state of a processor       where the file puts it, in its order          behind all pages, at KVM's address, as QEMU demands
//   secrets, CPUID, parameters, unmeasured pages                             the address only, with both
//
// With KVM it covers the processors whose state the file has, in practice the first, which is all that the kernels for SVSM measure
// (COCONUT-SVSM, KVM's own flag SVSM). A kernel that starts and measures the others as well has another digest.
//
// Source of the algorithm: microsoft/igvm, igvm/src/measurement/snp.rs; COCONUT-SVSM, tools/igvmmeasure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/digest.h"
#include "evidence/igvm_file.h"

namespace assay::sev_snp {

enum class IgvmLoader : std::uint8_t { kHyperV, kQemu };
std::string_view NameOf(IgvmLoader loader);  // "hyperv", "qemu"
std::optional<IgvmLoader> IgvmLoaderNamed(std::string_view name);

// Views into `file`. Findings: as of ReadIgvmGuest; firmware_malformed: no processor's state, or one without SNPActive.
Outcome<evidence::IgvmGuest> ReadIgvm(ByteView file);

// LD when all has been added. Findings: firmware_unpredictable: the loader does something else with the file than it says.
Outcome<crypto::Sha384Digest> LaunchDigest(const evidence::IgvmGuest& guest, IgvmLoader loader);

// The file's ID block, which AMD's processor compares with the launch, demands this digest; or there is none. launch_digest_mismatch.
std::optional<Finding> CompareWithIdBlock(const crypto::Sha384Digest& digest, const evidence::IgvmGuest& guest);

}  // namespace assay::sev_snp

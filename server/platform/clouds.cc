#include "platform/clouds.h"

namespace assay::platform {
namespace {

using enum Feature;
using enum Offered;

// Constellation, "Feature status of clouds", 2024-11 (edgelesssys/constellation docs/docs/overview/clouds.md); doubts from issues of
// the vendors' own repositories since.
constexpr Cloud kClouds[] = {
    {"aws",
     "AWS",
     "2024-11",
     {{{kCustomImages, kYes, ""},
       {kMemoryEncryption, kYes, "SEV-SNP"},
       {kRawGuestAttestation, kYes, "signed by a VLEK: names a region, not a chip"},
       {kReviewableFirmware, kDoubted, "published (aws/uefi), and reported in 2026-04 not to reproduce the measurement that runs"},
       {kMeasuredBoot, kNo, "NitroTPM is run by the Nitro hypervisor"}}}},
    {"azure",
     "Azure",
     "2024-11",
     {{{kCustomImages, kYes, ""},
       {kMemoryEncryption, kYes, "SEV-SNP and TDX"},
       {kRawGuestAttestation, kYes, "made at boot, by the firmware in VMPL 0 or L1"},
       {kReviewableFirmware, kNo, "the paravisor is closed; OpenHCL is open, and that it is what runs was not shown"},
       {kMeasuredBoot, kYes, "a vTPM inside of the confidential VM"}}}},
    {"gcp",
     "Google Cloud",
     "2024-11",
     {{{kCustomImages, kYes, ""},
       {kMemoryEncryption, kYes, "SEV-SNP and TDX"},
       {kRawGuestAttestation, kYes, ""},
       {kReviewableFirmware, kNo, "closed; a signed endorsement lists the measurements"},
       {kMeasuredBoot, kNo, "the vTPM is run by the hypervisor; RTMRs of TDX are the TD's own"}}}},
    {"openstack",
     "OpenStack, QEMU/KVM, bare metal",
     "2024-11",
     {{{kCustomImages, kYes, ""},
       {kMemoryEncryption, kDepends, "on the hosts' kernel and hypervisor"},
       {kRawGuestAttestation, kDepends, "on the hosts' kernel and hypervisor"},
       {kReviewableFirmware, kDepends, "on the firmware that the operator chose"},
       {kMeasuredBoot, kDepends, "on the launch measurement, RTMRs, or an SVSM"}}}},
    {"stackit",
     "STACKIT",
     "2024-11",
     {{{kCustomImages, kYes, ""},
       {kMemoryEncryption, kNo, "SEV-ES"},
       {kRawGuestAttestation, kNo, ""},
       {kReviewableFirmware, kNo, ""},
       {kMeasuredBoot, kNo, "the vTPM is run by the hypervisor"}}}},
};

}  // namespace

std::string_view NameOf(Offered offered) {
  switch (offered) {
    case kYes: return "yes";
    case kNo: return "no";
    case kDepends: return "depends";
    case kDoubted: return "doubted";
  }
  return "no";
}

std::span<const Cloud> AllClouds() { return kClouds; }

}  // namespace assay::platform

#include "evidence/sev_snp/launch_measurement.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/bug.h"
#include "base/check_log.h"
#include "base/hex.h"
#include "base/layout.h"
#include "base/strings.h"
#include "evidence/sev_snp/launch_updates.h"
#include "evidence/sev_snp/layout.h"
#include "evidence/sev_snp/report.h"

namespace assay::sev_snp {
namespace {

using Page = ByteArray<kPageSize>;

constexpr std::uint32_t kBootProcessorEip = 0xFFFFFFF0;

void Put(std::span<std::uint8_t> page, std::size_t offset, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) page[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

// Fields of a VMSA that are not zero at the start. AMD 24593, table B-4.
constexpr std::size_t kEs = 0x000, kCs = 0x010, kSs = 0x020, kDs = 0x030, kFs = 0x040, kGs = 0x050, kGdtr = 0x060, kLdtr = 0x070,
                      kIdtr = 0x080, kTr = 0x090;
constexpr std::size_t kEfer = 0x0D0, kCr4 = 0x148, kCr0 = 0x158, kDr7 = 0x160, kDr6 = 0x168, kRflags = 0x170, kRip = 0x178, kGPat = 0x268,
                      kRdx = 0x310, kSevFeatures = 0x3B0, kXcr0 = 0x3E8, kMxcsr = 0x408, kFcw = 0x410;

// Where hypervisors differ.
struct VmsaRow {
  Vmm vmm;
  std::string_view name;
  std::uint16_t cs_first, cs, ss, tr;  // attributes; of CS the boot processor's first
  std::uint64_t g_pat;
  std::uint32_t mxcsr;
  std::uint16_t fcw;
  bool model_in_rdx;  // else what a reset leaves there
  PageType sec_mem;
  bool cpuid_last;
};
constexpr auto kVmms = std::to_array<VmsaRow>({
    {Vmm::kQemu, "qemu", 0x9B, 0x9B, 0x93, 0x8B, 0x7040600070406, 0x1F80, 0x37F, true, PageType::kZero, false},
    {Vmm::kEc2, "ec2", 0x9A, 0x9B, 0x92, 0x83, 0x7040600070406, 0, 0, false, PageType::kZero, true},
    {Vmm::kGce, "gce", 0x9B, 0x9B, 0x93, 0x8B, 0x70106, 0, 0, false, PageType::kUnmeasured, false},
});
const VmsaRow& RowOf(Vmm vmm) {
  return *std::find_if(kVmms.begin(), kVmms.end(), [vmm](const VmsaRow& row) { return row.vmm == vmm; });
}
constexpr std::uint32_t kResetRdx = 0x600;
constexpr std::uint32_t kRealModeLimit = 0xFFFF, kFlatLimit = 0xFFFFFFFF;

void PutSegment(Page& page, std::size_t offset, std::uint16_t selector, std::uint16_t attributes, std::uint32_t limit, std::uint64_t base) {
  Put(page, offset, 2, selector);
  Put(page, offset + 2, 2, attributes);
  Put(page, offset + 4, 4, limit);
  Put(page, offset + 8, 8, base);
}

Page VmsaOf(const VmsaRow& row, const Launch& launch, std::uint32_t eip, bool boot_processor) {
  Page page{};
  for (const std::size_t segment : {kEs, kDs, kFs, kGs}) PutSegment(page, segment, 0, 0x93, kRealModeLimit, 0);
  PutSegment(page, kCs, 0xF000, boot_processor ? row.cs_first : row.cs, kRealModeLimit, eip & 0xFFFF0000);
  PutSegment(page, kSs, 0, row.ss, kRealModeLimit, 0);
  PutSegment(page, kGdtr, 0, 0, kRealModeLimit, 0);
  PutSegment(page, kLdtr, 0, 0x82, kRealModeLimit, 0);
  PutSegment(page, kIdtr, 0, 0, kRealModeLimit, 0);
  PutSegment(page, kTr, 0, row.tr, kRealModeLimit, 0);
  Put(page, kEfer, 8, 0x1000);
  Put(page, kCr4, 8, 0x40);
  Put(page, kCr0, 8, 0x10);
  Put(page, kDr7, 8, 0x400);
  Put(page, kDr6, 8, 0xFFFF0FF0);
  Put(page, kRflags, 8, 2);
  Put(page, kRip, 8, eip & 0xFFFF);
  Put(page, kGPat, 8, row.g_pat);
  Put(page, kRdx, 8, row.model_in_rdx ? launch.vcpu_signature : kResetRdx);
  Put(page, kSevFeatures, 8, launch.guest_features);
  Put(page, kXcr0, 8, 1);
  Put(page, kMxcsr, 4, row.mxcsr);
  Put(page, kFcw, 2, row.fcw);
  return page;
}

// COCONUT-SVSM's first instruction is one of protected mode, with flat segments. The kernels that loaded it from an image of its own
// came before 6.9 and left the state of the FPU at zero.
Page SvsmVmsaOf(const VmsaRow& row, const Launch& launch, std::uint32_t eip) {
  Page page = VmsaOf(row, launch, eip, false);
  for (const std::size_t segment : {kEs, kSs, kDs, kFs}) PutSegment(page, segment, 16, 0xC93, kFlatLimit, 0);
  PutSegment(page, kCs, 8, 0xC9B, kFlatLimit, 0);
  Put(page, kCr0, 8, 0x11);
  Put(page, kRip, 8, eip);
  Put(page, kMxcsr, 4, 0);
  Put(page, kFcw, 2, 0);
  return page;
}

using Guid = ByteArray<16>;
constexpr Guid kHashTableGuid = {0x06, 0xD6, 0x38, 0x94, 0x22, 0x4F, 0xC9, 0x4C,
                                 0xB4, 0x79, 0xA7, 0x93, 0xD4, 0x11, 0xFD, 0x21};  // 9438d606-4f22-4cc9-b479-a793d411fd21
constexpr Guid kKernelGuid = {0x37, 0x94, 0xE7, 0x4D, 0xD2, 0xAB, 0x7F, 0x42,
                              0xB8, 0x35, 0xD5, 0xB1, 0x72, 0xD2, 0x04, 0x5B};  // 4de79437-abd2-427f-b835-d5b172d2045b
constexpr Guid kInitrdGuid = {0x31, 0xF7, 0xBA, 0x44, 0x2F, 0x3A, 0xD7, 0x4B,
                              0x9A, 0xF1, 0x41, 0xE2, 0x91, 0x69, 0x78, 0x1D};  // 44baf731-3a2f-4bd7-9af1-41e29169781d
constexpr Guid kCommandLineGuid = {0xD8, 0x2D, 0xD0, 0x97, 0x20, 0xBD, 0x94, 0x4C,
                                   0xAA, 0x78, 0xE7, 0x71, 0x4D, 0x36, 0xAB, 0x2A};  // 97d02dd8-bd20-4c94-aa78-e7714d36ab2a
constexpr std::size_t kHashEntrySize = 50, kHashTableLength = 18 + 3 * kHashEntrySize;

Page HashPage(const KernelHashes& hashes, std::size_t offset) {
  ASSAY_CHECK(offset + kHashTableSize <= kPageSize);
  Page page{};
  std::size_t at = offset;
  const auto put = [&](ByteView bytes) {
    std::copy(bytes.begin(), bytes.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
    at += bytes.size();
  };
  const auto head = [&](const Guid& guid, std::size_t length) {
    put(guid);
    Put(page, at, 2, length);
    at += 2;
  };
  head(kHashTableGuid, kHashTableLength);
  for (const auto& [guid, hash] :
       {std::pair(kCommandLineGuid, hashes.command_line), std::pair(kInitrdGuid, hashes.initrd), std::pair(kKernelGuid, hashes.kernel)}) {
    head(guid, kHashEntrySize);
    put(hash);
  }
  return page;
}

constexpr auto kModels = std::to_array<VcpuModel>({
    {"EPYC", 0x800F12},
    {"EPYC-v4", 0x800F12},
    {"EPYC-Rome", 0x830F10},
    {"EPYC-Milan", 0xA00F11},
    {"EPYC-Genoa", 0xA10F10},
    {"EPYC-Turin", 0xB00F00},
});

}  // namespace

std::string_view NameOf(Vmm vmm) { return RowOf(vmm).name; }

std::optional<Vmm> VmmNamed(std::string_view name) {
  const auto found = std::find_if(kVmms.begin(), kVmms.end(), [name](const VmsaRow& row) { return row.name == name; });
  return found == kVmms.end() ? std::nullopt : std::optional(found->vmm);
}

std::span<const VcpuModel> VcpuModels() { return kModels; }

std::optional<std::uint32_t> SignatureOfModel(std::string_view name) {
  const auto found = std::find_if(kModels.begin(), kModels.end(), [name](const VcpuModel& model) { return model.name == name; });
  return found == kModels.end() ? std::nullopt : std::optional(found->signature);
}

KernelHashes HashKernel(ByteView kernel, ByteView initrd, std::string_view command_line) {
  Bytes terminated = ToBytes(AsBytes(command_line));
  terminated.push_back(0);
  return {crypto::Sha256(kernel), crypto::Sha256(initrd), crypto::Sha256(terminated)};
}

crypto::Sha384Digest FirmwareDigest(ByteView image, std::uint64_t end, const crypto::Sha384Digest& before) {
  ASSAY_CHECK(image.size() <= end);
  LaunchUpdates pages(before);
  for (std::uint64_t offset = 0; offset < image.size(); offset += kPageSize) {
    pages.AddContent(end - image.size() + offset, image.subspan(offset, kPageSize));
  }
  return pages.digest();
}

Outcome<crypto::Sha384Digest> LaunchDigest(const crypto::Sha384Digest& after_firmware, const SevFirmware& firmware, const Launch& launch) {
  ASSAY_CHECK(launch.vcpus >= 1 && launch.vcpus <= kMaxVcpus);
  ASSAY_CHECK(!launch.in_svsm || launch.vmm == Vmm::kQemu);
  const VmsaRow& row = RowOf(launch.vmm);
  LaunchUpdates pages(after_firmware);
  bool kernel_measured = false;
  for (const SevSection& section : firmware.sections) {
    switch (section.type) {
      case SevSectionType::kSecMem: pages.AddAddresses(row.sec_mem, section.address, section.size); break;
      case SevSectionType::kSecrets: pages.AddAddresses(PageType::kSecrets, section.address, section.size); break;
      case SevSectionType::kCpuid:
        if (!row.cpuid_last) pages.AddAddresses(PageType::kCpuid, section.address, section.size);
        break;
      case SevSectionType::kSvsmCaa: pages.AddAddresses(PageType::kZero, section.address, section.size); break;
      case SevSectionType::kKernelHashes:
        if (launch.kernel && firmware.hash_table_address && !launch.in_svsm) {
          pages.AddContent(section.address, HashPage(*launch.kernel, *firmware.hash_table_address % kPageSize));
          kernel_measured = true;
        } else {
          pages.AddAddresses(PageType::kZero, section.address, section.size);
        }
        break;
    }
  }
  for (const SevSection& section : firmware.sections) {
    if (row.cpuid_last && section.type == SevSectionType::kCpuid) pages.AddAddresses(PageType::kCpuid, section.address, section.size);
  }
  if (launch.kernel && !kernel_measured) {
    return Finding{.reason = Reason::kKernelNotMeasured,
                   .component = launch.in_svsm ? "svsm" : "ovmf",
                   .claim = "sections",
                   .expected = "a section KernelHashes, and its place in the GUID table",
                   .actual = "none"};
  }
  const auto vmsa = [&](bool boot_processor) {
    if (launch.in_svsm) return SvsmVmsaOf(row, launch, firmware.reset_eip);
    return VmsaOf(row, launch, boot_processor ? kBootProcessorEip : firmware.reset_eip, boot_processor);
  };
  const crypto::Sha384Digest boot_processor = crypto::Sha384(vmsa(true)), others = crypto::Sha384(vmsa(false));
  for (std::uint32_t i = 0; i < launch.vcpus; ++i) pages.AddVmsa(kKvmVmsaAddress, i == 0 ? boot_processor : others);
  return pages.digest();
}

std::vector<Finding> CompareWithReport(const crypto::Sha384Digest& digest, const trust::UntrustedBytes& report) {
  CheckLog log;
  if (!ReportParser::Parse(report, log)) return log.findings();
  const ByteView raw = report.Read().TakeRest();
  const ByteView measurement = SliceOf(raw, FieldNamed(kReportV5, "MEASUREMENT"));
  if (Equal(measurement, digest)) return {};
  return {{.reason = Reason::kLaunchDigestMismatch,
           .component = std::string(kReportComponent),
           .claim = "snp.measurement",
           .expected = ToHex(digest),
           .actual = ToHex(measurement)}};
}

}  // namespace assay::sev_snp

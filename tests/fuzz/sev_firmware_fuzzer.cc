// Firmware images with SEV metadata: any bytes are refused with a finding that names a field, or read; what was read lies below 4 GiB and
// the image, apart from each other, and is no more than may be hashed.
#include "base/bug.h"
#include "evidence/sev_snp/launch_measurement.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/sev_snp/plain_ovmf.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() {
  using namespace sev_snp::test;
  PlainOvmf one = AmdSev(), many = OvmfX64();
  one.pages = 1;
  while (many.sections.size() < sev_snp::kMaxSevSections) {
    many.sections.push_back({static_cast<std::uint32_t>(0x900000 + many.sections.size() * 0x1000), 0x1000, 1});
  }
  return {AmdSev().Write(), OvmfX64().Write(), one.Write(), many.Write(), Svsm().Write()};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView image(data, size);
  const auto firmware = sev_snp::ReadSevFirmware(image);
  if (!firmware) {
    for (const Finding& finding : firmware.findings()) {
      ASSAY_CHECK(!finding.claim.empty() && !finding.expected.empty() && !finding.actual.empty());
    }
    return 0;
  }
  std::uint64_t memory = 0;
  for (const sev_snp::SevSection& section : firmware->sections) {
    ASSAY_CHECK(section.address % sev_snp::kPageSize == 0 && section.size % sev_snp::kPageSize == 0 && section.size != 0);
    ASSAY_CHECK(std::uint64_t{section.address} + section.size <= sev_snp::kFirmwareEnd - size);
    memory += section.size;
  }
  ASSAY_CHECK(memory <= sev_snp::kMaxSevMemory && firmware->sections.size() <= sev_snp::kMaxSevSections);
  if (memory > std::uint64_t{1} << 20) return 0;  // allowed, but slow to hash again and again
  sev_snp::Launch launch{.vmm = sev_snp::Vmm::kQemu, .vcpus = 2, .vcpu_signature = 0xA00F11};
  const auto without = sev_snp::LaunchDigest({}, *firmware, launch);
  ASSAY_CHECK(without.ok());
  launch.kernel = sev_snp::HashKernel(image, {}, "");
  const auto with = sev_snp::LaunchDigest({}, *firmware, launch);
  ASSAY_CHECK(!with.ok() || *with != *without);
  return 0;
}

}  // namespace assay

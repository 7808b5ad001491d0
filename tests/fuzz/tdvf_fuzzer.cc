// Firmware images with TDX metadata: any bytes are refused with a finding that names a field, or read; what was read lies in the image, apart
// from each other, and is no more than may be hashed.
#include "base/bug.h"
#include "evidence/dcap/launch_measurement.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/dcap/plain_tdvf.h"

namespace assay {

std::vector<Bytes> fuzz::MintedSeeds() {
  using namespace dcap::test;
  std::vector<Bytes> seeds = {Ovmf().Write(), TdShim().Write()};
  PlainTdvf with_payload = TdShim();
  with_payload.sections[2].data.clear();
  with_payload.sections[2].attributes = 0;
  seeds.push_back(with_payload.Write());
  PlainTdvf one = Ovmf();
  one.sections.resize(1);
  seeds.push_back(one.Write());
  PlainTdvf many = Ovmf();
  for (std::uint64_t i = 0; many.sections.size() < 64; ++i) many.sections.push_back({.type = 3, .address = 0x1000000 + i * 0x1000});
  seeds.push_back(many.Write());
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView image(data, size);
  const auto sections = dcap::ReadTdvf(image);
  if (!sections) {
    for (const Finding& finding : sections.findings()) {
      ASSAY_CHECK(!finding.claim.empty() && !finding.expected.empty() && !finding.actual.empty());
    }
    return 0;
  }
  std::uint64_t added = 0;
  for (const dcap::TdvfSection& section : *sections) {
    ASSAY_CHECK(section.data.empty() ||
                (section.data.data() == data + section.data_offset && section.data.size() <= size - section.data_offset));
    ASSAY_CHECK(section.data.size() <= section.memory_size && section.memory_size % dcap::kTdPageSize == 0);
    ASSAY_CHECK(section.memory_address % dcap::kTdPageSize == 0 && section.memory_size <= dcap::kPrivateMemoryEnd - section.memory_address);
    for (const dcap::TdvfSection& other : *sections) {
      ASSAY_CHECK(&other == &section || other.memory_address + other.memory_size <= section.memory_address ||
                  section.memory_address + section.memory_size <= other.memory_address);
    }
    if (section.added) added += section.memory_size;
  }
  ASSAY_CHECK(added <= dcap::kMaxTdvfMemory && sections->size() <= dcap::kMaxTdvfSections);
  if (added > std::uint64_t{1} << 20) return 0;  // allowed, but slow to hash again and again

  const auto mrtd = dcap::Mrtd(*sections, dcap::PageAddOrder::kSinglePass);
  Bytes changed = ToBytes(image);
  changed.back() ^= 1U;  // in the BFV, and no part of the metadata
  const auto again = dcap::ReadTdvf(changed);
  ASSAY_CHECK(again.ok() && dcap::Mrtd(*again, dcap::PageAddOrder::kSinglePass) != mrtd);
  return 0;
}

}  // namespace assay

// IGVM files: any bytes are refused with a finding that names a field, or read; what was read are whole pages of the file in memory that no
// two headers share, and no more than may be hashed. The checksum is set right first, since mutations would go no further than it.
#include <algorithm>
#include <variant>
#include <vector>

#include "base/bug.h"
#include "evidence/sev_snp/igvm_measurement.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/unit/sev_snp/plain_igvm.h"

namespace assay {
namespace {

void HasNames(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) ASSAY_CHECK(!finding.claim.empty() && !finding.expected.empty() && !finding.actual.empty());
}

void Run(ByteView file) {
  const auto guest = sev_snp::ReadIgvm(file);
  if (!guest) return HasNames(guest.findings());
  std::uint64_t parameters = 0;
  std::vector<std::uint64_t> pages;
  for (const evidence::IgvmDirective& directive : guest->directives) {
    if (const auto* page = std::get_if<evidence::IgvmPage>(&directive)) {
      ASSAY_CHECK(page->data.empty() || (page->data.size() == evidence::kIgvmPageSize && page->data.data() >= file.data() &&
                                         page->data.data() + page->data.size() <= file.data() + file.size()));
      ASSAY_CHECK(page->gpa % evidence::kIgvmPageSize == 0);
      pages.push_back(page->gpa);
    } else if (const auto* area = std::get_if<evidence::IgvmParameters>(&directive)) {
      ASSAY_CHECK(area->size % evidence::kIgvmPageSize == 0);
      parameters += area->size;
    }
  }
  std::sort(pages.begin(), pages.end());
  ASSAY_CHECK(std::adjacent_find(pages.begin(), pages.end()) == pages.end());
  ASSAY_CHECK(parameters <= evidence::kMaxIgvmParameters);
  if (parameters > std::uint64_t{1} << 20) return;  // allowed, but slow to hash again and again
  ASSAY_CHECK(sev_snp::LaunchDigest(*guest, sev_snp::IgvmLoader::kHyperV).ok());
  const auto qemu = sev_snp::LaunchDigest(*guest, sev_snp::IgvmLoader::kQemu);
  if (!qemu) return HasNames(qemu.findings());
  if (const auto objection = sev_snp::CompareWithIdBlock(*qemu, *guest)) ASSAY_CHECK(guest->id_block.has_value());
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  using namespace sev_snp::test;
  PlainIgvm second = SvsmFile(), identified = SvsmFile(), small, elsewhere;
  second.version = 2;
  identified.IdBlock(Bytes(48, 0x77));
  small.Platform().Vp(kKvmAddress, PlainVmsa());
  elsewhere.Platform().Policy(1).Page(0x8000).Page(0x9000, PageOf(1), 0, 4).Vp(0x5000, PlainVmsa());
  return {SvsmFile().Write(), second.Write(), identified.Write(), small.Write(), elsewhere.Write()};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView file(data, size);
  Run(file);
  if (size < 32) return 0;
  Bytes mended = sev_snp::test::WithChecksum(ToBytes(file));
  sev_snp::test::Overwrite(mended, 16, 4, size);
  Run(sev_snp::test::WithChecksum(std::move(mended)));
  return 0;
}

}  // namespace assay

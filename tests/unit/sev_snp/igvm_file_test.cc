#include "evidence/igvm_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/unit/sev_snp/plain_igvm.h"

namespace assay::evidence {
namespace {

using namespace sev_snp::test;
using ::testing::HasSubstr;

constexpr FirmwareKind kKind{"igvm", "igvm_defs", Reason::kFirmwareNotSnp};
Outcome<IgvmGuest> Read(ByteView file, IgvmPlatform platform = IgvmPlatform::kSevSnp) { return ReadIgvmGuest(file, platform, kKind); }

TEST(IgvmFile, ReadsWhatAPlatformStartsFrom) {
  PlainIgvm plain = SvsmFile();
  plain.IdBlock(Bytes(48, 0x77));
  const Bytes file = plain.Write();
  EXPECT_TRUE(IsIgvm(file));
  const auto guest = Read(file);
  ASSERT_TRUE(guest) << Describe(guest.findings().front());
  EXPECT_EQ(guest->guest_policy, 0x30000u);
  ASSERT_EQ(guest->directives.size(), 9u);
  const auto& first = std::get<IgvmPage>(guest->directives[0]);
  EXPECT_EQ(first.gpa, 0x8000u);
  EXPECT_EQ(ToBytes(first.data), PageOf(0xA1));
  EXPECT_FALSE(first.unmeasured || first.shared);
  EXPECT_TRUE(std::get<IgvmPage>(guest->directives[2]).data.empty());
  EXPECT_EQ(std::get<IgvmPage>(guest->directives[3]).type, IgvmPageType::kSecrets);
  EXPECT_EQ(std::get<IgvmPage>(guest->directives[4]).type, IgvmPageType::kCpuidData);
  EXPECT_EQ(std::get<IgvmPage>(guest->directives[5]).type, IgvmPageType::kCpuidXf);
  EXPECT_TRUE(std::get<IgvmPage>(guest->directives[6]).unmeasured);
  EXPECT_EQ(std::get<IgvmParameters>(guest->directives[7]).gpa, 0x10000u);
  EXPECT_EQ(std::get<IgvmParameters>(guest->directives[7]).size, 0x2000u);
  const auto& context = std::get<IgvmVpContext>(guest->directives[8]);
  EXPECT_EQ(context.gpa, kKvmAddress);
  EXPECT_EQ(ToBytes(context.data), PlainVmsa());
  ASSERT_TRUE(guest->id_block);
  EXPECT_EQ(ToBytes(guest->id_block->launch_digest), Bytes(48, 0x77));
  EXPECT_EQ(ToBytes(guest->id_block->family_id), Bytes(16, 0xFA));
  EXPECT_EQ(ToBytes(guest->id_block->image_id), Bytes(16, 0x1A));
  EXPECT_EQ(guest->id_block->guest_svn, 7u);
}

TEST(IgvmFile, EachPlatformHasItsOwn) {
  const Bytes file = SvsmFile().Write();
  const auto tdx = Read(file, IgvmPlatform::kTdx);
  ASSERT_TRUE(tdx);
  ASSERT_EQ(tdx->directives.size(), 2u);
  EXPECT_EQ(std::get<IgvmPage>(tdx->directives[1]).gpa, 0xA000u);
  EXPECT_EQ(tdx->guest_policy, 0u);
  EXPECT_FALSE(tdx->id_block);
  const auto none = Read(file, IgvmPlatform::kVsmIsolation);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.findings().front().reason, Reason::kFirmwareNotSnp);
  EXPECT_EQ(none.findings().front().actual, "TDX, SEV_SNP");
}

TEST(IgvmFile, Version2HasArchitectureAndPageSize) {
  PlainIgvm plain = SvsmFile();
  plain.version = 2;
  const Bytes file = plain.Write();
  EXPECT_TRUE(Read(file));
  for (const auto& [offset, reason, claim] :
       {std::tuple(24, Reason::kFirmwareNotSnp, "architecture"), std::tuple(28, Reason::kVersionUnsupported, "page_size")}) {
    Bytes other = file;
    Overwrite(other, static_cast<std::size_t>(offset), 4, 1);
    const auto guest = Read(WithChecksum(other));
    ASSERT_FALSE(guest) << claim;
    EXPECT_EQ(guest.findings().front().reason, reason);
    EXPECT_EQ(guest.findings().front().claim, claim);
  }
}

TEST(IgvmFile, RefusesEachDefectByName) {
  struct Defect {
    const char* claim;
    Reason reason;
    std::function<void(PlainIgvm&)> make;
  };
  const Bytes page = PageOf(1);
  for (const Defect& defect : {
           Defect{"SUPPORTED_PLATFORM).compatibility_mask", Reason::kFirmwareMalformed, [](auto& f) { f.Platform(2, 3); }},
           Defect{"SUPPORTED_PLATFORM).compatibility_mask", Reason::kFirmwareMalformed, [](auto& f) { f.Platform(2, 0); }},
           Defect{"SUPPORTED_PLATFORM).platform_version", Reason::kVersionUnsupported, [](auto& f) { f.Platform(2, 1, 2); }},
           Defect{"SUPPORTED_PLATFORM).platform_type", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Platform(2, 4); }},
           Defect{"GUEST_POLICY).policy", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Policy(1).Policy(1); }},
           Defect{"RELOCATABLE_REGION).compatibility_mask", Reason::kFirmwareUnpredictable,
                  [](auto& f) {
                    Bytes c(48, 0);
                    c[0] = 1;
                    f.Platform().Header(0x102, c);
                  }},
           Defect{"PAGE_TABLE_RELOCATION_REGION).compatibility_mask", Reason::kFirmwareUnpredictable,
                  [](auto& f) {
                    Bytes c(32, 0);
                    c[0] = 1;
                    f.Platform().Header(0x103, c);
                  }},
           Defect{"header 1.type", Reason::kFirmwareUnpredictable, [](auto& f) { f.Platform().Header(0x306, Bytes(8, 0)); }},
           Defect{"header 1.type", Reason::kFirmwareUnpredictable, [](auto& f) { f.Platform().Header(0x314, Bytes(8, 0)); }},
           Defect{"header 1.type", Reason::kFirmwareUnpredictable, [](auto& f) { f.Platform().Header(0x80000302, Bytes(24, 0)); }},
           Defect{"header 0.type", Reason::kFirmwareUnpredictable, [](auto& f) { f.Header(0, {}); }},
           Defect{"PAGE_DATA).length", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Header(0x302, Bytes(16, 0)); }},
           Defect{"PAGE_DATA).length", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Header(0x302, Bytes(32, 0)); }},
           Defect{"GUEST_POLICY).type", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Page(0).Policy(1); }},
           Defect{"SUPPORTED_PLATFORM).type", Reason::kFirmwareMalformed, [](auto& f) { f.Platform(3, 2).Policy(1).Platform(); }},
           Defect{"PARAMETER_AREA).number_of_bytes", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Area(0, 4095); }},
           Defect{"PARAMETER_AREA).parameter_area_index", Reason::kFirmwareMalformed,
                  [](auto& f) { f.Platform().Area(0, 4096).Area(0, 4096); }},
           Defect{"PARAMETER_INSERT).parameter_area_index", Reason::kFirmwareMalformed,
                  [](auto& f) { f.Platform().Insert(0, 0).Area(0, 4096); }},
           Defect{"PARAMETER_INSERT).parameter_area_index", Reason::kFirmwareMalformed,
                  [](auto& f) { f.Platform().Area(0, 4096).Insert(0, 0).Insert(0x5000, 0); }},
           Defect{"PARAMETER_INSERT).parameter_area_index", Reason::kSizeOverLimit,
                  [](auto& f) { f.Platform().Area(0, kMaxIgvmParameters + 4096).Insert(0, 0); }},
           Defect{"PARAMETER_INSERT).parameter_area_index", Reason::kSizeOverLimit,
                  [](auto& f) { f.Platform().Area(0, kMaxIgvmParameters).Area(1, 4096).Insert(0, 0).Insert(std::uint64_t{1} << 40, 1); }},
           Defect{"PARAMETER_INSERT).parameter_area_index", Reason::kSizeOverLimit,
                  [](auto& f) { f.Platform().Area(0, 4096).Area(1, ~std::uint64_t{0xFFF}).Insert(0, 0).Insert(0x5000, 1); }},
           Defect{"PARAMETER_INSERT).gpa", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Area(0, 4096).Insert(0x10, 0); }},
           Defect{"PAGE_DATA).gpa", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Page(0x8001); }},
           Defect{"PAGE_DATA).gpa", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Page(std::uint64_t{1} << 52); }},
           Defect{"PAGE_DATA).gpa", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Page(~std::uint64_t{0xFFF}); }},
           Defect{"PAGE_DATA).gpa", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Page(0x8000).Page(0x9000).Page(0x8000); }},
           Defect{"PAGE_DATA).gpa", Reason::kFirmwareMalformed,
                  [](auto& f) { f.Platform().Page(0x8000).Area(0, 0x3000).Page(0xC000).Insert(0xA000, 0).Page(0x9000); }},
           Defect{"PAGE_DATA).flags", Reason::kFirmwareUnpredictable, [](auto& f) { f.Platform().Page(0x200000, {}, 0, 1); }},
           Defect{"PAGE_DATA).flags", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Page(0, {}, 0, 8); }},
           Defect{"PAGE_DATA).data_type", Reason::kFirmwareUnpredictable, [](auto& f) { f.Platform().Page(0, {}, 4); }},
           Defect{"PAGE_DATA).file_offset", Reason::kFirmwareMalformed,
                  [&](auto& f) { f.Platform().Page(0, ToBytes(ByteView(page).first(4095))); }},
           Defect{"VP_CONTEXT).file_offset", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Vp(kKvmAddress, {}); }},
           Defect{"VP_CONTEXT).vp_index", Reason::kFirmwareMalformed,
                  [](auto& f) { f.Platform().Vp(kKvmAddress, PlainVmsa()).Vp(kKvmAddress, PlainVmsa()); }},
           Defect{"VP_CONTEXT).gpa", Reason::kFirmwareMalformed,
                  [](auto& f) { f.Platform().Vp(0x8000, PlainVmsa()).Page(0x9000).Vp(0x9000, PlainVmsa(), 1); }},
           Defect{"VP_CONTEXT).gpa", Reason::kFirmwareMalformed, [](auto& f) { f.Platform().Vp(0x10, PlainVmsa()); }},
           Defect{"SNP_ID_BLOCK).ld", Reason::kFirmwareMalformed,
                  [](auto& f) { f.Platform().IdBlock(Bytes(48, 1)).IdBlock(Bytes(48, 1)); }},
           Defect{"SUPPORTED_PLATFORM", Reason::kFirmwareNotSnp, [](auto&) {}},
       }) {
    PlainIgvm plain;
    defect.make(plain);
    const Bytes file = plain.Write();
    const auto guest = Read(file);
    ASSERT_FALSE(guest) << defect.claim;
    const Finding& finding = guest.findings().front();
    EXPECT_EQ(finding.reason, defect.reason) << Describe(finding);
    EXPECT_THAT(finding.claim, HasSubstr(defect.claim)) << Describe(finding);
    EXPECT_FALSE(finding.expected.empty() || finding.actual.empty()) << Describe(finding);
  }
}

TEST(IgvmFile, RefusesFixedHeadersByName) {
  const Bytes whole = SvsmFile().Write();
  const std::uint64_t size = whole.size();
  for (const auto& [claim, reason, offset, value] : {
           std::tuple("format_version", Reason::kVersionUnsupported, 4, std::uint64_t{0}),
           std::tuple("format_version", Reason::kVersionUnsupported, 4, std::uint64_t{3}),
           std::tuple("variable_header_offset", Reason::kFirmwareMalformed, 8, std::uint64_t{16}),
           std::tuple("variable_header_offset", Reason::kFirmwareMalformed, 8, std::uint64_t{28}),
           std::tuple("variable_header_offset", Reason::kFirmwareMalformed, 8, (size + 8) / 8 * 8),
           std::tuple("variable_header_size", Reason::kFirmwareMalformed, 12, size - 23),
           std::tuple("total_file_size", Reason::kFirmwareMalformed, 16, size - 1),
           std::tuple("total_file_size", Reason::kFirmwareMalformed, 16, size + 1),
       }) {
    Bytes file = whole;
    Overwrite(file, static_cast<std::size_t>(offset), 4, value);
    const auto guest = Read(WithChecksum(file));
    ASSERT_FALSE(guest) << claim << ' ' << value;
    EXPECT_EQ(guest.findings().front().reason, reason) << Describe(guest.findings().front());
    EXPECT_EQ(guest.findings().front().claim, claim) << Describe(guest.findings().front());
  }
}

TEST(IgvmFile, TheChecksumCoversEveryByteOfTheHeaders) {
  const Bytes whole = SvsmFile().Write();
  const std::size_t headers = 24 + NumberAt(whole, 12);
  for (std::size_t at = 0; at < headers; ++at) {
    Bytes file = whole;
    file[at] ^= 0x10;
    EXPECT_FALSE(Read(file)) << at;
  }
  Bytes file = whole;
  file[headers] ^= 0x10;  // data are covered by the measurement alone
  EXPECT_TRUE(Read(file));
}

TEST(IgvmFile, PaddingIsZeroAndWhole) {
  PlainIgvm plain;
  plain.Platform().Vp(kKvmAddress, PlainVmsa());
  const Bytes whole = plain.Write();
  ASSERT_TRUE(Read(whole));
  Bytes file = whole;
  file[24 + 24 + 8 + 20] = 1;
  auto guest = Read(WithChecksum(file));
  ASSERT_FALSE(guest);
  EXPECT_THAT(guest.findings().front().claim, HasSubstr("VP_CONTEXT).padding"));
  for (const std::uint64_t shorter : {1u, 4u, 5u, 28u, 31u}) {  // the headers end in the padding, the content, the frame of the last one
    file = whole;
    Overwrite(file, 12, 4, NumberAt(whole, 12) - shorter);
    guest = Read(WithChecksum(file));
    ASSERT_FALSE(guest) << shorter;
    EXPECT_EQ(guest.findings().front().reason, Reason::kFirmwareMalformed) << shorter;
  }
}

TEST(IgvmFile, NothingShorterIsAFile) {
  const Bytes whole = SvsmFile().Write();
  for (std::size_t size = 0; size < whole.size(); size += size < 700 ? 1 : 511) EXPECT_FALSE(Read(ByteView(whole).first(size))) << size;
  EXPECT_FALSE(IsIgvm(AsBytes("IGV")));
}

TEST(IgvmFile, TakesWhatIsJustInsideTheLimits) {
  PlainIgvm plain;
  plain.Platform(2, 0x80000000).Area(9, kMaxIgvmParameters).Area(10, 0);
  plain.Insert(0, 9, 0x80000000)
      .Insert(kMaxIgvmParameters, 10, 0xFFFFFFFF)
      .Page((std::uint64_t{1} << 52) - 4096, {}, 0, 0, 0x80000000)
      .Page(kMaxIgvmParameters, {}, 0, 0, 0x80000000);
  const auto guest = Read(plain.Write());
  ASSERT_TRUE(guest) << Describe(guest.findings().front());
  EXPECT_EQ(guest->directives.size(), 4u);
}

TEST(IgvmFile, KvmHasTheStatesOfAllProcessorsAtOneAddress) {
  PlainIgvm plain;
  plain.Platform().Vp(kKvmAddress, PlainVmsa()).Vp(kKvmAddress, PlainVmsa(1), 1);
  EXPECT_TRUE(Read(plain.Write()));
}

}  // namespace
}  // namespace assay::evidence

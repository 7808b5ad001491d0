#include "evidence/sev_snp/firmware.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/sev_snp/plain_ovmf.h"

namespace assay::sev_snp {
namespace {

using test::PlainOvmf;
using ::testing::HasSubstr;

TEST(SevFirmware, ReadsWhatTheMetadataSay) {
  const auto firmware = ReadSevFirmware(test::AmdSev().Write());
  ASSERT_TRUE(firmware);
  ASSERT_EQ(firmware->sections.size(), 7u);
  EXPECT_EQ(firmware->sections[1].address, 0x80A000u);
  EXPECT_EQ(firmware->sections[1].size, 0x3000u);
  EXPECT_EQ(firmware->sections[2].type, SevSectionType::kSecrets);
  EXPECT_EQ(firmware->sections[6].type, SevSectionType::kKernelHashes);
  EXPECT_EQ(firmware->reset_eip, 0x80B004u);
  EXPECT_EQ(firmware->hash_table_address, 0x810C00u);
  const auto plain = ReadSevFirmware(test::OvmfX64().Write());
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->hash_table_address);
}

TEST(SevFirmware, RefusesEachDefectByName) {
  struct Defect {
    const char* claim;
    Reason reason;
    std::function<void(PlainOvmf&)> make;
  };
  for (const Defect& defect : {
           Defect{"GUID of the table", Reason::kFirmwareNotSnp, [](auto& o) { o.footer = 0xDF; }},
           Defect{"SEV metadata offset", Reason::kFirmwareNotSnp, [](auto& o) { o.offset_size = 0; }},
           Defect{"reset vector", Reason::kFirmwareNotSnp, [](auto& o) { o.reset_size = 0; }},
           Defect{"SEV metadata offset", Reason::kFirmwareMalformed, [](auto& o) { o.offset_size = 8; }},
           Defect{"reset vector", Reason::kFirmwareMalformed, [](auto& o) { o.reset_size = 8; }},
           Defect{"GUID table entry", Reason::kFirmwareMalformed, [](auto& o) { o.offset_entries = 2; }},
           Defect{"GUID table entry", Reason::kFirmwareMalformed, [](auto& o) { o.entry_length_more = -5; }},
           Defect{"GUID table entry", Reason::kFirmwareMalformed, [](auto& o) { o.entry_length_more = 4000; }},
           Defect{"GUID table", Reason::kFirmwareMalformed, [](auto& o) { o.table_length_more = 10000; }},
           Defect{"GUID table", Reason::kFirmwareMalformed, [](auto& o) { o.table_length_more = -3; }},
           Defect{"GUID table", Reason::kSizeOverLimit, [](auto& o) { o.unknown_entries = 65; }},
           Defect{"SEV metadata offset", Reason::kFirmwareMalformed, [](auto& o) { o.offset_more = 10000; }},
           Defect{"SIGNATURE", Reason::kFirmwareMalformed, [](auto& o) { o.offset_more = 4; }},
           Defect{"SIGNATURE", Reason::kFirmwareMalformed, [](auto& o) { o.signature = "TDVF"; }},
           Defect{"VERSION", Reason::kVersionUnsupported, [](auto& o) { o.version = 2; }},
           Defect{"NUMBER_OF_SECTIONS", Reason::kSizeOverLimit, [](auto& o) { o.count_more = 58; }},
           Defect{"LENGTH", Reason::kFirmwareMalformed, [](auto& o) { o.count_more = 1; }},
           Defect{"LENGTH", Reason::kFirmwareMalformed, [](auto& o) { o.length_more = -12; }},
           Defect{"section 0.TYPE", Reason::kFirmwareUnpredictable, [](auto& o) { o.sections[0].type = 5; }},
           Defect{"section 0.TYPE", Reason::kFirmwareUnpredictable, [](auto& o) { o.sections[0].type = 0; }},
           Defect{"section 0 (SecMem).BASE", Reason::kFirmwareMalformed, [](auto& o) { o.sections[0].address += 8; }},
           Defect{"section 0 (SecMem).SIZE", Reason::kFirmwareMalformed, [](auto& o) { o.sections[0].size = 0; }},
           Defect{"section 0 (SecMem).SIZE", Reason::kFirmwareMalformed, [](auto& o) { o.sections[0].size = 0x800; }},
           Defect{"section 2 (Secrets).SIZE", Reason::kFirmwareMalformed,
                  [](auto& o) {
                    o.sections[2] = {0x900000, 0x2000, 2};
                  }},
           Defect{"section 3 (CPUID).SIZE", Reason::kFirmwareMalformed,
                  [](auto& o) {
                    o.sections[3] = {0x900000, 0x2000, 3};
                  }},
           Defect{"section 1 (SecMem).BASE", Reason::kFirmwareMalformed, [](auto& o) { o.sections[1].address = 0x808000; }},
           Defect{"section 0 (SecMem).BASE", Reason::kFirmwareMalformed, [](auto& o) { o.sections[0].address = 0xFFFF7000; }},
           Defect{"section 0 (SecMem).BASE", Reason::kFirmwareMalformed, [](auto& o) { o.sections[0].size = 0xFFFFF000; }},
           Defect{"SIZE of all sections", Reason::kSizeOverLimit,
                  [](auto& o) {
                    o.sections.push_back({0x10000000, 0x10000000, 1});
                  }},
           Defect{"section 7 (KernelHashes).TYPE", Reason::kFirmwareMalformed,
                  [](auto& o) {
                    o.sections.push_back({0x900000, 0x1000, 0x10});
                  }},
           Defect{"address of the kernel hashes", Reason::kFirmwareMalformed, [](auto& o) { o.hash_table = 0x80FFFF; }},
           Defect{"address of the kernel hashes", Reason::kFirmwareMalformed, [](auto& o) { o.hash_table = 0x810F51; }},
       }) {
    PlainOvmf ovmf = test::AmdSev();
    defect.make(ovmf);
    const auto firmware = ReadSevFirmware(ovmf.Write());
    ASSERT_FALSE(firmware) << defect.claim;
    const Finding& finding = firmware.findings().front();
    EXPECT_EQ(finding.reason, defect.reason) << Describe(finding);
    EXPECT_THAT(finding.claim + finding.expected, HasSubstr(defect.claim)) << Describe(finding);
    EXPECT_FALSE(finding.expected.empty() || finding.actual.empty()) << Describe(finding);
  }
}

TEST(SevFirmware, TakesWhatIsJustInsideTheLimits) {
  PlainOvmf ovmf = test::AmdSev();
  ovmf.hash_table = 0x810F50;  // its 176 bytes end with the page
  EXPECT_TRUE(ReadSevFirmware(ovmf.Write()));
  ovmf = test::AmdSev();
  ovmf.sections[0] = {0xFFFF0000, 0xE000, 1};  // up to the image
  EXPECT_TRUE(ReadSevFirmware(ovmf.Write()));
  ovmf = test::OvmfX64();
  while (ovmf.sections.size() < kMaxSevSections) {
    ovmf.sections.push_back({static_cast<std::uint32_t>(0x900000 + ovmf.sections.size() * 0x1000), 0x1000, 1});
  }
  EXPECT_TRUE(ReadSevFirmware(ovmf.Write()));
}

TEST(SevFirmware, NeedsAWholeImage) {
  const Bytes image = test::AmdSev().Write();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{49}, std::size_t{4095}, image.size() - 1}) {
    const auto cut = ReadSevFirmware(ByteView(image).last(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.findings().front().reason, Reason::kFirmwareNotSnp) << size;
  }
  // An image without its first page is one as well: FirmwareDigest tells them apart.
  EXPECT_TRUE(ReadSevFirmware(ByteView(image).last(4096)));
}

TEST(SevFirmware, OfAnSvsmIsItsOwn) {
  const Bytes image = test::Svsm().Write();
  const std::uint64_t end = 0xFFF00000;
  const auto svsm = ReadSvsm(image, end);
  ASSERT_TRUE(svsm) << Describe(svsm.findings().front());
  EXPECT_EQ(svsm->reset_eip, end - image.size() + 0x1234);
  EXPECT_EQ(svsm->sections.size(), 3u);
  EXPECT_FALSE(svsm->hash_table_address);

  PlainOvmf beyond = test::Svsm(), above = test::Svsm(), touching = test::Svsm();
  beyond.svsm_first = static_cast<std::uint32_t>(image.size());
  above.sections.push_back({0xFFF00000, 0x1000, 1});  // where the firmware or its variables may be
  touching.sections.push_back({static_cast<std::uint32_t>(end - image.size()), 0x1000, 1});
  for (const auto& [plain, reason, claim] :
       {std::tuple(test::AmdSev(), Reason::kFirmwareNotSnp, "GUID table"),
        std::tuple(beyond, Reason::kFirmwareMalformed, "first instruction"), std::tuple(above, Reason::kFirmwareMalformed, "BASE"),
        std::tuple(touching, Reason::kFirmwareMalformed, "BASE")}) {
    const auto refused = ReadSvsm(plain.Write(), end);
    ASSERT_FALSE(refused) << claim;
    EXPECT_EQ(refused.findings().front().reason, reason);
    EXPECT_EQ(refused.findings().front().component, "svsm");
    EXPECT_THAT(refused.findings().front().claim, HasSubstr(claim));
  }
  EXPECT_FALSE(ReadSvsm(image, image.size()));  // nothing below it
  EXPECT_FALSE(ReadSvsm(ByteView(image).first(4096 + 10), end));
  EXPECT_FALSE(ReadSevFirmware(image));  // no reset vector
}

}  // namespace
}  // namespace assay::sev_snp

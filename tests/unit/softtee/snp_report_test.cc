#include "tests/softtee/snp_report.h"

#include <gmock/gmock.h>

#include "base/hex.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::softtee {
namespace {

Bytes Slice(const Bytes& report, std::size_t offset, std::size_t size) {
  return Bytes(report.begin() + static_cast<std::ptrdiff_t>(offset), report.begin() + static_cast<std::ptrdiff_t>(offset + size));
}

template <std::size_t N>
void Fill(ByteArray<N>& field, std::uint8_t value) {
  field.fill(value);
}

// A report in which every field holds a number of its own.
SnpReport Numbered(std::uint32_t version) {
  SnpReport report;
  report.version = version;
  report.guest_svn = 0x02020202;
  report.policy = 0x0303030303030303;
  Fill(report.family_id, 0x04);
  Fill(report.image_id, 0x05);
  report.vmpl = 0x06060606;
  report.signature_algo = 0x07070707;
  Fill(report.current_tcb, 0x08);
  report.platform_info = 0x0909090909090909;
  report.signer_info = 0x0A0A0A0A;
  Fill(report.report_data, 0x0B);
  Fill(report.measurement, 0x0C);
  Fill(report.host_data, 0x0D);
  Fill(report.id_key_digest, 0x0E);
  Fill(report.author_key_digest, 0x0F);
  Fill(report.report_id, 0x10);
  Fill(report.report_id_ma, 0x11);
  Fill(report.reported_tcb, 0x12);
  report.cpuid_family = 0x13;
  report.cpuid_model = 0x14;
  report.cpuid_stepping = 0x15;
  Fill(report.chip_id, 0x16);
  Fill(report.committed_tcb, 0x17);
  report.current_version = {.build = 0x18, .minor = 0x19, .major = 0x1A};
  report.committed_version = {.build = 0x1B, .minor = 0x1C, .major = 0x1D};
  Fill(report.launch_tcb, 0x1E);
  report.launch_mit_vector = 0x1F1F1F1F1F1F1F1F;
  report.current_mit_vector = 0x2020202020202020;
  return report;
}

struct Expected {
  std::size_t offset;
  std::size_t size;
  std::uint8_t value;
};

// AMD 56860 section 7.3, read off by hand: offset, size, and the number that Numbered() puts there (0: reserved).
const std::vector<Expected> kCommon = {
    {0x004, 4, 0x02},  {0x008, 8, 0x03},  {0x010, 16, 0x04}, {0x020, 16, 0x05}, {0x030, 4, 0x06},  {0x034, 4, 0x07},
    {0x038, 8, 0x08},  {0x040, 8, 0x09},  {0x048, 4, 0x0A},  {0x04C, 4, 0x00},  {0x050, 64, 0x0B}, {0x090, 48, 0x0C},
    {0x0C0, 32, 0x0D}, {0x0E0, 48, 0x0E}, {0x110, 48, 0x0F}, {0x140, 32, 0x10}, {0x160, 32, 0x11}, {0x180, 8, 0x12},
    {0x1A0, 64, 0x16}, {0x1E0, 8, 0x17},  {0x1E8, 1, 0x18},  {0x1E9, 1, 0x19},  {0x1EA, 1, 0x1A},  {0x1EB, 1, 0x00},
    {0x1EC, 1, 0x1B},  {0x1ED, 1, 0x1C},  {0x1EE, 1, 0x1D},  {0x1EF, 1, 0x00},  {0x1F0, 8, 0x1E},  {0x2A0, 512, 0x00},
};
const std::vector<Expected> kWithoutCpuid = {{0x188, 24, 0x00}};
const std::vector<Expected> kWithCpuid = {{0x188, 1, 0x13}, {0x189, 1, 0x14}, {0x18A, 1, 0x15}, {0x18B, 21, 0x00}};
const std::vector<Expected> kWithoutMitigation = {{0x1F8, 168, 0x00}};
const std::vector<Expected> kWithMitigation = {{0x1F8, 8, 0x1F}, {0x200, 8, 0x20}, {0x208, 152, 0x00}};

class Layout : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Versions, Layout, testing::Values(2, 3, 4, 5));

TEST_P(Layout, HasEveryFieldAtTheSpecifiedOffset) {
  const std::uint32_t version = GetParam();
  const Bytes report = Numbered(version).Serialize();
  ASSERT_EQ(report.size(), 1184u);
  EXPECT_EQ(Slice(report, 0, 4), (Bytes{static_cast<std::uint8_t>(version), 0, 0, 0}));
  std::size_t covered = 4;
  for (const auto& part : {kCommon, version < 3 ? kWithoutCpuid : kWithCpuid, version < 5 ? kWithoutMitigation : kWithMitigation}) {
    for (const Expected& field : part) {
      EXPECT_EQ(Slice(report, field.offset, field.size), Bytes(field.size, field.value)) << std::hex << field.offset;
      covered += field.size;
    }
  }
  EXPECT_EQ(covered, 1184u) << "the expectations leave a hole";
}

TEST(SnpReport, WritesIntegersLittleEndian) {
  SnpReport report;
  report.policy = 0x0000000000030000;
  report.guest_svn = 0x01020304;
  const Bytes bytes = report.Serialize();
  EXPECT_EQ(ToHex(Slice(bytes, 0x004, 12)), "040302010000030000000000");
}

TEST(SnpReport, EncodesTheTcbOfEachProduct) {
  const Tcb tcb{.fmc = 1, .boot_loader = 2, .tee = 3, .snp = 4, .microcode = 5};
  EXPECT_EQ(ToHex(Encode(Product::kMilan, tcb)), "0203000000000405");
  EXPECT_EQ(ToHex(Encode(Product::kGenoa, tcb)), "0203000000000405");
  EXPECT_EQ(ToHex(Encode(Product::kTurin, tcb)), "0102030400000005");
}

TEST(SnpReport, PatchesAreSigned) {
  SnpReport report;
  report.patches = {{0x29F, 0xAB}};
  EXPECT_EQ(report.Serialize()[0x29F], 0xAB);
}

TEST(SnpReport, SignatureFillsOnly48BytesOfEachSlot) {
  const Bytes report = SnpReport().Sign(Key::Derive(AsBytes("a key")));
  EXPECT_FALSE(AllZero(Slice(report, 0x2A0, 48)));
  EXPECT_TRUE(AllZero(Slice(report, 0x2D0, 24)));
  EXPECT_FALSE(AllZero(Slice(report, 0x2E8, 48)));
  EXPECT_TRUE(AllZero(Slice(report, 0x318, 24)));
  EXPECT_TRUE(AllZero(Slice(report, 0x330, 368)));
}

}  // namespace
}  // namespace assay::softtee

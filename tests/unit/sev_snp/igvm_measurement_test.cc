// Launch digests of IGVM files, against page by page hashing written out a second time. The crate microsoft/igvm agrees on 150 random files.
#include "evidence/sev_snp/igvm_measurement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "tests/unit/sev_snp/plain_igvm.h"

namespace assay::sev_snp {
namespace {

using test::AddPage;
using test::PageOf;
using test::PlainIgvm;
using ::testing::HasSubstr;

crypto::Sha384Digest DigestOf(const PlainIgvm& plain, IgvmLoader loader) {
  const Bytes file = plain.Write();
  const auto guest = ReadIgvm(file);
  EXPECT_TRUE(guest) << Describe(guest.findings().front());
  if (!guest) return {};
  const auto digest = LaunchDigest(*guest, loader);
  EXPECT_TRUE(digest) << Describe(digest.findings().front());
  return digest ? *digest : crypto::Sha384Digest{};
}

// Of test::SvsmFile(), as far as both loaders agree.
void AddPages(Bytes& digest, bool hash_zeros) {
  AddPage(digest, 1, 0x8000, PageOf(0xA1));
  AddPage(digest, 1, 0x9000, PageOf(0xA2));
  if (hash_zeros) AddPage(digest, 1, 0xB000, PageOf(0));
  else AddPage(digest, 3, 0xB000);
  AddPage(digest, 5, 0xC000);
  AddPage(digest, 6, 0xD000);
  AddPage(digest, 6, 0xE000);
  AddPage(digest, 4, 0xF000);
  AddPage(digest, 4, 0x10000);
  AddPage(digest, 4, 0x11000);
}

TEST(IgvmMeasurement, IsTheHashOfTheLoadersCalls) {
  Bytes qemu(48, 0), hyperv(48, 0);
  AddPages(qemu, false);
  AddPage(qemu, 2, test::kKvmAddress, test::PlainVmsa());
  AddPages(hyperv, true);
  AddPage(hyperv, 2, test::kKvmAddress, test::PlainVmsa());
  EXPECT_EQ(ToBytes(DigestOf(test::SvsmFile(), IgvmLoader::kQemu)), qemu);
  EXPECT_EQ(ToBytes(DigestOf(test::SvsmFile(), IgvmLoader::kHyperV)), hyperv);
}

TEST(IgvmMeasurement, QemuMeasuresProcessorsLastAndHyperVWhereTheyAre) {
  PlainIgvm plain;
  plain.Platform().Vp(test::kKvmAddress, test::PlainVmsa(2), 1).Page(0x8000, PageOf(7)).Vp(test::kKvmAddress, test::PlainVmsa(1), 0);
  Bytes qemu(48, 0), hyperv(48, 0);
  AddPage(qemu, 1, 0x8000, PageOf(7));
  AddPage(qemu, 2, test::kKvmAddress, test::PlainVmsa(1));
  AddPage(qemu, 2, test::kKvmAddress, test::PlainVmsa(2));
  AddPage(hyperv, 2, test::kKvmAddress, test::PlainVmsa(2));
  AddPage(hyperv, 1, 0x8000, PageOf(7));
  AddPage(hyperv, 2, test::kKvmAddress, test::PlainVmsa(1));
  EXPECT_EQ(ToBytes(DigestOf(plain, IgvmLoader::kQemu)), qemu);
  EXPECT_EQ(ToBytes(DigestOf(plain, IgvmLoader::kHyperV)), hyperv);
}

TEST(IgvmMeasurement, SharedPagesAreNoPartOfIt) {
  PlainIgvm without, with;
  without.Platform().Page(0x8000, PageOf(1)).Vp(0x5000, test::PlainVmsa());
  with.Platform().Page(0x8000, PageOf(1)).Page(0x9000, PageOf(2), 0, 4).Vp(0x5000, test::PlainVmsa());
  EXPECT_EQ(DigestOf(with, IgvmLoader::kHyperV), DigestOf(without, IgvmLoader::kHyperV));
}

TEST(IgvmMeasurement, EveryPageCountsByContentPlaceKindAndOrder) {
  const auto of = [](std::uint64_t gpa, Bytes data, std::uint16_t type, std::uint32_t flags, bool late) {
    PlainIgvm plain;
    plain.Platform();
    if (late) plain.Page(0x20000, PageOf(9));
    plain.Page(gpa, std::move(data), type, flags);
    if (!late) plain.Page(0x20000, PageOf(9));
    plain.Vp(test::kKvmAddress, test::PlainVmsa());
    return DigestOf(plain, IgvmLoader::kQemu);
  };
  std::set<crypto::Sha384Digest> seen;
  EXPECT_TRUE(seen.insert(of(0x8000, PageOf(1), 0, 0, false)).second);
  EXPECT_TRUE(seen.insert(of(0x9000, PageOf(1), 0, 0, false)).second);
  EXPECT_TRUE(seen.insert(of(0x8000, PageOf(2), 0, 0, false)).second);
  EXPECT_TRUE(seen.insert(of(0x8000, PageOf(1), 0, 2, false)).second);
  EXPECT_TRUE(seen.insert(of(0x8000, PageOf(1), 1, 0, false)).second);
  EXPECT_TRUE(seen.insert(of(0x8000, PageOf(1), 2, 0, false)).second);
  EXPECT_FALSE(seen.insert(of(0x8000, PageOf(2), 3, 0, false)).second);  // CPUID alike, whatever its content
  EXPECT_TRUE(seen.insert(of(0x8000, {}, 0, 0, false)).second);
  EXPECT_TRUE(seen.insert(of(0x8000, PageOf(1), 0, 0, true)).second);
}

TEST(IgvmMeasurement, RefusesWhatQemuDoesOtherwise) {
  PlainIgvm elsewhere, shared;
  elsewhere.Platform().Vp(0x5000, test::PlainVmsa());
  shared.Platform().Page(0x8000, PageOf(1), 0, 4).Vp(test::kKvmAddress, test::PlainVmsa());
  for (const auto& [plain, claim] : {std::pair(elsewhere, "VMSA of processor 0.gpa"), std::pair(shared, "flags")}) {
    const Bytes file = plain.Write();
    const auto guest = ReadIgvm(file);
    ASSERT_TRUE(guest);
    const auto digest = LaunchDigest(*guest, IgvmLoader::kQemu);
    ASSERT_FALSE(digest) << claim;
    EXPECT_EQ(digest.findings().front().reason, Reason::kFirmwareUnpredictable);
    EXPECT_EQ(digest.findings().front().claim, claim);
    EXPECT_TRUE(LaunchDigest(*guest, IgvmLoader::kHyperV)) << claim;
  }
}

TEST(IgvmMeasurement, AGuestOfSevSnpHasAProcessorWithSnpActive) {
  PlainIgvm none, inactive, of_tdx;
  none.Platform().Page(0x8000);
  Bytes state = test::PlainVmsa();
  state[0x3B0] = 0x20;
  inactive.Platform().Vp(test::kKvmAddress, state);
  of_tdx.Platform(3).Page(0x8000);
  for (const auto& [plain, reason, claim] :
       {std::tuple(none, Reason::kFirmwareMalformed, "VP_CONTEXT"), std::tuple(inactive, Reason::kFirmwareMalformed, "SEV_FEATURES"),
        std::tuple(of_tdx, Reason::kFirmwareNotSnp, "SUPPORTED_PLATFORM")}) {
    const Bytes file = plain.Write();
    const auto guest = ReadIgvm(file);
    ASSERT_FALSE(guest) << claim;
    EXPECT_EQ(guest.findings().front().reason, reason);
    EXPECT_THAT(guest.findings().front().claim, HasSubstr(claim));
  }
}

TEST(IgvmMeasurement, IsWhatTheFilesIdBlockDemands) {
  PlainIgvm plain = test::SvsmFile();
  const crypto::Sha384Digest digest = DigestOf(plain, IgvmLoader::kQemu);
  const Bytes without = plain.Write(), with = plain.IdBlock(digest).Write(), other = test::SvsmFile().IdBlock(Bytes(48, 1)).Write();
  EXPECT_FALSE(CompareWithIdBlock(digest, *ReadIgvm(without)));
  const auto guest = ReadIgvm(with);
  EXPECT_EQ(*LaunchDigest(*guest, IgvmLoader::kQemu), digest);  // the block is no part of it
  EXPECT_FALSE(CompareWithIdBlock(digest, *guest));
  const auto objection = CompareWithIdBlock(digest, *ReadIgvm(other));
  ASSERT_TRUE(objection);
  EXPECT_EQ(objection->reason, Reason::kLaunchDigestMismatch);
}

TEST(IgvmMeasurement, LoadersHaveNames) {
  for (const IgvmLoader loader : {IgvmLoader::kHyperV, IgvmLoader::kQemu}) EXPECT_EQ(IgvmLoaderNamed(NameOf(loader)), loader);
  EXPECT_FALSE(IgvmLoaderNamed("ec2"));
}

}  // namespace
}  // namespace assay::sev_snp

// Launch digests against page by page hashing written out a second time. Values that another program computed are in the vectors.
#include "evidence/sev_snp/launch_measurement.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/sev_snp/plain_ovmf.h"

namespace assay::sev_snp {
namespace {

using test::AddPage;
using test::PlainOvmf;

void Set(Bytes& page, std::size_t offset, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) page[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

// As KVM leaves it after a reset.
Bytes QemuVmsa(std::uint32_t eip, std::uint32_t signature, std::uint64_t features) {
  Bytes page(4096, 0);
  const auto segment = [&](std::size_t at, std::uint16_t attributes) {
    Set(page, at + 2, 2, attributes);
    Set(page, at + 4, 4, 0xFFFF);
  };
  for (const std::size_t at : {0x00u, 0x20u, 0x30u, 0x40u, 0x50u}) segment(at, 0x93);
  segment(0x10, 0x9B);
  Set(page, 0x10, 2, 0xF000);
  Set(page, 0x18, 8, eip & 0xFFFF0000);
  segment(0x60, 0);
  segment(0x70, 0x82);
  segment(0x80, 0);
  segment(0x90, 0x8B);
  Set(page, 0xD0, 8, 0x1000);
  Set(page, 0x148, 8, 0x40);
  Set(page, 0x158, 8, 0x10);
  Set(page, 0x160, 8, 0x400);
  Set(page, 0x168, 8, 0xFFFF0FF0);
  Set(page, 0x170, 8, 2);
  Set(page, 0x178, 8, eip & 0xFFFF);
  Set(page, 0x268, 8, 0x7040600070406);
  Set(page, 0x310, 8, signature);
  Set(page, 0x3B0, 8, features);
  Set(page, 0x3E8, 8, 1);
  Set(page, 0x408, 4, 0x1F80);
  Set(page, 0x410, 2, 0x37F);
  return page;
}

crypto::Sha384Digest DigestOf(const PlainOvmf& plain, const Launch& launch) {
  const Bytes image = plain.Write();
  const auto firmware = ReadSevFirmware(image);
  EXPECT_TRUE(firmware);
  const auto digest = LaunchDigest(FirmwareDigest(image), *firmware, launch);
  EXPECT_TRUE(digest);
  return digest ? *digest : crypto::Sha384Digest{};
}

Launch Milan(std::uint32_t vcpus) { return {.vmm = Vmm::kQemu, .vcpus = vcpus, .vcpu_signature = *SignatureOfModel("EPYC-Milan")}; }

TEST(LaunchDigest, IsTheHashOfTheHypervisorsCalls) {
  const PlainOvmf plain = test::AmdSev();
  const Bytes image = plain.Write();
  Bytes expected(48, 0);
  for (std::size_t at = 0; at < image.size(); at += 4096) {
    AddPage(expected, 1, 0x100000000 - image.size() + at, ByteView(image).subspan(at, 4096));
  }
  for (const test::PlainSection& section : plain.sections) {
    const std::uint8_t type = section.type == 2 ? 5 : section.type == 3 ? 6 : 3;
    for (std::uint32_t at = 0; at < section.size; at += 4096) AddPage(expected, type, section.address + at, {});
  }
  AddPage(expected, 2, 0xFFFFFFFFF000, QemuVmsa(0xFFFFFFF0, 0xA00F11, 1));
  for (int i = 0; i < 2; ++i) AddPage(expected, 2, 0xFFFFFFFFF000, QemuVmsa(0x80B004, 0xA00F11, 1));
  EXPECT_EQ(ToBytes(DigestOf(plain, Milan(3))), expected);
}

TEST(LaunchDigest, PutsTheHashesOfKernelInitrdAndCommandLineWhereTheFirmwareLooks) {
  const PlainOvmf plain = test::AmdSev();
  const Bytes image = plain.Write(), kernel = {1, 2, 3}, initrd = {4, 5};
  Launch launch = Milan(1);
  launch.kernel = HashKernel(kernel, initrd, "console=ttyS0");
  Bytes page(0xC00, 0);
  Append(page, Bytes{0x06, 0xD6, 0x38, 0x94, 0x22, 0x4F, 0xC9, 0x4C, 0xB4, 0x79, 0xA7, 0x93, 0xD4, 0x11, 0xFD, 0x21, 168, 0});
  Append(page, Bytes{0xD8, 0x2D, 0xD0, 0x97, 0x20, 0xBD, 0x94, 0x4C, 0xAA, 0x78, 0xE7, 0x71, 0x4D, 0x36, 0xAB, 0x2A, 50, 0});
  Append(page, crypto::Sha256(AsBytes(std::string_view("console=ttyS0\0", 14))));
  Append(page, Bytes{0x31, 0xF7, 0xBA, 0x44, 0x2F, 0x3A, 0xD7, 0x4B, 0x9A, 0xF1, 0x41, 0xE2, 0x91, 0x69, 0x78, 0x1D, 50, 0});
  Append(page, crypto::Sha256(initrd));
  Append(page, Bytes{0x37, 0x94, 0xE7, 0x4D, 0xD2, 0xAB, 0x7F, 0x42, 0xB8, 0x35, 0xD5, 0xB1, 0x72, 0xD2, 0x04, 0x5B, 50, 0});
  Append(page, crypto::Sha256(kernel));
  page.resize(4096, 0);
  Bytes expected = ToBytes(FirmwareDigest(image));
  for (const test::PlainSection& section : plain.sections) {
    if (section.type == 0x10) AddPage(expected, 1, section.address, page);
    else
      for (std::uint32_t at = 0; at < section.size; at += 4096) {
        AddPage(expected, section.type == 2 ? 5 : section.type == 3 ? 6 : 3, section.address + at, {});
      }
  }
  AddPage(expected, 2, 0xFFFFFFFFF000, QemuVmsa(0xFFFFFFF0, 0xA00F11, 1));
  EXPECT_EQ(ToBytes(DigestOf(plain, launch)), expected);
}

TEST(LaunchDigest, EveryParameterCounts) {
  const PlainOvmf plain = test::AmdSev();
  Launch launch = Milan(2);
  launch.kernel = HashKernel(Bytes{1}, Bytes{2}, "a");
  const crypto::Sha384Digest whole = DigestOf(plain, launch);
  const auto changes = [&](auto change) {
    Launch changed = launch;
    change(changed);
    return DigestOf(plain, changed) != whole;
  };
  EXPECT_FALSE(changes([](Launch&) {}));
  EXPECT_TRUE(changes([](Launch& l) { l.vcpus = 1; }));
  EXPECT_TRUE(changes([](Launch& l) { l.vcpus = 3; }));
  EXPECT_TRUE(changes([](Launch& l) { l.vcpu_signature = *SignatureOfModel("EPYC-Genoa"); }));
  EXPECT_TRUE(changes([](Launch& l) { l.guest_features = 0x21; }));
  EXPECT_TRUE(changes([](Launch& l) { l.vmm = Vmm::kEc2; }));
  EXPECT_TRUE(changes([](Launch& l) { l.vmm = Vmm::kGce; }));
  EXPECT_TRUE(changes([](Launch& l) { l.kernel.reset(); }));
  EXPECT_TRUE(changes([](Launch& l) { l.kernel = HashKernel(Bytes{9}, Bytes{2}, "a"); }));
  EXPECT_TRUE(changes([](Launch& l) { l.kernel = HashKernel(Bytes{1}, Bytes{}, "a"); }));
  EXPECT_TRUE(changes([](Launch& l) { l.kernel = HashKernel(Bytes{1}, Bytes{2}, "b"); }));
  // Of the clouds the model is not in it.
  launch.vmm = Vmm::kGce;
  const crypto::Sha384Digest gce = DigestOf(plain, launch);
  launch.vcpu_signature = 0;
  EXPECT_EQ(DigestOf(plain, launch), gce);
}

TEST(LaunchDigest, FirmwareCountsByteByByteAndByItsPlace) {
  Bytes image = test::OvmfX64().Write();
  const crypto::Sha384Digest whole = FirmwareDigest(image);
  for (const std::size_t at : {std::size_t{0}, std::size_t{4095}, std::size_t{4096}, image.size() - 1}) {
    image[at] ^= 1;
    EXPECT_NE(FirmwareDigest(image), whole) << at;
    image[at] ^= 1;
  }
  Bytes longer(4096, 0);
  Append(longer, image);
  EXPECT_NE(FirmwareDigest(longer), whole);
  EXPECT_NE(FirmwareDigest(ByteView(image).last(4096)), whole);
}

TEST(LaunchDigest, AKernelThatNothingWouldCoverIsRefused) {
  Launch launch = Milan(1);
  launch.kernel = HashKernel(Bytes{1}, {}, "");
  PlainOvmf no_entry = test::AmdSev(), no_section = test::AmdSev();
  no_entry.hash_table = 0;
  no_section.sections.pop_back();
  for (const PlainOvmf& plain : {test::OvmfX64(), no_entry, no_section}) {
    const Bytes image = plain.Write();
    const auto digest = LaunchDigest(FirmwareDigest(image), *ReadSevFirmware(image), launch);
    ASSERT_FALSE(digest);
    EXPECT_EQ(digest.findings().front().reason, Reason::kKernelNotMeasured);
  }
}

TEST(LaunchDigest, Attack125_EachNumberOfVcpusHasItsValue) {
  for (const Vmm vmm : {Vmm::kQemu, Vmm::kEc2, Vmm::kGce}) {
    std::set<crypto::Sha384Digest> seen;
    for (std::uint32_t vcpus = 1; vcpus <= 64; ++vcpus) {
      Launch launch = Milan(vcpus);
      launch.vmm = vmm;
      EXPECT_TRUE(seen.insert(DigestOf(test::OvmfX64(), launch)).second) << vcpus;
    }
  }
}

// As the KVM that was made for SVSMs leaves it, before 6.9.
Bytes SvsmVmsa(std::uint32_t eip, std::uint32_t signature, std::uint64_t features) {
  Bytes page = QemuVmsa(eip, signature, features);
  for (const std::size_t at : {0x00u, 0x20u, 0x30u, 0x40u}) {
    Set(page, at, 2, 16);
    Set(page, at + 2, 2, 0xC93);
    Set(page, at + 4, 4, 0xFFFFFFFF);
  }
  Set(page, 0x10, 2, 8);
  Set(page, 0x12, 2, 0xC9B);
  Set(page, 0x14, 4, 0xFFFFFFFF);
  Set(page, 0x18, 8, 0);
  Set(page, 0x158, 8, 0x11);
  Set(page, 0x178, 8, eip);
  Set(page, 0x408, 4, 0);
  Set(page, 0x410, 2, 0);
  return page;
}

TEST(LaunchDigest, InAnSvsmItIsTheSvsmThatStarts) {
  const Bytes ovmf = test::AmdSev().Write(), svsm = test::Svsm().Write();
  const std::uint64_t begin = 0x100000000 - ovmf.size(), end = begin - 0x84000;
  const auto firmware = ReadSvsm(svsm, end);
  ASSERT_TRUE(firmware) << Describe(firmware.findings().front());
  Launch launch = Milan(3);
  launch.in_svsm = true;
  Bytes expected(48, 0);
  for (std::size_t at = 0; at < ovmf.size(); at += 4096) AddPage(expected, 1, begin + at, ByteView(ovmf).subspan(at, 4096));
  for (std::size_t at = 0; at < svsm.size(); at += 4096) AddPage(expected, 1, end - svsm.size() + at, ByteView(svsm).subspan(at, 4096));
  AddPage(expected, 6, 0x9000);
  AddPage(expected, 5, 0xA000);
  for (std::uint64_t at = 0x10000; at < 0x14000; at += 4096) AddPage(expected, 3, at);
  const auto eip = static_cast<std::uint32_t>(end - svsm.size() + 0x1234);
  for (int i = 0; i < 3; ++i) AddPage(expected, 2, 0xFFFFFFFFF000, SvsmVmsa(eip, 0xA00F11, 1));
  const crypto::Sha384Digest images = FirmwareDigest(svsm, end, FirmwareDigest(ovmf));
  EXPECT_EQ(ToBytes(*LaunchDigest(images, *firmware, launch)), expected);
  // A kernel would not be looked at.
  launch.kernel = HashKernel(Bytes{1}, {}, "");
  const auto kernel = LaunchDigest(images, *firmware, launch);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.findings().front().reason, Reason::kKernelNotMeasured);
  EXPECT_EQ(kernel.findings().front().component, "svsm");
}

TEST(LaunchDigest, NamesAreThoseOfQemu) {
  EXPECT_EQ(SignatureOfModel("EPYC-Rome"), 0x830F10u);
  EXPECT_FALSE(SignatureOfModel("epyc"));
  EXPECT_FALSE(SignatureOfModel(""));
  for (const Vmm vmm : {Vmm::kQemu, Vmm::kEc2, Vmm::kGce}) EXPECT_EQ(VmmNamed(NameOf(vmm)), vmm);
  EXPECT_FALSE(VmmNamed("hyperv"));
}

TEST(LaunchDigest, IsComparedWithAReportThatIsWellFormed) {
  Bytes short_report(1183, 0);
  const auto findings = CompareWithReport({}, trust::UntrustedBytes(short_report));
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().reason, Reason::kLengthWrong);
}

}  // namespace
}  // namespace assay::sev_snp

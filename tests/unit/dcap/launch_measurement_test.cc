// MRTD against the calls written out one after the other, and against values that another program computed.
#include "evidence/dcap/launch_measurement.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/hex.h"
#include "tests/unit/dcap/plain_tdvf.h"

namespace assay::dcap {
namespace {

using test::PlainTdvf;

crypto::Sha384Digest MrtdOf(const PlainTdvf& plain, PageAddOrder order) {
  const Bytes image = plain.Write();
  const auto sections = ReadTdvf(image);
  EXPECT_TRUE(sections);
  return sections ? Mrtd(*sections, order) : crypto::Sha384Digest{};
}

TEST(LaunchMeasurement, IsTheHashOfTheHypervisorsCalls) {
  for (const PlainTdvf& plain : {test::Ovmf(), test::TdShim()}) {
    EXPECT_EQ(MrtdOf(plain, PageAddOrder::kSinglePass), plain.Mrtd(false));
    EXPECT_EQ(MrtdOf(plain, PageAddOrder::kTwoPass), plain.Mrtd(true));
    EXPECT_NE(plain.Mrtd(false), plain.Mrtd(true));
  }
}

// By a script of a few lines in another language, from the images' bytes.
TEST(LaunchMeasurement, IsWhatAnotherProgramComputed) {
  EXPECT_EQ(ToHex(MrtdOf(test::Ovmf(), PageAddOrder::kSinglePass)),
            "129ac1dc556043e44ad2bc9c3e67976b2880c2c8f7b04d9979ca75ab13dfd146120c98e5e0a4d49193bd5c9ba65113d4");
  EXPECT_EQ(ToHex(MrtdOf(test::Ovmf(), PageAddOrder::kTwoPass)),
            "4d1c08c75d3df6ce6c74ad54ef6f8dcdbd7b65323a9307d2acc93af488004fd8aef80ff3323d3388347d8aa46449fe03");
  EXPECT_EQ(ToHex(MrtdOf(test::TdShim(), PageAddOrder::kSinglePass)),
            "32c2a8266f85bbb80f75f58822e177b4f7461983d73e22e47151d29cae09cd7b9667416dfe2aab53d364ebed3c41ae53");
  EXPECT_EQ(ToHex(MrtdOf(test::TdShim(), PageAddOrder::kTwoPass)),
            "17157b5b8a4b0162b5862ea5db7219211383bf1ed2cf4376fd102d77d2df0cd870b82ac7644f3f5f58226c1d83d880b9");
}

TEST(LaunchMeasurement, OrdersAgreeWhereEachMeasuredSectionIsOnePage) {
  PlainTdvf plain = test::TdShim();
  plain.sections.resize(2);
  EXPECT_EQ(MrtdOf(plain, PageAddOrder::kSinglePass), MrtdOf(plain, PageAddOrder::kTwoPass));
}

TEST(LaunchMeasurement, CoversContentOfMeasuredSectionsOnly) {
  for (const PageAddOrder order : {PageAddOrder::kSinglePass, PageAddOrder::kTwoPass}) {
    const crypto::Sha384Digest whole = MrtdOf(test::Ovmf(), order);
    for (const std::size_t at : {0U, 255U, 256U, 4095U, 4096U, 7900U}) {
      PlainTdvf firmware = test::Ovmf();
      firmware.sections[0].data[at] ^= 1;
      EXPECT_NE(MrtdOf(firmware, order), whole) << at;
    }
    PlainTdvf variables = test::Ovmf();
    variables.sections[1].data[5] ^= 1;
    EXPECT_EQ(MrtdOf(variables, order), whole);
  }
}

// Of the sections as read: in an image, the metadata is measured as well.
TEST(LaunchMeasurement, CoversAddressSizeAndOrderOfWhatIsAdded) {
  const Bytes image = test::Ovmf().Write();
  const std::vector<TdvfSection> sections = ReadTdvf(image).value();
  for (const PageAddOrder order : {PageAddOrder::kSinglePass, PageAddOrder::kTwoPass}) {
    const auto changes = [&](auto change) {
      std::vector<TdvfSection> changed = sections;
      change(changed);
      return Mrtd(changed, order) != Mrtd(sections, order);
    };
    EXPECT_FALSE(changes([](auto&) {}));
    EXPECT_TRUE(changes([](auto& all) { all[2].memory_address += kTdPageSize; }));
    EXPECT_TRUE(changes([](auto& all) { all[2].memory_size += kTdPageSize; }));
    EXPECT_TRUE(changes([](auto& all) { std::swap(all[2], all[3]); }));
    EXPECT_TRUE(changes([](auto& all) { all[2].measured = true; }));
    EXPECT_TRUE(changes([](auto& all) { all.pop_back(); }));
  }
}

TEST(LaunchMeasurement, WhatIsAcceptedLaterIsNotInIt) {
  const Bytes image = test::TdShim().Write();
  std::vector<TdvfSection> sections = ReadTdvf(image).value();
  const crypto::Sha384Digest whole = Mrtd(sections, PageAddOrder::kSinglePass);
  sections.erase(sections.begin() + 1);
  EXPECT_EQ(Mrtd(sections, PageAddOrder::kSinglePass), whole);
}

}  // namespace
}  // namespace assay::dcap

// TDX metadata against literal offsets: every bound has an image that breaks it, and no prefix or tail of an image is one.
#include "evidence/dcap/tdvf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <type_traits>

#include "tests/unit/dcap/plain_tdvf.h"

namespace assay::dcap {
namespace {

using test::PlainSection;
using test::PlainTdvf;
using ::testing::HasSubstr;

Finding Refused(const Bytes& image) {
  const auto sections = ReadTdvf(image);
  if (sections) {
    ADD_FAILURE() << "accepted";
    return {.reason = Reason::kItemEmpty};
  }
  EXPECT_EQ(sections.findings().size(), 1U);
  const Finding& finding = sections.findings().front();
  EXPECT_FALSE(finding.claim.empty() || finding.expected.empty() || finding.actual.empty());
  return finding;
}

TEST(Tdvf, ReadsEverySectionAsWritten) {
  for (const PlainTdvf& plain : {test::Ovmf(), test::TdShim()}) {
    const Bytes image = plain.Write();
    const auto sections = ReadTdvf(image);
    ASSERT_TRUE(sections) << Describe(sections.findings().front());
    ASSERT_EQ(sections->size(), plain.sections.size());
    for (std::size_t i = 0; i < sections->size(); ++i) {
      const TdvfSection& read = (*sections)[i];
      const PlainSection& written = plain.sections[i];
      EXPECT_EQ(static_cast<std::uint32_t>(read.type), written.type);
      EXPECT_EQ(read.data.size(), written.data.size());
      if (i > 0) {  // the end of the first is the metadata
        EXPECT_TRUE(Equal(read.data, written.data));
      }
      EXPECT_EQ(read.memory_address, written.address);
      EXPECT_EQ(read.memory_size, written.size);
      EXPECT_EQ(read.measured, (written.attributes & 1) != 0);
      EXPECT_EQ(read.added, (written.attributes & 2) == 0);
      EXPECT_TRUE(read.data.empty() || read.data.data() == image.data() + read.data_offset);
    }
  }
}

TEST(Tdvf, NamesItsTypes) {
  const std::string_view names[] = {"BFV", "CFV", "TD_HOB", "TempMem", "PermMem", "Payload", "PayloadParam"};
  for (std::uint32_t type = 0; type < std::size(names); ++type) EXPECT_EQ(NameOf(static_cast<TdvfSectionType>(type)), names[type]);
}

TEST(Tdvf, RefusesEveryPrefixAndEveryTail) {
  const Bytes image = test::Ovmf().Write();
  for (std::size_t size = 0; size < image.size(); ++size) {
    EXPECT_FALSE(ReadTdvf(ByteView(image).first(size))) << "the first " << size << " bytes";
    EXPECT_FALSE(ReadTdvf(ByteView(image).last(size))) << "the last " << size << " bytes";
  }
}

TEST(Tdvf, CodeAndVariablesMayBeAnything) {
  Bytes image = test::Ovmf().Write();
  for (const std::size_t at : {std::size_t{0}, image.size() - 16, image.size() - 1}) image[at] = static_cast<std::uint8_t>(~image[at]);
  EXPECT_TRUE(ReadTdvf(image));
}

TEST(Tdvf, RefusesWhatStandsBeforeOrBehind) {
  Bytes image = test::Ovmf().Write();
  image.push_back(0);
  EXPECT_EQ(Refused(image).reason, Reason::kFirmwareNotTdx);
  image.pop_back();
  for (const std::size_t more : {1U, 16U, 4096U}) {
    Bytes longer(more, 0);
    Append(longer, image);
    const Finding finding = Refused(longer);
    EXPECT_EQ(finding.claim, "reset vector 0xfffffff0");
    EXPECT_THAT(finding.remedy, HasSubstr("whole"));
  }
}

// OVMF_CODE.fd: the metadata of the whole image without the variables that stand in front of the code in it.
TEST(Tdvf, CodeWithoutItsVariablesIsToldSo) {
  Bytes image = test::Ovmf().Write();
  image.erase(image.begin(), image.begin() + 0x1000);
  const Finding finding = Refused(image);
  EXPECT_EQ(finding.reason, Reason::kFirmwareMalformed);
  EXPECT_EQ(finding.claim, "section 0 (BFV).DATA_OFFSET");
  EXPECT_THAT(finding.remedy, HasSubstr("OVMF_CODE.fd"));
}

struct Break {
  std::string name;
  Reason reason;
  std::string claim;
  std::function<void(PlainTdvf&)> what;
};
void PrintTo(const Break& broken, std::ostream* out) { *out << broken.name; }

std::vector<Break> Breaks() {
  constexpr Reason kMalformed = Reason::kFirmwareMalformed, kUnpredictable = Reason::kFirmwareUnpredictable,
                   kNotTdx = Reason::kFirmwareNotTdx;
  const auto put = [](auto& field, const auto& value) { field = static_cast<std::remove_reference_t<decltype(field)>>(value); };
  const auto at = [put](std::size_t i, auto member, auto value) {
    return [=](PlainTdvf& plain) { put(plain.sections.at(i).*member, value); };
  };
  const auto set = [put](auto member, auto value) { return [=](PlainTdvf& plain) { put(plain.*member, value); }; };
  const auto add = [](PlainSection section) { return [=](PlainTdvf& plain) { plain.sections.push_back(section); }; };
  constexpr int kMetadata = 16 + 4 * 32 + 22 + 20 + 18 + 32;  // bytes at the end of the image, of 0x3000 in all
  using P = PlainTdvf;
  using S = PlainSection;
  return {
      {"Footer", kNotTdx, "GUID of the table, 32 bytes before the end", set(&P::footer, 0xDD)},
      {"NoOffsetEntry", kNotTdx, "GUID table", set(&P::offset_size, 0)},
      {"TableShorterThanItsEntry", kMalformed, "GUID table", set(&P::table_length_more, -50)},
      {"TableLongerThanTheImage", kMalformed, "GUID table", set(&P::table_length_more, 0xF000)},
      {"TableEndsInsideAnEntry", kMalformed, "GUID table", set(&P::table_length_more, 5)},
      {"TableWithoutTheOffset", kNotTdx, "GUID table", set(&P::table_length_more, -22)},
      {"EntryShorterThanItsGuid", kMalformed, "GUID table entry e47a6535-984a-4798-865e-4685a7bf8ec2", set(&P::entry_length_more, -5)},
      {"EntryLongerThanTheTable", kMalformed, "GUID table entry e47a6535-984a-4798-865e-4685a7bf8ec2", set(&P::entry_length_more, 1)},
      {"TwoOffsets", kMalformed, "GUID table entry e47a6535-984a-4798-865e-4685a7bf8ec2", set(&P::offset_entries, 2)},
      {"OffsetOfThreeBytes", kMalformed, "TDX metadata offset", set(&P::offset_size, 3)},
      {"OffsetOfFiveBytes", kMalformed, "TDX metadata offset", set(&P::offset_size, 5)},
      {"OffsetBeforeTheImage", kMalformed, "TDX metadata offset", set(&P::offset_more, 0x3001 - kMetadata)},
      {"OffsetFarBeforeTheImage", kMalformed, "TDX metadata offset", set(&P::offset_more, 0xF0000000)},
      {"OffsetOfZero", kMalformed, "TDX metadata offset", set(&P::offset_more, -kMetadata)},
      {"OffsetWithoutRoomForADescriptor", kMalformed, "TDX metadata offset", set(&P::offset_more, 15 - kMetadata)},
      {"OffsetElsewhere", kMalformed, "SIGNATURE", set(&P::offset_more, 1)},
      {"Signature", kMalformed, "SIGNATURE", set(&P::signature, std::string_view("TDVX"))},
      {"Version0", Reason::kVersionUnsupported, "VERSION", set(&P::version, 0)},
      {"Version2", Reason::kVersionUnsupported, "VERSION", set(&P::version, 2)},
      {"LengthTooSmall", kMalformed, "LENGTH", set(&P::length_more, -1)},
      {"LengthTooLarge", kMalformed, "LENGTH", set(&P::length_more, 1)},
      {"LengthOfTheGuidToo", kMalformed, "LENGTH", set(&P::length_more, 16)},
      {"CountTooSmall", kMalformed, "LENGTH", set(&P::count_more, -1)},
      {"CountTooLarge", kMalformed, "LENGTH", set(&P::count_more, 1)},
      {"CountHuge", Reason::kSizeOverLimit, "NUMBER_OF_SECTION_ENTRIES", set(&P::count_more, 0x08000000)},
      {"CountAndLengthBeyondTheImage", kMalformed, "LENGTH", [](P& plain) { plain.count_more = 20, plain.length_more = 20 * 32; }},
      {"SectionsAbove64", Reason::kSizeOverLimit, "NUMBER_OF_SECTION_ENTRIES",
       [](P& plain) {
         for (std::uint64_t i = 0; plain.sections.size() < 65; ++i) {
           plain.sections.push_back({.type = 3, .address = 0x1000000 + i * 0x1000});
         }
       }},
      {"NoSection", kMalformed, "reset vector 0xfffffff0", [](P& plain) { plain.sections.clear(); }},
      {"AddressOffThePage", kMalformed, "section 2 (TempMem).MEMORY_ADDRESS", at(2, &S::address, 0x810001)},
      {"AddressOffThePageByHalf", kMalformed, "section 2 (TempMem).MEMORY_ADDRESS", at(2, &S::address, 0x810800)},
      {"SizeOffThePage", kMalformed, "section 2 (TempMem).MEMORY_DATA_SIZE", at(2, &S::size, 0x3001)},
      {"SizeBelowOnePage", kMalformed, "section 2 (TempMem).MEMORY_DATA_SIZE", at(2, &S::size, 0xFFF)},
      {"SizeZero", kMalformed, "section 2 (TempMem).MEMORY_DATA_SIZE", at(2, &S::size, 0)},
      {"AddressShared", kMalformed, "section 2 (TempMem).MEMORY_ADDRESS", at(2, &S::address, std::uint64_t{1} << 51)},
      {"EndShared", kMalformed, "section 2 (TempMem).MEMORY_ADDRESS", at(2, &S::address, (std::uint64_t{1} << 51) - 0x2000)},
      {"EndWraps", kMalformed, "section 2 (TempMem).MEMORY_ADDRESS", at(2, &S::size, ~std::uint64_t{0xFFF})},
      {"AddressAndSizeWrap", kMalformed, "section 2 (TempMem).MEMORY_ADDRESS",
       [](P& plain) { plain.sections[2].address = plain.sections[2].size = std::uint64_t{1} << 63; }},
      {"DataLargerThanMemory", kMalformed, "section 0 (BFV).RAW_DATA_SIZE", at(0, &S::data_size_more, 1)},
      {"DataFarLargerThanMemory", kMalformed, "section 0 (BFV).RAW_DATA_SIZE", at(0, &S::data_size_more, 0xFFFFFFFF - 0x2000)},
      {"DataBehindTheImage", kMalformed, "section 1 (CFV).DATA_OFFSET", at(1, &S::offset_more, 0x3000)},
      {"DataFarBehindTheImage", kMalformed, "section 1 (CFV).DATA_OFFSET", at(1, &S::offset_more, 0xF0000000)},
      {"DataEndsBehindTheImage", kMalformed, "section 1 (CFV).DATA_OFFSET", at(1, &S::offset_more, 0x2001)},
      {"DataWraps", kMalformed, "section 1 (CFV).DATA_OFFSET", at(1, &S::offset_more, 0xFFFFFFFF)},
      {"BfvWithoutData", kMalformed, "section 0 (BFV).RAW_DATA_SIZE", at(0, &S::data, Bytes())},
      {"CfvWithoutData", kMalformed, "section 1 (CFV).RAW_DATA_SIZE", at(1, &S::data, Bytes())},
      {"TempMemWithData", kMalformed, "section 2 (TempMem).RAW_DATA_SIZE", at(2, &S::data, Bytes(1))},
      {"TdHobWithData", kMalformed, "section 3 (TD_HOB).RAW_DATA_SIZE", at(3, &S::data, Bytes(1))},
      {"PermMemWithData", kMalformed, "section 4 (PermMem).RAW_DATA_SIZE",
       add({.type = 4, .address = 0x1000, .attributes = 2, .data = Bytes(1)})},
      {"Type7", kUnpredictable, "section 4.TYPE", add({.type = 7, .address = 0x1000})},
      {"TypeHuge", kUnpredictable, "section 4.TYPE", add({.type = 0xFFFFFFFF, .address = 0x1000})},
      {"AttributeBit2", kUnpredictable, "section 2 (TempMem).ATTRIBUTES", at(2, &S::attributes, 4)},
      {"AttributeBit31", kUnpredictable, "section 0 (BFV).ATTRIBUTES", at(0, &S::attributes, 0x80000001)},
      {"BfvNotMeasured", kMalformed, "section 0 (BFV).ATTRIBUTES", at(0, &S::attributes, 0)},
      {"BfvLater", kUnpredictable, "section 0 (BFV).ATTRIBUTES", at(0, &S::attributes, 3)},
      {"TempMemLater", kUnpredictable, "section 2 (TempMem).ATTRIBUTES", at(2, &S::attributes, 2)},
      {"TdHobMeasured", kUnpredictable, "section 3 (TD_HOB).ATTRIBUTES", at(3, &S::attributes, 1)},
      {"PermMemAtLaunch", kUnpredictable, "section 4 (PermMem).ATTRIBUTES", add({.type = 4, .address = 0x1000})},
      {"PermMemMeasured", kUnpredictable, "section 4 (PermMem).ATTRIBUTES", add({.type = 4, .address = 0x1000, .attributes = 3})},
      {"ForeignPayloadMeasured", kUnpredictable, "section 4 (Payload).ATTRIBUTES", add({.type = 5, .address = 0x1000, .attributes = 1})},
      {"ForeignParametersMeasured", kUnpredictable, "section 4 (PayloadParam).ATTRIBUTES",
       add({.type = 6, .address = 0x1000, .attributes = 1})},
      {"OverlapWithTheFirst", kMalformed, "section 3 (TD_HOB).MEMORY_ADDRESS", at(3, &S::address, 0xFFFFE000)},
      {"OverlapOfOnePage", kMalformed, "section 3 (TD_HOB).MEMORY_ADDRESS", at(3, &S::address, 0x80F000)},
      {"OverlapAround", kMalformed, "section 3 (TD_HOB).MEMORY_ADDRESS",
       [](P& plain) { plain.sections[3].address = 0x800000, plain.sections[3].size = 0x100000; }},
      {"OverlapWithLater", kMalformed, "section 4 (PermMem).MEMORY_ADDRESS", add({.type = 4, .address = 0x812000, .attributes = 2})},
      {"TooMuchMemory", Reason::kSizeOverLimit, "MEMORY_DATA_SIZE of all sections added at launch", at(2, &S::size, 0x10000000)},
      {"TooMuchMemoryInAll", Reason::kSizeOverLimit, "MEMORY_DATA_SIZE of all sections added at launch",
       [](P& plain) {
         for (std::uint64_t i = 1; i <= 16; ++i) plain.sections.push_back({.type = 3, .address = i << 40, .size = 0x1000000});
       }},
      {"Terabytes", Reason::kSizeOverLimit, "MEMORY_DATA_SIZE of all sections added at launch",
       [](P& plain) { plain.sections[2].address = std::uint64_t{1} << 40, plain.sections[2].size = std::uint64_t{1} << 45; }},
      {"ResetVectorElsewhere", kMalformed, "reset vector 0xfffffff0", at(0, &S::address, 0xFFFF0000)},
      {"ResetVectorBeforeTheEnd", kMalformed, "reset vector 0xfffffff0", at(0, &S::offset_more, 0xFFFFFFFF)},
      {"ResetVectorWithoutData", kMalformed, "reset vector 0xfffffff0", at(0, &S::data_size_more, -16)},
      {"ResetVectorInVariables", kMalformed, "reset vector 0xfffffff0",
       [](P& plain) { plain.sections[0].address = 0xFFFF0000, plain.sections[1].address = 0xFFFFF000; }},
  };
}

class TdvfBroken : public ::testing::TestWithParam<Break> {};
TEST_P(TdvfBroken, IsRefusedByName) {
  PlainTdvf plain = test::Ovmf();
  GetParam().what(plain);
  const Finding finding = Refused(plain.Write());
  EXPECT_EQ(finding.reason, GetParam().reason) << Describe(finding);
  EXPECT_EQ(finding.claim, GetParam().claim) << Describe(finding);
}
INSTANTIATE_TEST_SUITE_P(All, TdvfBroken, ::testing::ValuesIn(Breaks()), [](const auto& info) { return info.param.name; });

// One step inside each bound.
TEST(Tdvf, AcceptsWhatIsJustAllowed) {
  PlainTdvf plain = test::Ovmf();
  plain.sections[2].address = (std::uint64_t{1} << 51) - 0x3000;  // ends at the SHARED bit
  plain.sections[2].size = 0x3000;
  plain.sections[3].address = 0xFFFFB000;  // ends where the variables begin
  plain.sections[1].attributes = 1;        // variables that are measured
  for (std::uint64_t i = 0; plain.sections.size() < 63; ++i) plain.sections.push_back({.type = 3, .address = 0x1000000 + i * 0x1000});
  const std::uint64_t added = 0x2000 + 0x1000 + 0x3000 + 0x2000 + 59 * 0x1000;
  plain.sections.push_back({.type = 3, .address = std::uint64_t{1} << 40, .size = 0x10000000 - added});
  const auto sections = ReadTdvf(plain.Write());
  ASSERT_TRUE(sections) << Describe(sections.findings().front());
  EXPECT_EQ(sections->size(), 64U);
}

TEST(Tdvf, PayloadMayComeFromTheHypervisorUnmeasured) {
  PlainTdvf plain = test::TdShim();
  plain.sections[2].data.clear();
  plain.sections[2].attributes = 0;
  EXPECT_TRUE(ReadTdvf(plain.Write()));
}

TEST(Tdvf, NoByteOfTheMetadataMakesItReadElsewhere) {
  const Bytes image = test::Ovmf().Write();
  for (std::size_t i = image.size() - 300; i < image.size(); ++i) {
    for (const std::uint8_t flip : std::initializer_list<std::uint8_t>{0x01, 0x80, 0xFF}) {
      Bytes changed = image;
      changed[i] ^= flip;
      const auto sections = ReadTdvf(changed);
      if (!sections) continue;
      for (const TdvfSection& section : *sections) {
        EXPECT_LE(section.data_offset + section.data.size(), changed.size());
        EXPECT_LE(section.data.size(), section.memory_size);
      }
    }
  }
}

}  // namespace
}  // namespace assay::dcap

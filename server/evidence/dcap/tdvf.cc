#include "evidence/dcap/tdvf.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/layout.h"
#include "base/reader.h"
#include "base/strings.h"

namespace assay::dcap {
namespace {

constexpr std::string_view kComponent = "tdvf";
constexpr std::string_view kSpec = "Intel TDX Virtual Firmware Design Guide";
constexpr std::string_view kWholeImage =
    "Give the image whole, as the hypervisor gets it: variables and code in one file (OVMF.fd, not OVMF_CODE.fd).";

using Guid = ByteArray<16>;  // as it lies in the image: the first three groups little-endian
// 96b582de-1fb2-45f7-baea-a366c55a082d
constexpr Guid kTableFooter = {0xDE, 0x82, 0xB5, 0x96, 0xB2, 0x1F, 0xF7, 0x45, 0xBA, 0xEA, 0xA3, 0x66, 0xC5, 0x5A, 0x08, 0x2D};
// e47a6535-984a-4798-865e-4685a7bf8ec2
constexpr Guid kMetadataOffset = {0x35, 0x65, 0x7A, 0xE4, 0x4A, 0x98, 0x98, 0x47, 0x86, 0x5E, 0x46, 0x85, 0xA7, 0xBF, 0x8E, 0xC2};
constexpr std::size_t kBehindTable = 32;          // the reset vector's code
constexpr std::size_t kEntryEnd = 2 + sizeof(Guid);  // u16 length and GUID stand behind the data of an entry

constexpr std::size_t kResetVectorSize = 16;

constexpr std::size_t kDescriptorSize = 16;
constexpr auto kDescriptor = std::to_array<Field>({
    {"SIGNATURE", 0, 4},
    {"LENGTH", 4, 4},
    {"VERSION", 8, 4},
    {"NUMBER_OF_SECTION_ENTRIES", 12, 4},
});
constexpr std::size_t kSectionSize = 32;
constexpr auto kSection = std::to_array<Field>({
    {"DATA_OFFSET", 0, 4},
    {"RAW_DATA_SIZE", 4, 4},
    {"MEMORY_ADDRESS", 8, 8},
    {"MEMORY_DATA_SIZE", 16, 8},
    {"TYPE", 24, 4},
    {"ATTRIBUTES", 28, 4},
});
static_assert(IsContiguous(kDescriptor, kDescriptorSize));
static_assert(IsContiguous(kSection, kSectionSize));
consteval Field D(std::string_view name) { return FieldNamed(kDescriptor, name); }
consteval Field S(std::string_view name) { return FieldNamed(kSection, name); }

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMrExtend = 1U << 0;
constexpr std::uint64_t kPageAug = 1U << 1;

// Where the content of a type comes from. What the hypervisor writes can't be foretold, and so must not be measured.
enum class Content : std::uint8_t { kImage, kZeros, kHypervisor, kImageElseHypervisor };
struct TypeRow {
  std::string_view name;
  Content content;
};
constexpr auto kTypes = std::to_array<TypeRow>({
    {"BFV", Content::kImage},
    {"CFV", Content::kImage},
    {"TD_HOB", Content::kHypervisor},
    {"TempMem", Content::kZeros},
    {"PermMem", Content::kZeros},
    {"Payload", Content::kImageElseHypervisor},
    {"PayloadParam", Content::kImageElseHypervisor},
});

Finding Refusal(Reason reason, std::string field, std::string expected, std::string actual, std::string_view remedy = {}) {
  return {.reason = reason, .component = std::string(kComponent), .claim = std::move(field), .expected = std::move(expected),
          .actual = std::move(actual), .spec = std::string(kSpec), .remedy = std::string(remedy)};
}

std::string GuidText(ByteView raw) {
  Bytes bytes = ToBytes(raw);
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
  const std::string hex = ToHex(bytes);
  return Cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-", hex.substr(20));
}

std::string Hex(std::uint64_t number) {
  std::string digits;
  do digits.insert(digits.begin(), "0123456789abcdef"[number & 15]);
  while ((number >>= 4) != 0);
  return "0x" + digits;
}

// The descriptor and all that follows it.
Outcome<ByteView> FindDescriptor(ByteView image) {
  if (image.size() < kBehindTable + kEntryEnd) {
    return Refusal(Reason::kFirmwareNotTdx, "GUID table", Cat("an image of at least ", kBehindTable + kEntryEnd, " bytes"), Cat(image.size(), " bytes"));
  }
  const ByteView before_end = image.first(image.size() - kBehindTable);
  const ByteView footer = before_end.last(sizeof(Guid));
  if (!Equal(footer, kTableFooter)) {
    return Refusal(Reason::kFirmwareNotTdx, Cat("GUID of the table, ", kBehindTable, " bytes before the end"), GuidText(kTableFooter), GuidText(footer));
  }
  const auto length_before = [](ByteView entries) {
    const ByteView raw = entries.last(kEntryEnd).first(2);
    return std::size_t{raw[0]} | std::size_t{raw[1]} << 8;
  };
  const std::size_t table_size = length_before(before_end);
  if (table_size < kEntryEnd || table_size > before_end.size()) {
    return Refusal(Reason::kFirmwareMalformed, "GUID table", Cat("a length of ", kEntryEnd, " to ", before_end.size(), " bytes"), Cat(table_size, " bytes"));
  }
  ByteView entries = before_end.last(table_size).first(table_size - kEntryEnd);
  std::size_t count = 0;
  ByteView offset_data;
  for (; !entries.empty(); ++count) {
    if (entries.size() < kEntryEnd) {
      return Refusal(Reason::kFirmwareMalformed, "GUID table", "whole entries", Cat(entries.size(), " bytes before the first one"));
    }
    const std::size_t size = length_before(entries);
    if (size < kEntryEnd || size > entries.size()) {
      return Refusal(Reason::kFirmwareMalformed, Cat("GUID table entry ", GuidText(entries.last(sizeof(Guid)))),
                     Cat("a length of ", kEntryEnd, " to ", entries.size(), " bytes"), Cat(size, " bytes"));
    }
    const ByteView entry = entries.last(size);
    entries = entries.first(entries.size() - size);
    if (!Equal(entry.last(sizeof(Guid)), kMetadataOffset)) continue;
    if (!offset_data.empty()) return Refusal(Reason::kFirmwareMalformed, "TDX metadata offset", "one entry", "two");
    offset_data = entry.first(size - kEntryEnd);
    if (offset_data.size() != 4) return Refusal(Reason::kFirmwareMalformed, "TDX metadata offset", "4 bytes", Cat(offset_data.size(), " bytes"));
  }
  if (offset_data.empty()) {
    return Refusal(Reason::kFirmwareNotTdx, "GUID table", Cat("an entry ", GuidText(kMetadataOffset), ", the TDX metadata offset"),
                   Cat("none among ", count, " entries"));
  }
  const std::size_t offset = *Reader(offset_data).U32Le();
  if (offset < kDescriptorSize || offset > image.size()) {
    return Refusal(Reason::kFirmwareMalformed, "TDX metadata offset", Cat(kDescriptorSize, " to ", image.size(), " bytes from the end of the image"),
                   std::to_string(offset), kWholeImage);
  }
  return image.last(offset);
}

// The section table, after the descriptor before it.
Outcome<ByteView> FindSections(ByteView descriptor) {
  const ByteView signature = SliceOf(descriptor, D("SIGNATURE"));
  if (!Equal(signature, AsBytes("TDVF"))) {
    return Refusal(Reason::kFirmwareMalformed, "SIGNATURE", ToHex(AsBytes("TDVF")), ToHex(signature), kWholeImage);
  }
  const std::uint64_t version = LittleEndianOf(descriptor, D("VERSION"));
  if (version != kVersion) return Refusal(Reason::kVersionUnsupported, "VERSION", std::to_string(kVersion), std::to_string(version));
  const std::uint64_t count = LittleEndianOf(descriptor, D("NUMBER_OF_SECTION_ENTRIES"));
  if (count > kMaxTdvfSections) {
    return Refusal(Reason::kSizeOverLimit, "NUMBER_OF_SECTION_ENTRIES", Cat("at most ", kMaxTdvfSections), std::to_string(count));
  }
  const std::uint64_t size = kDescriptorSize + count * kSectionSize;
  const std::uint64_t length = LittleEndianOf(descriptor, D("LENGTH"));
  if (length != size) return Refusal(Reason::kFirmwareMalformed, "LENGTH", Cat(size, " bytes for ", count, " sections"), Cat(length, " bytes"));
  if (size > descriptor.size()) {
    return Refusal(Reason::kFirmwareMalformed, "LENGTH", Cat("at most the ", descriptor.size(), " bytes up to the end of the image"), Cat(length, " bytes"));
  }
  return descriptor.subspan(kDescriptorSize, size - kDescriptorSize);
}

Outcome<TdvfSection> ReadSection(ByteView image, ByteView raw, std::size_t index) {
  const std::uint64_t type = LittleEndianOf(raw, S("TYPE"));
  const auto named = [&](std::string_view field) { return Cat("section ", index, type < kTypes.size() ? Cat(" (", kTypes[type].name, ")") : "", ".", field); };
  if (type >= kTypes.size()) {
    return Refusal(Reason::kFirmwareUnpredictable, named("TYPE"), Cat("0 to ", kTypes.size() - 1), std::to_string(type),
                   "Update Assay, if the type is a newer one.");
  }
  const std::uint64_t attributes = LittleEndianOf(raw, S("ATTRIBUTES"));
  if ((attributes & ~(kMrExtend | kPageAug)) != 0) {
    return Refusal(Reason::kFirmwareUnpredictable, named("ATTRIBUTES"), "MR.EXTEND (1) and PAGE.AUG (2) only", Hex(attributes),
                   "Update Assay, if the bits are newer ones.");
  }
  const std::uint64_t data_offset = LittleEndianOf(raw, S("DATA_OFFSET"));
  const std::uint64_t data_size = LittleEndianOf(raw, S("RAW_DATA_SIZE"));
  const std::uint64_t address = LittleEndianOf(raw, S("MEMORY_ADDRESS"));
  const std::uint64_t size = LittleEndianOf(raw, S("MEMORY_DATA_SIZE"));
  if (address % kTdPageSize != 0) return Refusal(Reason::kFirmwareMalformed, named("MEMORY_ADDRESS"), Cat("a multiple of ", kTdPageSize), Hex(address));
  if (size == 0 || size % kTdPageSize != 0) {
    return Refusal(Reason::kFirmwareMalformed, named("MEMORY_DATA_SIZE"), Cat("a multiple of ", kTdPageSize, " above 0"), Hex(size));
  }
  if (address >= kPrivateMemoryEnd || size > kPrivateMemoryEnd - address) {
    return Refusal(Reason::kFirmwareMalformed, named("MEMORY_ADDRESS"), Cat("memory that ends at most at ", Hex(kPrivateMemoryEnd)),
                   Cat("address ", Hex(address), " and size ", Hex(size)));
  }
  if (data_size > size) return Refusal(Reason::kFirmwareMalformed, named("RAW_DATA_SIZE"), Cat("at most MEMORY_DATA_SIZE, ", Hex(size)), Hex(data_size));
  if (data_size != 0 && (data_offset > image.size() || data_size > image.size() - data_offset)) {
    return Refusal(Reason::kFirmwareMalformed, named("DATA_OFFSET"), Cat("data that ends inside the image, of ", image.size(), " bytes"),
                   Cat("offset ", data_offset, " and size ", data_size), kWholeImage);
  }

  const Content content = kTypes[type].content;
  if (content == Content::kImage && data_size == 0) return Refusal(Reason::kFirmwareMalformed, named("RAW_DATA_SIZE"), "data in the image", "0");
  if ((content == Content::kZeros || content == Content::kHypervisor) && data_size != 0) {
    return Refusal(Reason::kFirmwareMalformed, named("RAW_DATA_SIZE"), "0", Hex(data_size));
  }
  const TdvfSection section{.type = static_cast<TdvfSectionType>(type), .data_offset = static_cast<std::uint32_t>(data_size == 0 ? 0 : data_offset),
                            .data = data_size == 0 ? ByteView() : image.subspan(data_offset, data_size), .memory_address = address, .memory_size = size,
                            .added = (attributes & kPageAug) == 0, .measured = (attributes & kMrExtend) != 0};
  // Some hypervisors go by the type, some by the attribute: where they agree, so do we.
  if (section.added == (section.type == TdvfSectionType::kPermMem)) {
    return Refusal(Reason::kFirmwareUnpredictable, named("ATTRIBUTES"),
                   section.added ? "PAGE.AUG (2)" : "no PAGE.AUG (2), which is for PermMem", Hex(attributes));
  }
  if (section.type == TdvfSectionType::kBfv && !section.measured) {
    return Refusal(Reason::kFirmwareMalformed, named("ATTRIBUTES"), "MR.EXTEND (1): otherwise MRTD does not cover the firmware", Hex(attributes));
  }
  const bool foreign = content == Content::kHypervisor || (content == Content::kImageElseHypervisor && data_size == 0);
  if (section.measured && (foreign || !section.added)) {
    return Refusal(Reason::kFirmwareUnpredictable, named("ATTRIBUTES"),
                   Cat("no MR.EXTEND (1): ", foreign ? "the content is the hypervisor's" : "the pages are added after MRTD is final"), Hex(attributes));
  }
  return section;
}

std::string Named(const std::vector<TdvfSection>& sections, std::size_t index) { return Cat("section ", index, " (", NameOf(sections[index].type), ")"); }
bool Contains(const TdvfSection& section, std::uint64_t address) {
  return address >= section.memory_address && address - section.memory_address < section.memory_size;
}

// What no section shows by itself.
std::optional<Finding> DefectOfAll(ByteView image, const std::vector<TdvfSection>& sections) {
  std::uint64_t added = 0;  // can't wrap: a few sections below kPrivateMemoryEnd
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].added) added += sections[i].memory_size;
    for (std::size_t j = 0; j < i; ++j) {
      if (Contains(sections[i], sections[j].memory_address) || Contains(sections[j], sections[i].memory_address)) {
        return Refusal(Reason::kFirmwareMalformed, Cat(Named(sections, i), ".MEMORY_ADDRESS"), "memory apart from that of other sections",
                       Cat("an overlap with ", Named(sections, j)));
      }
    }
  }
  if (added > kMaxTdvfMemory) {
    return Refusal(Reason::kSizeOverLimit, "MEMORY_DATA_SIZE of all sections added at launch", Cat("at most ", kMaxTdvfMemory, " bytes"), Cat(added, " bytes"));
  }
  const auto first_code = std::find_if(sections.begin(), sections.end(), [](const TdvfSection& section) { return Contains(section, kResetVector); });
  if (first_code == sections.end() || first_code->type != TdvfSectionType::kBfv) {
    return Refusal(Reason::kFirmwareMalformed, Cat("reset vector ", Hex(kResetVector)), "inside a BFV: otherwise MRTD does not cover the first instruction",
                   first_code == sections.end() ? Cat("in none of ", sections.size(), " sections")
                                                : Cat("in ", Named(sections, static_cast<std::size_t>(first_code - sections.begin()))));
  }
  // Every x86 firmware ends with it; so no image is read that lacks its beginning, or has something before it.
  const std::uint64_t last = image.size() - kResetVectorSize;
  const std::uint64_t into = kResetVector - first_code->memory_address;
  if (into >= first_code->data.size() || first_code->data_offset + into != last) {
    return Refusal(Reason::kFirmwareMalformed, Cat("reset vector ", Hex(kResetVector)),
                   Cat("the last ", kResetVectorSize, " bytes of the image, at offset ", last),
                   into >= first_code->data.size() ? "memory without data" : Cat("offset ", first_code->data_offset + into), kWholeImage);
  }
  return std::nullopt;
}

}  // namespace

std::string_view NameOf(TdvfSectionType type) { return kTypes[static_cast<std::size_t>(type)].name; }

Outcome<std::vector<TdvfSection>> ReadTdvf(ByteView image) {
  auto descriptor = FindDescriptor(image);
  if (!descriptor) return std::move(descriptor).findings();
  auto table = FindSections(*descriptor);
  if (!table) return std::move(table).findings();
  std::vector<TdvfSection> sections;
  for (ByteView rest = *table; !rest.empty(); rest = rest.subspan(kSectionSize)) {
    auto section = ReadSection(image, rest.first(kSectionSize), sections.size());
    if (!section) return std::move(section).findings();
    sections.push_back(*section);
  }
  if (auto defect = DefectOfAll(image, sections)) return *std::move(defect);
  return sections;
}

}  // namespace assay::dcap

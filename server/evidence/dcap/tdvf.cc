#include "evidence/dcap/tdvf.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/hex_number.h"
#include "base/layout.h"
#include "base/reader.h"
#include "base/strings.h"
#include "evidence/ovmf_table.h"

namespace assay::dcap {
namespace {

constexpr evidence::FirmwareKind kTdvf{"tdvf", "Intel TDX Virtual Firmware Design Guide", Reason::kFirmwareNotTdx};
constexpr std::string_view kWholeImage =
    "Give the image whole, as the hypervisor gets it: variables and code in one file (OVMF.fd, not OVMF_CODE.fd).";

using evidence::OvmfTable;

// e47a6535-984a-4798-865e-4685a7bf8ec2
constexpr OvmfTable::Guid kMetadataOffset = {0x35, 0x65, 0x7A, 0xE4, 0x4A, 0x98, 0x98, 0x47,
                                             0x86, 0x5E, 0x46, 0x85, 0xA7, 0xBF, 0x8E, 0xC2};

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

// The descriptor and all that follows it.
Outcome<ByteView> FindDescriptor(ByteView image) {
  const auto table = OvmfTable::Find(image, kTdvf);
  if (!table) return table.findings();
  const auto entry = table->RequiredEntry(kMetadataOffset, "TDX metadata offset", 4);
  if (!entry) return entry.findings();
  const std::size_t offset = *Reader(*entry).U32Le();
  if (offset < kDescriptorSize || offset > image.size()) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, "TDX metadata offset",
                        Cat(kDescriptorSize, " to ", image.size(), " bytes from the end of the image"), std::to_string(offset),
                        kWholeImage);
  }
  return image.last(offset);
}

// The section table, after the descriptor before it.
Outcome<ByteView> FindSections(ByteView descriptor) {
  const ByteView signature = SliceOf(descriptor, D("SIGNATURE"));
  if (!Equal(signature, AsBytes("TDVF"))) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, "SIGNATURE", ToHex(AsBytes("TDVF")), ToHex(signature), kWholeImage);
  }
  const std::uint64_t version = LittleEndianOf(descriptor, D("VERSION"));
  if (version != kVersion) return kTdvf.Refuse(Reason::kVersionUnsupported, "VERSION", std::to_string(kVersion), std::to_string(version));
  const std::uint64_t count = LittleEndianOf(descriptor, D("NUMBER_OF_SECTION_ENTRIES"));
  if (count > kMaxTdvfSections) {
    return kTdvf.Refuse(Reason::kSizeOverLimit, "NUMBER_OF_SECTION_ENTRIES", Cat("at most ", kMaxTdvfSections), std::to_string(count));
  }
  const std::uint64_t size = kDescriptorSize + count * kSectionSize;
  const std::uint64_t length = LittleEndianOf(descriptor, D("LENGTH"));
  if (length != size) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, "LENGTH", Cat(size, " bytes for ", count, " sections"), Cat(length, " bytes"));
  }
  if (size > descriptor.size()) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, "LENGTH", Cat("at most the ", descriptor.size(), " bytes up to the end of the image"),
                        Cat(length, " bytes"));
  }
  return descriptor.subspan(kDescriptorSize, size - kDescriptorSize);
}

Outcome<TdvfSection> ReadSection(ByteView image, ByteView raw, std::size_t index) {
  const std::uint64_t type = LittleEndianOf(raw, S("TYPE"));
  const auto named = [&](std::string_view field) {
    return Cat("section ", index, type < kTypes.size() ? Cat(" (", kTypes[type].name, ")") : "", ".", field);
  };
  if (type >= kTypes.size()) {
    return kTdvf.Refuse(Reason::kFirmwareUnpredictable, named("TYPE"), Cat("0 to ", kTypes.size() - 1), std::to_string(type),
                        "Update Assay, if the type is a newer one.");
  }
  const std::uint64_t attributes = LittleEndianOf(raw, S("ATTRIBUTES"));
  if ((attributes & ~(kMrExtend | kPageAug)) != 0) {
    return kTdvf.Refuse(Reason::kFirmwareUnpredictable, named("ATTRIBUTES"), "MR.EXTEND (1) and PAGE.AUG (2) only", HexNumber(attributes),
                        "Update Assay, if the bits are newer ones.");
  }
  const std::uint64_t data_offset = LittleEndianOf(raw, S("DATA_OFFSET"));
  const std::uint64_t data_size = LittleEndianOf(raw, S("RAW_DATA_SIZE"));
  const std::uint64_t address = LittleEndianOf(raw, S("MEMORY_ADDRESS"));
  const std::uint64_t size = LittleEndianOf(raw, S("MEMORY_DATA_SIZE"));
  if (address % kTdPageSize != 0) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("MEMORY_ADDRESS"), Cat("a multiple of ", kTdPageSize), HexNumber(address));
  }
  if (size == 0 || size % kTdPageSize != 0) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("MEMORY_DATA_SIZE"), Cat("a multiple of ", kTdPageSize, " above 0"),
                        HexNumber(size));
  }
  if (address >= kPrivateMemoryEnd || size > kPrivateMemoryEnd - address) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("MEMORY_ADDRESS"),
                        Cat("memory that ends at most at ", HexNumber(kPrivateMemoryEnd)),
                        Cat("address ", HexNumber(address), " and size ", HexNumber(size)));
  }
  if (data_size > size) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("RAW_DATA_SIZE"), Cat("at most MEMORY_DATA_SIZE, ", HexNumber(size)),
                        HexNumber(data_size));
  }
  if (data_size != 0 && (data_offset > image.size() || data_size > image.size() - data_offset)) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("DATA_OFFSET"),
                        Cat("data that ends inside the image, of ", image.size(), " bytes"),
                        Cat("offset ", data_offset, " and size ", data_size), kWholeImage);
  }

  const Content content = kTypes[type].content;
  if (content == Content::kImage && data_size == 0) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("RAW_DATA_SIZE"), "data in the image", "0");
  }
  if ((content == Content::kZeros || content == Content::kHypervisor) && data_size != 0) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("RAW_DATA_SIZE"), "0", HexNumber(data_size));
  }
  const TdvfSection section{.type = static_cast<TdvfSectionType>(type),
                            .data_offset = static_cast<std::uint32_t>(data_size == 0 ? 0 : data_offset),
                            .data = data_size == 0 ? ByteView() : image.subspan(data_offset, data_size),
                            .memory_address = address,
                            .memory_size = size,
                            .added = (attributes & kPageAug) == 0,
                            .measured = (attributes & kMrExtend) != 0};
  // Some hypervisors go by the type, some by the attribute: where they agree, so do we.
  if (section.added == (section.type == TdvfSectionType::kPermMem)) {
    return kTdvf.Refuse(Reason::kFirmwareUnpredictable, named("ATTRIBUTES"),
                        section.added ? "PAGE.AUG (2)" : "no PAGE.AUG (2), which is for PermMem", HexNumber(attributes));
  }
  if (section.type == TdvfSectionType::kBfv && !section.measured) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, named("ATTRIBUTES"), "MR.EXTEND (1): otherwise MRTD does not cover the firmware",
                        HexNumber(attributes));
  }
  const bool foreign = content == Content::kHypervisor || (content == Content::kImageElseHypervisor && data_size == 0);
  if (section.measured && (foreign || !section.added)) {
    return kTdvf.Refuse(Reason::kFirmwareUnpredictable, named("ATTRIBUTES"),
                        Cat("no MR.EXTEND (1): ", foreign ? "the content is the hypervisor's" : "the pages are added after MRTD is final"),
                        HexNumber(attributes));
  }
  return section;
}

std::string Named(const std::vector<TdvfSection>& sections, std::size_t index) {
  return Cat("section ", index, " (", NameOf(sections[index].type), ")");
}
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
        return kTdvf.Refuse(Reason::kFirmwareMalformed, Cat(Named(sections, i), ".MEMORY_ADDRESS"),
                            "memory apart from that of other sections", Cat("an overlap with ", Named(sections, j)));
      }
    }
  }
  if (added > kMaxTdvfMemory) {
    return kTdvf.Refuse(Reason::kSizeOverLimit, "MEMORY_DATA_SIZE of all sections added at launch",
                        Cat("at most ", kMaxTdvfMemory, " bytes"), Cat(added, " bytes"));
  }
  const auto first_code =
      std::find_if(sections.begin(), sections.end(), [](const TdvfSection& section) { return Contains(section, kResetVector); });
  if (first_code == sections.end() || first_code->type != TdvfSectionType::kBfv) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, Cat("reset vector ", HexNumber(kResetVector)),
                        "inside a BFV: otherwise MRTD does not cover the first instruction",
                        first_code == sections.end()
                            ? Cat("in none of ", sections.size(), " sections")
                            : Cat("in ", Named(sections, static_cast<std::size_t>(first_code - sections.begin()))));
  }
  // Every x86 firmware ends with it; so no image is read that lacks its beginning, or has something before it.
  const std::uint64_t last = image.size() - kResetVectorSize;
  const std::uint64_t into = kResetVector - first_code->memory_address;
  if (into >= first_code->data.size() || first_code->data_offset + into != last) {
    return kTdvf.Refuse(Reason::kFirmwareMalformed, Cat("reset vector ", HexNumber(kResetVector)),
                        Cat("the last ", kResetVectorSize, " bytes of the image, at offset ", last),
                        into >= first_code->data.size() ? "memory without data" : Cat("offset ", first_code->data_offset + into),
                        kWholeImage);
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

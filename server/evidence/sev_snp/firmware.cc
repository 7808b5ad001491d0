#include "evidence/sev_snp/firmware.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/layout.h"
#include "base/reader.h"
#include "base/strings.h"

namespace assay::sev_snp {
namespace {

constexpr std::string_view kComponent = "ovmf";
constexpr std::string_view kSpec = "edk2 OvmfPkg, OvmfSevMetadata.asm";
constexpr std::string_view kWholeImage = "Give the image that the hypervisor maps below 4 GiB, unchanged and up to its last byte.";

using Guid = ByteArray<16>;  // as it lies in the image: the first three groups little-endian
// 96b582de-1fb2-45f7-baea-a366c55a082d
constexpr Guid kTableFooter = {0xDE, 0x82, 0xB5, 0x96, 0xB2, 0x1F, 0xF7, 0x45, 0xBA, 0xEA, 0xA3, 0x66, 0xC5, 0x5A, 0x08, 0x2D};
// dc886566-984a-4798-a75e-5585a7bf67cc
constexpr Guid kMetadataOffset = {0x66, 0x65, 0x88, 0xDC, 0x4A, 0x98, 0x98, 0x47, 0xA7, 0x5E, 0x55, 0x85, 0xA7, 0xBF, 0x67, 0xCC};
// 00f771de-1a7e-4fcb-890e-68c77e2fb44e
constexpr Guid kResetBlock = {0xDE, 0x71, 0xF7, 0x00, 0x7E, 0x1A, 0xCB, 0x4F, 0x89, 0x0E, 0x68, 0xC7, 0x7E, 0x2F, 0xB4, 0x4E};
// 7255371f-3a3b-4b04-927b-1da6efa8d454
constexpr Guid kHashTable = {0x1F, 0x37, 0x55, 0x72, 0x3B, 0x3A, 0x04, 0x4B, 0x92, 0x7B, 0x1D, 0xA6, 0xEF, 0xA8, 0xD4, 0x54};
constexpr std::size_t kBehindTable = 32;             // the reset vector's code
constexpr std::size_t kEntryEnd = 2 + sizeof(Guid);  // u16 length and GUID stand behind the data of an entry
constexpr std::size_t kMaxEntries = 64;

constexpr std::size_t kDescriptorSize = 16;
constexpr auto kDescriptor = std::to_array<Field>({
    {"SIGNATURE", 0, 4},
    {"LENGTH", 4, 4},
    {"VERSION", 8, 4},
    {"NUMBER_OF_SECTIONS", 12, 4},
});
constexpr std::size_t kSectionSize = 12;
constexpr auto kSection = std::to_array<Field>({
    {"BASE", 0, 4},
    {"SIZE", 4, 4},
    {"TYPE", 8, 4},
});
static_assert(IsContiguous(kDescriptor, kDescriptorSize));
static_assert(IsContiguous(kSection, kSectionSize));
consteval Field D(std::string_view name) { return FieldNamed(kDescriptor, name); }
consteval Field S(std::string_view name) { return FieldNamed(kSection, name); }

constexpr std::uint64_t kVersion = 1;

struct TypeRow {
  SevSectionType type;
  std::string_view name;
  bool one_page;  // of which hypervisors launch exactly one, whatever is declared
};
constexpr auto kTypes = std::to_array<TypeRow>({
    {SevSectionType::kSecMem, "SecMem", false},
    {SevSectionType::kSecrets, "Secrets", true},
    {SevSectionType::kCpuid, "CPUID", true},
    {SevSectionType::kSvsmCaa, "SVSM_CAA", false},
    {SevSectionType::kKernelHashes, "KernelHashes", true},
});
const TypeRow& RowOf(SevSectionType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(), [type](const TypeRow& row) { return row.type == type; });
}

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

using Entries = std::map<Guid, ByteView>;  // data by GUID

std::size_t LengthBefore(ByteView entries) {
  const ByteView raw = entries.last(kEntryEnd).first(2);
  return std::size_t{raw[0]} | std::size_t{raw[1]} << 8;
}

Outcome<Entries> ReadGuidTable(ByteView image) {
  if (image.size() >= 4 && Equal(image.first(4), AsBytes("IGVM"))) {
    return Refusal(Reason::kFirmwareNotSnp, "content", "an OVMF image", "an IGVM file", "Launch digests of IGVM files are not computed by this build; take them from the file's publisher.");
  }
  if (image.size() < kBehindTable + kEntryEnd || image.size() % kPageSize != 0 || image.size() >= kFirmwareEnd) {
    return Refusal(Reason::kFirmwareNotSnp, "size", Cat("an image of whole pages of ", kPageSize, " bytes"), Cat(image.size(), " bytes"), kWholeImage);
  }
  const ByteView before_end = image.first(image.size() - kBehindTable);
  const ByteView footer = before_end.last(sizeof(Guid));
  if (!Equal(footer, kTableFooter)) {
    return Refusal(Reason::kFirmwareNotSnp, Cat("GUID of the table, ", kBehindTable, " bytes before the end"), GuidText(kTableFooter), GuidText(footer));
  }
  const std::size_t table_size = LengthBefore(before_end);
  if (table_size < kEntryEnd || table_size > before_end.size()) {
    return Refusal(Reason::kFirmwareMalformed, "GUID table", Cat("a length of ", kEntryEnd, " to ", before_end.size(), " bytes"), Cat(table_size, " bytes"));
  }
  ByteView rest = before_end.last(table_size).first(table_size - kEntryEnd);
  Entries entries;
  while (!rest.empty()) {
    if (entries.size() == kMaxEntries) return Refusal(Reason::kSizeOverLimit, "GUID table", Cat("at most ", kMaxEntries, " entries"), "more");
    if (rest.size() < kEntryEnd) {
      return Refusal(Reason::kFirmwareMalformed, "GUID table", "whole entries", Cat(rest.size(), " bytes before the first one"));
    }
    const std::size_t size = LengthBefore(rest);
    if (size < kEntryEnd || size > rest.size()) {
      return Refusal(Reason::kFirmwareMalformed, Cat("GUID table entry ", GuidText(rest.last(sizeof(Guid)))), Cat("a length of ", kEntryEnd, " to ", rest.size(), " bytes"),
                     Cat(size, " bytes"));
    }
    const ByteView entry = rest.last(size);
    rest = rest.first(rest.size() - size);
    Guid guid{};
    std::copy_n(entry.last(sizeof(Guid)).begin(), sizeof(Guid), guid.begin());
    if (!entries.emplace(guid, entry.first(size - kEntryEnd)).second) {
      return Refusal(Reason::kFirmwareMalformed, Cat("GUID table entry ", GuidText(guid)), "one entry", "two");
    }
  }
  return entries;
}

// Data of an entry that hypervisors read; nullopt: there is no such entry.
Outcome<std::optional<ByteView>> EntryOf(const Entries& entries, const Guid& guid, std::string_view name, std::size_t size) {
  const auto found = entries.find(guid);
  if (found == entries.end()) return std::optional<ByteView>();
  if (found->second.size() != size) {
    return Refusal(Reason::kFirmwareMalformed, std::string(name), Cat(size, " bytes"), Cat(found->second.size(), " bytes"));
  }
  return std::optional(found->second);
}

Outcome<std::vector<SevSection>> ReadSections(ByteView image, ByteView offset_data) {
  const std::size_t offset = *Reader(offset_data).U32Le();
  if (offset < kDescriptorSize || offset > image.size()) {
    return Refusal(Reason::kFirmwareMalformed, "SEV metadata offset", Cat(kDescriptorSize, " to ", image.size(), " bytes from the end of the image"), std::to_string(offset), kWholeImage);
  }
  const ByteView descriptor = image.last(offset);
  const ByteView signature = SliceOf(descriptor, D("SIGNATURE"));
  if (!Equal(signature, AsBytes("ASEV"))) return Refusal(Reason::kFirmwareMalformed, "SIGNATURE", ToHex(AsBytes("ASEV")), ToHex(signature), kWholeImage);
  const std::uint64_t version = LittleEndianOf(descriptor, D("VERSION"));
  if (version != kVersion) return Refusal(Reason::kVersionUnsupported, "VERSION", std::to_string(kVersion), std::to_string(version));
  const std::uint64_t count = LittleEndianOf(descriptor, D("NUMBER_OF_SECTIONS"));
  if (count > kMaxSevSections) return Refusal(Reason::kSizeOverLimit, "NUMBER_OF_SECTIONS", Cat("at most ", kMaxSevSections), std::to_string(count));
  const std::uint64_t size = kDescriptorSize + count * kSectionSize;
  const std::uint64_t length = LittleEndianOf(descriptor, D("LENGTH"));
  if (length != size) return Refusal(Reason::kFirmwareMalformed, "LENGTH", Cat(size, " bytes for ", count, " sections"), Cat(length, " bytes"));
  if (size > descriptor.size()) {
    return Refusal(Reason::kFirmwareMalformed, "LENGTH", Cat("at most the ", descriptor.size(), " bytes up to the end of the image"), Cat(length, " bytes"));
  }
  std::vector<SevSection> sections;
  for (ByteView rest = descriptor.subspan(kDescriptorSize, size - kDescriptorSize); !rest.empty(); rest = rest.subspan(kSectionSize)) {
    const ByteView raw = rest.first(kSectionSize);
    const auto number = static_cast<std::uint32_t>(LittleEndianOf(raw, S("TYPE")));
    const std::optional<SevSectionType> type = SevSectionTypeOf(number);
    if (!type) {
      return Refusal(Reason::kFirmwareUnpredictable, Cat("section ", sections.size(), ".TYPE"), "1 to 4, or 16", std::to_string(number), "Update Assay, if the type is a newer one.");
    }
    sections.push_back({*type, static_cast<std::uint32_t>(LittleEndianOf(raw, S("BASE"))), static_cast<std::uint32_t>(LittleEndianOf(raw, S("SIZE")))});
  }
  return sections;
}

std::uint64_t EndOf(const SevSection& section) { return std::uint64_t{section.address} + section.size; }

}  // namespace

std::optional<SevSectionType> SevSectionTypeOf(std::uint32_t number) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [number](const TypeRow& row) { return static_cast<std::uint32_t>(row.type) == number; });
  return found == kTypes.end() ? std::nullopt : std::optional(found->type);
}

std::string_view NameOf(SevSectionType type) { return RowOf(type).name; }

std::optional<Finding> DefectOf(const SevFirmware& firmware, std::uint64_t image_size) {
  const std::vector<SevSection>& sections = firmware.sections;
  const auto named = [&](std::size_t index, std::string_view field) { return Cat("section ", index, " (", NameOf(sections[index].type), ").", field); };
  if (sections.size() > kMaxSevSections) return Refusal(Reason::kSizeOverLimit, "NUMBER_OF_SECTIONS", Cat("at most ", kMaxSevSections), std::to_string(sections.size()));
  std::uint64_t memory = 0;  // can't wrap: few sections of 32 bits
  const SevSection* hashes = nullptr;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const SevSection& section = sections[i];
    if (section.address % kPageSize != 0) return Refusal(Reason::kFirmwareMalformed, named(i, "BASE"), Cat("a multiple of ", kPageSize), Hex(section.address));
    if (section.size == 0 || section.size % kPageSize != 0) return Refusal(Reason::kFirmwareMalformed, named(i, "SIZE"), Cat("a multiple of ", kPageSize, " above 0"), Hex(section.size));
    if (RowOf(section.type).one_page && section.size != kPageSize) return Refusal(Reason::kFirmwareMalformed, named(i, "SIZE"), Hex(kPageSize), Hex(section.size));
    if (EndOf(section) > kFirmwareEnd - image_size) {
      return Refusal(Reason::kFirmwareMalformed, named(i, "BASE"), Cat("memory that ends at most where the image begins, ", Hex(kFirmwareEnd - image_size)), Cat("memory that ends at ", Hex(EndOf(section))));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (section.address < EndOf(sections[j]) && sections[j].address < EndOf(section)) {
        return Refusal(Reason::kFirmwareMalformed, named(i, "BASE"), "memory apart from that of other sections", Cat("an overlap with section ", j));
      }
    }
    if (section.type == SevSectionType::kKernelHashes) {
      if (hashes != nullptr) return Refusal(Reason::kFirmwareMalformed, named(i, "TYPE"), "one section of kernel hashes", "two");
      hashes = &section;
    }
    memory += section.size;
  }
  if (memory > kMaxSevMemory) return Refusal(Reason::kSizeOverLimit, "SIZE of all sections", Cat("at most ", kMaxSevMemory, " bytes"), Cat(memory, " bytes"));
  if (firmware.hash_table_address && hashes != nullptr) {
    const std::uint64_t at = *firmware.hash_table_address;
    if (at < hashes->address || at + kHashTableSize > EndOf(*hashes)) {
      return Refusal(Reason::kFirmwareMalformed, "address of the kernel hashes", Cat(kHashTableSize, " bytes inside the section at ", Hex(hashes->address)), Hex(at));
    }
  }
  return std::nullopt;
}

Outcome<SevFirmware> ReadSevFirmware(ByteView image) {
  const auto entries = ReadGuidTable(image);
  if (!entries) return entries.findings();
  const auto offset = EntryOf(*entries, kMetadataOffset, "SEV metadata offset", 4);
  if (!offset) return offset.findings();
  if (!*offset) {
    return Refusal(Reason::kFirmwareNotSnp, "GUID table", Cat("an entry ", GuidText(kMetadataOffset), ", the SEV metadata offset"), Cat("none among ", entries->size(), " entries"));
  }
  auto sections = ReadSections(image, **offset);
  if (!sections) return std::move(sections).findings();
  const auto reset = EntryOf(*entries, kResetBlock, "reset vector of application processors", 4);
  if (!reset) return reset.findings();
  if (!*reset) {
    return Refusal(Reason::kFirmwareNotSnp, "GUID table", Cat("an entry ", GuidText(kResetBlock), ", the reset vector of application processors"), Cat("none among ", entries->size(), " entries"));
  }
  const auto hashes = EntryOf(*entries, kHashTable, "place of the kernel hashes", 8);
  if (!hashes) return hashes.findings();
  SevFirmware firmware{.sections = std::move(sections).value(), .reset_eip = *Reader(**reset).U32Le(), .hash_table_address = {}};
  if (*hashes) firmware.hash_table_address = *Reader(**hashes).U32Le();
  if (auto defect = DefectOf(firmware, image.size())) return *std::move(defect);
  return firmware;
}

}  // namespace assay::sev_snp

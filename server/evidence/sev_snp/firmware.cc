#include "evidence/sev_snp/firmware.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/bug.h"
#include "base/hex.h"
#include "base/hex_number.h"
#include "base/layout.h"
#include "base/reader.h"
#include "base/strings.h"
#include "evidence/ovmf_table.h"

namespace assay::sev_snp {
namespace {

using evidence::FirmwareKind;
using evidence::OvmfTable;

constexpr FirmwareKind kOvmf{"ovmf", "edk2 OvmfPkg, OvmfSevMetadata.asm", Reason::kFirmwareNotSnp};
constexpr FirmwareKind kSvsm{
    "svsm", "COCONUT-SVSM, as loaded before IGVM files", Reason::kFirmwareNotSnp,
    "Give the image that QEMU loads below the firmware (svsm.bin); if the SVSM comes as an IGVM file, give that as the firmware."};
constexpr std::string_view kWholeImage = "Give the image that the hypervisor maps below 4 GiB, unchanged and up to its last byte.";

// dc886566-984a-4798-a75e-5585a7bf67cc
constexpr OvmfTable::Guid kMetadataOffset = {0x66, 0x65, 0x88, 0xDC, 0x4A, 0x98, 0x98, 0x47,
                                             0xA7, 0x5E, 0x55, 0x85, 0xA7, 0xBF, 0x67, 0xCC};
// 00f771de-1a7e-4fcb-890e-68c77e2fb44e
constexpr OvmfTable::Guid kResetBlock = {0xDE, 0x71, 0xF7, 0x00, 0x7E, 0x1A, 0xCB, 0x4F, 0x89, 0x0E, 0x68, 0xC7, 0x7E, 0x2F, 0xB4, 0x4E};
// 7255371f-3a3b-4b04-927b-1da6efa8d454
constexpr OvmfTable::Guid kHashTable = {0x1F, 0x37, 0x55, 0x72, 0x3B, 0x3A, 0x04, 0x4B, 0x92, 0x7B, 0x1D, 0xA6, 0xEF, 0xA8, 0xD4, 0x54};

// a789a612-0597-4c4b-a49f-cbb1fe9d1ddd
constexpr OvmfTable::Guid kSvsmInfo = {0x12, 0xA6, 0x89, 0xA7, 0x97, 0x05, 0x4B, 0x4C, 0xA4, 0x9F, 0xCB, 0xB1, 0xFE, 0x9D, 0x1D, 0xDD};

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

Outcome<OvmfTable> FindTable(ByteView image, std::uint64_t end, const FirmwareKind& kind) {
  if (image.empty() || image.size() % kPageSize != 0 || image.size() >= end) {
    return kind.Refuse(Reason::kFirmwareNotSnp, "size", Cat("an image of whole pages of ", kPageSize, " bytes"),
                       Cat(image.size(), " bytes"), kWholeImage);
  }
  return OvmfTable::Find(image, kind);
}

Outcome<std::vector<SevSection>> ReadSections(ByteView image, ByteView offset_data, const FirmwareKind& kind) {
  const std::size_t offset = *Reader(offset_data).U32Le();
  if (offset < kDescriptorSize || offset > image.size()) {
    return kind.Refuse(Reason::kFirmwareMalformed, "SEV metadata offset",
                       Cat(kDescriptorSize, " to ", image.size(), " bytes from the end of the image"), std::to_string(offset), kWholeImage);
  }
  const ByteView descriptor = image.last(offset);
  const ByteView signature = SliceOf(descriptor, D("SIGNATURE"));
  if (!Equal(signature, AsBytes("ASEV"))) {
    return kind.Refuse(Reason::kFirmwareMalformed, "SIGNATURE", ToHex(AsBytes("ASEV")), ToHex(signature), kWholeImage);
  }
  const std::uint64_t version = LittleEndianOf(descriptor, D("VERSION"));
  if (version != kVersion) return kind.Refuse(Reason::kVersionUnsupported, "VERSION", std::to_string(kVersion), std::to_string(version));
  const std::uint64_t count = LittleEndianOf(descriptor, D("NUMBER_OF_SECTIONS"));
  if (count > kMaxSevSections) {
    return kind.Refuse(Reason::kSizeOverLimit, "NUMBER_OF_SECTIONS", Cat("at most ", kMaxSevSections), std::to_string(count));
  }
  const std::uint64_t size = kDescriptorSize + count * kSectionSize;
  const std::uint64_t length = LittleEndianOf(descriptor, D("LENGTH"));
  if (length != size) {
    return kind.Refuse(Reason::kFirmwareMalformed, "LENGTH", Cat(size, " bytes for ", count, " sections"), Cat(length, " bytes"));
  }
  if (size > descriptor.size()) {
    return kind.Refuse(Reason::kFirmwareMalformed, "LENGTH", Cat("at most the ", descriptor.size(), " bytes up to the end of the image"),
                       Cat(length, " bytes"));
  }
  std::vector<SevSection> sections;
  for (ByteView rest = descriptor.subspan(kDescriptorSize, size - kDescriptorSize); !rest.empty(); rest = rest.subspan(kSectionSize)) {
    const ByteView raw = rest.first(kSectionSize);
    const auto number = static_cast<std::uint32_t>(LittleEndianOf(raw, S("TYPE")));
    const std::optional<SevSectionType> type = SevSectionTypeOf(number);
    if (!type) {
      return kind.Refuse(Reason::kFirmwareUnpredictable, Cat("section ", sections.size(), ".TYPE"), "1 to 4, or 16", std::to_string(number),
                         "Update Assay, if the type is a newer one.");
    }
    sections.push_back(
        {*type, static_cast<std::uint32_t>(LittleEndianOf(raw, S("BASE"))), static_cast<std::uint32_t>(LittleEndianOf(raw, S("SIZE")))});
  }
  return sections;
}

std::uint64_t EndOf(const SevSection& section) { return std::uint64_t{section.address} + section.size; }

// `taken`: bytes below 4 GiB that sections must leave alone.
std::optional<Finding> DefectOf(const SevFirmware& firmware, std::uint64_t taken, const FirmwareKind& kind) {
  const std::vector<SevSection>& sections = firmware.sections;
  const auto named = [&](std::size_t index, std::string_view field) {
    return Cat("section ", index, " (", NameOf(sections[index].type), ").", field);
  };
  if (sections.size() > kMaxSevSections) {
    return kind.Refuse(Reason::kSizeOverLimit, "NUMBER_OF_SECTIONS", Cat("at most ", kMaxSevSections), std::to_string(sections.size()));
  }
  std::uint64_t memory = 0;  // can't wrap: few sections of 32 bits
  const SevSection* hashes = nullptr;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const SevSection& section = sections[i];
    if (section.address % kPageSize != 0) {
      return kind.Refuse(Reason::kFirmwareMalformed, named(i, "BASE"), Cat("a multiple of ", kPageSize), HexNumber(section.address));
    }
    if (section.size == 0 || section.size % kPageSize != 0) {
      return kind.Refuse(Reason::kFirmwareMalformed, named(i, "SIZE"), Cat("a multiple of ", kPageSize, " above 0"),
                         HexNumber(section.size));
    }
    if (RowOf(section.type).one_page && section.size != kPageSize) {
      return kind.Refuse(Reason::kFirmwareMalformed, named(i, "SIZE"), HexNumber(kPageSize), HexNumber(section.size));
    }
    if (EndOf(section) > kFirmwareEnd - taken) {
      return kind.Refuse(Reason::kFirmwareMalformed, named(i, "BASE"),
                         Cat("memory that ends at most where the image begins, ", HexNumber(kFirmwareEnd - taken)),
                         Cat("memory that ends at ", HexNumber(EndOf(section))));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (section.address < EndOf(sections[j]) && sections[j].address < EndOf(section)) {
        return kind.Refuse(Reason::kFirmwareMalformed, named(i, "BASE"), "memory apart from that of other sections",
                           Cat("an overlap with section ", j));
      }
    }
    if (section.type == SevSectionType::kKernelHashes) {
      if (hashes != nullptr) return kind.Refuse(Reason::kFirmwareMalformed, named(i, "TYPE"), "one section of kernel hashes", "two");
      hashes = &section;
    }
    memory += section.size;
  }
  if (memory > kMaxSevMemory) {
    return kind.Refuse(Reason::kSizeOverLimit, "SIZE of all sections", Cat("at most ", kMaxSevMemory, " bytes"), Cat(memory, " bytes"));
  }
  if (firmware.hash_table_address && hashes != nullptr) {
    const std::uint64_t at = *firmware.hash_table_address;
    if (at < hashes->address || at + kHashTableSize > EndOf(*hashes)) {
      return kind.Refuse(Reason::kFirmwareMalformed, "address of the kernel hashes",
                         Cat(kHashTableSize, " bytes inside the section at ", HexNumber(hashes->address)), HexNumber(at));
    }
  }
  return std::nullopt;
}

struct Metadata {
  OvmfTable table;
  std::vector<SevSection> sections;
};
Outcome<Metadata> ReadMetadata(ByteView image, std::uint64_t end, const FirmwareKind& kind) {
  auto table = FindTable(image, end, kind);
  if (!table) return std::move(table).findings();
  const auto offset = table->RequiredEntry(kMetadataOffset, "SEV metadata offset", 4);
  if (!offset) return offset.findings();
  auto sections = ReadSections(image, *offset, kind);
  if (!sections) return std::move(sections).findings();
  return Metadata{std::move(table).value(), std::move(sections).value()};
}

}  // namespace

std::optional<SevSectionType> SevSectionTypeOf(std::uint32_t number) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [number](const TypeRow& row) { return static_cast<std::uint32_t>(row.type) == number; });
  return found == kTypes.end() ? std::nullopt : std::optional(found->type);
}

std::string_view NameOf(SevSectionType type) { return RowOf(type).name; }

std::optional<Finding> DefectOf(const SevFirmware& firmware, std::uint64_t image_size) { return DefectOf(firmware, image_size, kOvmf); }

Outcome<SevFirmware> ReadSevFirmware(ByteView image) {
  auto metadata = ReadMetadata(image, kFirmwareEnd, kOvmf);
  if (!metadata) return std::move(metadata).findings();
  const auto reset = metadata->table.RequiredEntry(kResetBlock, "reset vector of application processors", 4);
  if (!reset) return reset.findings();
  const auto hashes = metadata->table.Entry(kHashTable, "place of the kernel hashes", 8);
  if (!hashes) return hashes.findings();
  SevFirmware firmware{.sections = std::move(metadata).value().sections, .reset_eip = *Reader(*reset).U32Le(), .hash_table_address = {}};
  if (*hashes) firmware.hash_table_address = *Reader(**hashes).U32Le();
  if (auto defect = DefectOf(firmware, image.size(), kOvmf)) return *std::move(defect);
  return firmware;
}

Outcome<SevFirmware> ReadSvsm(ByteView image, std::uint64_t end) {
  ASSAY_CHECK(end <= kFirmwareEnd && end % kPageSize == 0);
  auto metadata = ReadMetadata(image, end, kSvsm);
  if (!metadata) return std::move(metadata).findings();
  const auto info = metadata->table.RequiredEntry(kSvsmInfo, "place of the first instruction", 4);
  if (!info) return info.findings();
  const std::uint32_t first = *Reader(*info).U32Le();
  if (first >= image.size()) {
    return kSvsm.Refuse(Reason::kFirmwareMalformed, "place of the first instruction", Cat("below the image's ", image.size(), " bytes"),
                        std::to_string(first));
  }
  SevFirmware svsm{.sections = std::move(metadata).value().sections,
                   .reset_eip = static_cast<std::uint32_t>(end - image.size() + first),
                   .hash_table_address = {}};
  if (auto defect = DefectOf(svsm, kFirmwareEnd - (end - image.size()), kSvsm)) return *std::move(defect);
  return svsm;
}

}  // namespace assay::sev_snp

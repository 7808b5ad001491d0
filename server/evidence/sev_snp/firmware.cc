#include "evidence/sev_snp/firmware.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/hex_number.h"
#include "base/layout.h"
#include "base/reader.h"
#include "base/strings.h"
#include "evidence/ovmf_table.h"

namespace assay::sev_snp {
namespace {

constexpr evidence::FirmwareKind kOvmf{"ovmf", "edk2 OvmfPkg, OvmfSevMetadata.asm", Reason::kFirmwareNotSnp};
constexpr std::string_view kWholeImage = "Give the image that the hypervisor maps below 4 GiB, unchanged and up to its last byte.";

using evidence::OvmfTable;

// dc886566-984a-4798-a75e-5585a7bf67cc
constexpr OvmfTable::Guid kMetadataOffset = {0x66, 0x65, 0x88, 0xDC, 0x4A, 0x98, 0x98, 0x47, 0xA7, 0x5E, 0x55, 0x85, 0xA7, 0xBF, 0x67, 0xCC};
// 00f771de-1a7e-4fcb-890e-68c77e2fb44e
constexpr OvmfTable::Guid kResetBlock = {0xDE, 0x71, 0xF7, 0x00, 0x7E, 0x1A, 0xCB, 0x4F, 0x89, 0x0E, 0x68, 0xC7, 0x7E, 0x2F, 0xB4, 0x4E};
// 7255371f-3a3b-4b04-927b-1da6efa8d454
constexpr OvmfTable::Guid kHashTable = {0x1F, 0x37, 0x55, 0x72, 0x3B, 0x3A, 0x04, 0x4B, 0x92, 0x7B, 0x1D, 0xA6, 0xEF, 0xA8, 0xD4, 0x54};

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

Outcome<OvmfTable> FindTable(ByteView image) {
  if (image.size() >= 4 && Equal(image.first(4), AsBytes("IGVM"))) {
    return kOvmf.Refuse(Reason::kFirmwareNotSnp, "content", "an OVMF image", "an IGVM file", "Launch digests of IGVM files are not computed by this build; take them from the file's publisher.");
  }
  if (image.empty() || image.size() % kPageSize != 0 || image.size() >= kFirmwareEnd) {
    return kOvmf.Refuse(Reason::kFirmwareNotSnp, "size", Cat("an image of whole pages of ", kPageSize, " bytes"), Cat(image.size(), " bytes"), kWholeImage);
  }
  return OvmfTable::Find(image, kOvmf);
}

Outcome<std::vector<SevSection>> ReadSections(ByteView image, ByteView offset_data) {
  const std::size_t offset = *Reader(offset_data).U32Le();
  if (offset < kDescriptorSize || offset > image.size()) {
    return kOvmf.Refuse(Reason::kFirmwareMalformed, "SEV metadata offset", Cat(kDescriptorSize, " to ", image.size(), " bytes from the end of the image"), std::to_string(offset), kWholeImage);
  }
  const ByteView descriptor = image.last(offset);
  const ByteView signature = SliceOf(descriptor, D("SIGNATURE"));
  if (!Equal(signature, AsBytes("ASEV"))) return kOvmf.Refuse(Reason::kFirmwareMalformed, "SIGNATURE", ToHex(AsBytes("ASEV")), ToHex(signature), kWholeImage);
  const std::uint64_t version = LittleEndianOf(descriptor, D("VERSION"));
  if (version != kVersion) return kOvmf.Refuse(Reason::kVersionUnsupported, "VERSION", std::to_string(kVersion), std::to_string(version));
  const std::uint64_t count = LittleEndianOf(descriptor, D("NUMBER_OF_SECTIONS"));
  if (count > kMaxSevSections) return kOvmf.Refuse(Reason::kSizeOverLimit, "NUMBER_OF_SECTIONS", Cat("at most ", kMaxSevSections), std::to_string(count));
  const std::uint64_t size = kDescriptorSize + count * kSectionSize;
  const std::uint64_t length = LittleEndianOf(descriptor, D("LENGTH"));
  if (length != size) return kOvmf.Refuse(Reason::kFirmwareMalformed, "LENGTH", Cat(size, " bytes for ", count, " sections"), Cat(length, " bytes"));
  if (size > descriptor.size()) {
    return kOvmf.Refuse(Reason::kFirmwareMalformed, "LENGTH", Cat("at most the ", descriptor.size(), " bytes up to the end of the image"), Cat(length, " bytes"));
  }
  std::vector<SevSection> sections;
  for (ByteView rest = descriptor.subspan(kDescriptorSize, size - kDescriptorSize); !rest.empty(); rest = rest.subspan(kSectionSize)) {
    const ByteView raw = rest.first(kSectionSize);
    const auto number = static_cast<std::uint32_t>(LittleEndianOf(raw, S("TYPE")));
    const std::optional<SevSectionType> type = SevSectionTypeOf(number);
    if (!type) {
      return kOvmf.Refuse(Reason::kFirmwareUnpredictable, Cat("section ", sections.size(), ".TYPE"), "1 to 4, or 16", std::to_string(number), "Update Assay, if the type is a newer one.");
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
  if (sections.size() > kMaxSevSections) return kOvmf.Refuse(Reason::kSizeOverLimit, "NUMBER_OF_SECTIONS", Cat("at most ", kMaxSevSections), std::to_string(sections.size()));
  std::uint64_t memory = 0;  // can't wrap: few sections of 32 bits
  const SevSection* hashes = nullptr;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const SevSection& section = sections[i];
    if (section.address % kPageSize != 0) return kOvmf.Refuse(Reason::kFirmwareMalformed, named(i, "BASE"), Cat("a multiple of ", kPageSize), HexNumber(section.address));
    if (section.size == 0 || section.size % kPageSize != 0) return kOvmf.Refuse(Reason::kFirmwareMalformed, named(i, "SIZE"), Cat("a multiple of ", kPageSize, " above 0"), HexNumber(section.size));
    if (RowOf(section.type).one_page && section.size != kPageSize) return kOvmf.Refuse(Reason::kFirmwareMalformed, named(i, "SIZE"), HexNumber(kPageSize), HexNumber(section.size));
    if (EndOf(section) > kFirmwareEnd - image_size) {
      return kOvmf.Refuse(Reason::kFirmwareMalformed, named(i, "BASE"), Cat("memory that ends at most where the image begins, ", HexNumber(kFirmwareEnd - image_size)), Cat("memory that ends at ", HexNumber(EndOf(section))));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (section.address < EndOf(sections[j]) && sections[j].address < EndOf(section)) {
        return kOvmf.Refuse(Reason::kFirmwareMalformed, named(i, "BASE"), "memory apart from that of other sections", Cat("an overlap with section ", j));
      }
    }
    if (section.type == SevSectionType::kKernelHashes) {
      if (hashes != nullptr) return kOvmf.Refuse(Reason::kFirmwareMalformed, named(i, "TYPE"), "one section of kernel hashes", "two");
      hashes = &section;
    }
    memory += section.size;
  }
  if (memory > kMaxSevMemory) return kOvmf.Refuse(Reason::kSizeOverLimit, "SIZE of all sections", Cat("at most ", kMaxSevMemory, " bytes"), Cat(memory, " bytes"));
  if (firmware.hash_table_address && hashes != nullptr) {
    const std::uint64_t at = *firmware.hash_table_address;
    if (at < hashes->address || at + kHashTableSize > EndOf(*hashes)) {
      return kOvmf.Refuse(Reason::kFirmwareMalformed, "address of the kernel hashes", Cat(kHashTableSize, " bytes inside the section at ", HexNumber(hashes->address)), HexNumber(at));
    }
  }
  return std::nullopt;
}

Outcome<SevFirmware> ReadSevFirmware(ByteView image) {
  const auto table = FindTable(image);
  if (!table) return table.findings();
  const auto offset = table->RequiredEntry(kMetadataOffset, "SEV metadata offset", 4);
  if (!offset) return offset.findings();
  auto sections = ReadSections(image, *offset);
  if (!sections) return std::move(sections).findings();
  const auto reset = table->RequiredEntry(kResetBlock, "reset vector of application processors", 4);
  if (!reset) return reset.findings();
  const auto hashes = table->Entry(kHashTable, "place of the kernel hashes", 8);
  if (!hashes) return hashes.findings();
  SevFirmware firmware{.sections = std::move(sections).value(), .reset_eip = *Reader(*reset).U32Le(), .hash_table_address = {}};
  if (*hashes) firmware.hash_table_address = *Reader(**hashes).U32Le();
  if (auto defect = DefectOf(firmware, image.size())) return *std::move(defect);
  return firmware;
}

}  // namespace assay::sev_snp

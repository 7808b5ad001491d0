#include "evidence/igvm_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/hex_number.h"
#include "base/layout.h"
#include "base/reader.h"
#include "base/strings.h"

namespace assay::evidence {
namespace {

constexpr std::string_view kUnchanged = "Give the file as its build left it, whole.";
constexpr std::string_view kNewer = "Update Assay, if the file is of a newer format.";
constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << 52;  // guest physical addresses of the architecture

// IGVM_FIXED_HEADER, and what version 2 adds
constexpr std::size_t kFixedHeaderSize = 24, kFixedHeaderV2Size = 32;
constexpr auto kFixedHeader = std::to_array<Field>({
    {"magic", 0, 4},
    {"format_version", 4, 4},
    {"variable_header_offset", 8, 4},
    {"variable_header_size", 12, 4},
    {"total_file_size", 16, 4},
    {"checksum", 20, 4},
    {"architecture", 24, 4},
    {"page_size", 28, 4},
});
static_assert(IsContiguous(kFixedHeader, kFixedHeaderV2Size));
consteval Field F(std::string_view name) { return FieldNamed(kFixedHeader, name); }
constexpr std::uint64_t kX64 = 0;
constexpr std::uint64_t kMaxHeaders = 64U * 1024 * 1024;  // bytes: two million pages of a guest

enum class Section : std::uint8_t { kPlatform, kInitialization, kDirective };
constexpr std::string_view kSectionNames[] = {"platforms", "initialization", "directives"};

// IgvmVariableHeaderType
enum class HeaderType : std::uint32_t {
  kSupportedPlatform = 0x001,
  kGuestPolicy = 0x101,
  kRelocatableRegion = 0x102,
  kPageTableRelocationRegion = 0x103,
  kCorimDocument = 0x104,
  kCorimSignature = 0x105,
  kCcaPolicy = 0x106,
  kVersionString = 0x107,
  kParameterArea = 0x301,
  kPageData = 0x302,
  kParameterInsert = 0x303,
  kVpContext = 0x304,
  kRequiredMemory = 0x305,
  kVpCountParameter = 0x307,
  kSrat = 0x308,
  kMadt = 0x309,
  kMmioRanges = 0x30A,
  kSnpIdBlock = 0x30B,
  kMemoryMap = 0x30C,
  kErrorRange = 0x30D,
  kCommandLine = 0x30E,
  kSlit = 0x30F,
  kPptt = 0x310,
  kVbsMeasurement = 0x311,
  kDeviceTree = 0x312,
  kEnvironmentInfo = 0x313,
};
struct HeaderRow {
  HeaderType type;
  std::string_view name;
  Section section;
  std::optional<std::size_t> size;  // of the content; none: any
  std::optional<std::size_t> mask;  // where its compatibility_mask is; none: it holds for all platforms
};
constexpr auto kHeaders = std::to_array<HeaderRow>({
    {HeaderType::kSupportedPlatform, "SUPPORTED_PLATFORM", Section::kPlatform, 16, {}},
    {HeaderType::kGuestPolicy, "GUEST_POLICY", Section::kInitialization, 16, 8},
    {HeaderType::kRelocatableRegion, "RELOCATABLE_REGION", Section::kInitialization, 48, 0},
    {HeaderType::kPageTableRelocationRegion, "PAGE_TABLE_RELOCATION_REGION", Section::kInitialization, 32, 0},
    {HeaderType::kCorimDocument, "CORIM_DOCUMENT", Section::kInitialization, 16, 0},
    {HeaderType::kCorimSignature, "CORIM_SIGNATURE", Section::kInitialization, 16, 0},
    {HeaderType::kCcaPolicy, "CCA_POLICY", Section::kInitialization, 32, 0},
    {HeaderType::kVersionString, "VERSION_STRING", Section::kInitialization, {}, {}},
    {HeaderType::kParameterArea, "PARAMETER_AREA", Section::kDirective, 16, {}},
    {HeaderType::kPageData, "PAGE_DATA", Section::kDirective, 24, 8},
    {HeaderType::kParameterInsert, "PARAMETER_INSERT", Section::kDirective, 16, 8},
    {HeaderType::kVpContext, "VP_CONTEXT", Section::kDirective, 20, 8},
    {HeaderType::kRequiredMemory, "REQUIRED_MEMORY", Section::kDirective, 24, 8},
    {HeaderType::kVpCountParameter, "VP_COUNT_PARAMETER", Section::kDirective, 8, {}},
    {HeaderType::kSrat, "SRAT", Section::kDirective, 8, {}},
    {HeaderType::kMadt, "MADT", Section::kDirective, 8, {}},
    {HeaderType::kMmioRanges, "MMIO_RANGES", Section::kDirective, 8, {}},
    {HeaderType::kSnpIdBlock, "SNP_ID_BLOCK", Section::kDirective, 696, 0},
    {HeaderType::kMemoryMap, "MEMORY_MAP", Section::kDirective, 8, {}},
    {HeaderType::kErrorRange, "ERROR_RANGE", Section::kDirective, 16, 8},
    {HeaderType::kCommandLine, "COMMAND_LINE", Section::kDirective, 8, {}},
    {HeaderType::kSlit, "SLIT", Section::kDirective, 8, {}},
    {HeaderType::kPptt, "PPTT", Section::kDirective, 8, {}},
    {HeaderType::kVbsMeasurement, "VBS_MEASUREMENT", Section::kDirective, 864, 0},
    {HeaderType::kDeviceTree, "DEVICE_TREE", Section::kDirective, 8, {}},
    {HeaderType::kEnvironmentInfo, "ENVIRONMENT_INFO_PARAMETER", Section::kDirective, 8, {}},
});

constexpr auto kSupportedPlatform = std::to_array<Field>({
    {"compatibility_mask", 0, 4},
    {"highest_vtl", 4, 1},
    {"platform_type", 5, 1},
    {"platform_version", 6, 2},
    {"shared_gpa_boundary", 8, 8},
});
constexpr auto kGuestPolicy = std::to_array<Field>({{"policy", 0, 8}, {"compatibility_mask", 8, 4}, {"reserved", 12, 4}});
constexpr auto kParameterArea = std::to_array<Field>({{"number_of_bytes", 0, 8}, {"parameter_area_index", 8, 4}, {"file_offset", 12, 4}});
constexpr auto kParameterInsert = std::to_array<Field>({{"gpa", 0, 8}, {"compatibility_mask", 8, 4}, {"parameter_area_index", 12, 4}});
constexpr auto kPageData = std::to_array<Field>({
    {"gpa", 0, 8},
    {"compatibility_mask", 8, 4},
    {"file_offset", 12, 4},
    {"flags", 16, 4},
    {"data_type", 20, 2},
    {"reserved", 22, 2},
});
constexpr auto kVpContext = std::to_array<Field>({
    {"gpa", 0, 8},
    {"compatibility_mask", 8, 4},
    {"file_offset", 12, 4},
    {"vp_index", 16, 2},
    {"reserved", 18, 2},
});
constexpr auto kIdBlock = std::to_array<Field>({
    {"compatibility_mask", 0, 4},
    {"author_key_enabled", 4, 1},
    {"reserved", 5, 3},
    {"ld", 8, 48},
    {"family_id", 56, 16},
    {"image_id", 72, 16},
    {"version", 88, 4},
    {"guest_svn", 92, 4},
    {"id_key_algorithm", 96, 4},
    {"author_key_algorithm", 100, 4},
    {"keys and signatures", 104, 592},
});
static_assert(IsContiguous(kSupportedPlatform, 16) && IsContiguous(kGuestPolicy, 16) && IsContiguous(kParameterArea, 16) &&
              IsContiguous(kParameterInsert, 16) && IsContiguous(kPageData, 24) && IsContiguous(kVpContext, 20) &&
              IsContiguous(kIdBlock, 696));

// IgvmPageDataFlags
constexpr std::uint64_t kPage2Mb = 1U << 0, kUnmeasured = 1U << 1, kShared = 1U << 2;

std::string_view NameOf(IgvmPlatform platform) {
  switch (platform) {
    case IgvmPlatform::kNative: return "NATIVE";
    case IgvmPlatform::kVsmIsolation: return "VSM_ISOLATION";
    case IgvmPlatform::kSevSnp: return "SEV_SNP";
    case IgvmPlatform::kTdx: return "TDX";
    case IgvmPlatform::kSev: return "SEV";
    case IgvmPlatform::kSevEs: return "SEV_ES";
    case IgvmPlatform::kCca: return "CCA";
  }
  return "unknown";
}

struct Header {
  const HeaderRow* row;
  std::size_t index;  // among all headers
  ByteView content;
};

class GuestReader {
 public:
  GuestReader(ByteView file, IgvmPlatform platform, const FirmwareKind& kind) : file_(file), platform_(platform), kind_(kind) {}

  Outcome<IgvmGuest> Read() {
    auto headers = ReadHeaders();
    if (!headers) return std::move(headers).findings();
    for (const Header& header : *headers) {
      if (auto defect = Take(header)) return *std::move(defect);
    }
    if (mask_ == 0) {
      return Refuse(kind_.not_of_kind, "SUPPORTED_PLATFORM", std::string(NameOf(platform_)), platforms_.empty() ? "none" : platforms_,
                    "Give the file that was built for this kind of guest.");
    }
    if (auto defect = Overlap()) return *std::move(defect);
    return std::move(guest_);
  }

 private:
  Finding Refuse(Reason reason, std::string field, std::string expected, std::string actual, std::string_view remedy = {}) const {
    return kind_.Refuse(reason, std::move(field), std::move(expected), std::move(actual), remedy);
  }
  static std::string NameOfField(const Header& header, std::string_view field) {
    return Cat("header ", header.index, " (", header.row->name, ").", field);
  }
  Finding Malformed(const Header& header, std::string_view field, std::string expected, std::string actual) const {
    return Refuse(Reason::kFirmwareMalformed, NameOfField(header, field), std::move(expected), std::move(actual), kUnchanged);
  }
  Finding Unpredictable(const Header& header, std::string_view field, std::string expected, std::string actual) const {
    return Refuse(Reason::kFirmwareUnpredictable, NameOfField(header, field), std::move(expected), std::move(actual));
  }

  // The fixed header, and the frames of all others.
  Outcome<std::vector<Header>> ReadHeaders() {
    if (file_.size() < kFixedHeaderSize || !IsIgvm(file_)) {
      return Refuse(kind_.not_of_kind, "magic", Cat(ToHex(AsBytes("IGVM")), ", \"IGVM\""),
                    Cat(ToHex(file_.first(std::min<std::size_t>(4, file_.size()))), " of ", file_.size(), " bytes"));
    }
    const std::uint64_t version = LittleEndianOf(file_, F("format_version"));
    if (version != 1 && version != 2) {
      return Refuse(Reason::kVersionUnsupported, "format_version", "1 or 2", std::to_string(version), kNewer);
    }
    const std::size_t fixed_size = version == 1 ? kFixedHeaderSize : kFixedHeaderV2Size;
    if (file_.size() < fixed_size) {
      return Refuse(Reason::kFirmwareMalformed, "fixed header", Cat(fixed_size, " bytes"), Cat(file_.size(), " bytes"), kUnchanged);
    }
    if (version == 2) {
      const std::uint64_t architecture = LittleEndianOf(file_, F("architecture")), page_size = LittleEndianOf(file_, F("page_size"));
      if (architecture != kX64) return Refuse(kind_.not_of_kind, "architecture", "0, X64", std::to_string(architecture));
      if (page_size != kIgvmPageSize) {
        return Refuse(Reason::kVersionUnsupported, "page_size", std::to_string(kIgvmPageSize), std::to_string(page_size));
      }
    }
    const std::uint64_t size = LittleEndianOf(file_, F("total_file_size"));
    if (size != file_.size()) {
      return Refuse(Reason::kFirmwareMalformed, "total_file_size", Cat(file_.size(), ", the file's"), std::to_string(size), kUnchanged);
    }
    const std::uint64_t begin = LittleEndianOf(file_, F("variable_header_offset")),
                        length = LittleEndianOf(file_, F("variable_header_size"));
    if (begin < fixed_size || begin % 8 != 0 || begin > size) {
      return Refuse(Reason::kFirmwareMalformed, "variable_header_offset", Cat("a multiple of 8 from ", fixed_size, " to ", size),
                    std::to_string(begin), kUnchanged);
    }
    if (length > size - begin) {
      return Refuse(Reason::kFirmwareMalformed, "variable_header_size", Cat("at most the ", size - begin, " bytes up to the end"),
                    std::to_string(length), kUnchanged);
    }
    if (length > kMaxHeaders) {
      return Refuse(Reason::kSizeOverLimit, "variable_header_size", Cat("at most ", kMaxHeaders, " bytes"), std::to_string(length));
    }
    data_begin_ = begin + length;
    const ByteView variable = file_.subspan(begin, length);
    if (auto defect = CompareChecksum(fixed_size, variable)) return *std::move(defect);
    return Frames(variable);
  }

  std::optional<Finding> CompareChecksum(std::size_t fixed_size, ByteView variable) const {
    Bytes fixed = ToBytes(file_.first(fixed_size));
    const Field& field = F("checksum");
    std::fill_n(fixed.begin() + static_cast<std::ptrdiff_t>(field.offset), field.size, std::uint8_t{0});
    const uLong computed = crc32_z(crc32_z(0, fixed.data(), fixed.size()), variable.data(), variable.size());
    const std::uint64_t said = LittleEndianOf(file_, field);
    if (computed == said) return std::nullopt;
    return Refuse(Reason::kFirmwareMalformed, "checksum", Cat(HexNumber(computed), ", the CRC-32 of the headers"), HexNumber(said),
                  kUnchanged);
  }

  Outcome<std::vector<Header>> Frames(ByteView variable) const {
    std::vector<Header> headers;
    Section section = Section::kPlatform;
    for (Reader reader(variable); !reader.AtEnd();) {
      const auto type = reader.U32Le(), length = reader.U32Le();
      const std::string name = Cat("header ", headers.size());
      if (!length) return Refuse(Reason::kFirmwareMalformed, name, "8 bytes of type and length", "the end of the headers", kUnchanged);
      const auto row = std::find_if(kHeaders.begin(), kHeaders.end(),
                                    [&](const HeaderRow& known) { return static_cast<std::uint32_t>(known.type) == *type; });
      if (row == kHeaders.end()) {
        return Refuse(Reason::kFirmwareUnpredictable, Cat(name, ".type"), "a type that this build knows", HexNumber(*type), kNewer);
      }
      const auto content = reader.Take(*length);
      if (!content) {
        return Refuse(Reason::kFirmwareMalformed, Cat(name, " (", row->name, ").length"),
                      Cat("at most the ", reader.remaining(), " bytes up to the end of the headers"), std::to_string(*length), kUnchanged);
      }
      const Header header{&*row, headers.size(), *content};
      if (row->size && *length != *row->size) return Malformed(header, "length", std::to_string(*row->size), std::to_string(*length));
      const auto padding = reader.Take((8 - *length % 8) % 8);
      if (!padding || std::any_of(padding->begin(), padding->end(), [](std::uint8_t byte) { return byte != 0; })) {
        return Malformed(header, "padding", "zeros up to a multiple of 8 bytes", padding ? ToHex(*padding) : "the end of the headers");
      }
      if (row->section < section) {
        return Malformed(header, "type", Cat("a header of the ", kSectionNames[static_cast<std::size_t>(section)], ", which have begun"),
                         Cat("one of the ", kSectionNames[static_cast<std::size_t>(row->section)]));
      }
      section = row->section;
      headers.push_back(header);
    }
    return headers;
  }

  // One header, if it is for the platform.
  std::optional<Finding> Take(const Header& header) {
    if (header.row->mask && (LittleEndianOf(header.content, Field{"", *header.row->mask, 4}) & mask_) == 0) return std::nullopt;
    switch (header.row->type) {
      case HeaderType::kSupportedPlatform: return TakePlatform(header);
      case HeaderType::kGuestPolicy:
        if (guest_.guest_policy) return Malformed(header, "policy", "one for each platform", "two");
        guest_.guest_policy = LittleEndianOf(header.content, FieldNamed(kGuestPolicy, "policy"));
        return std::nullopt;
      case HeaderType::kRelocatableRegion:
      case HeaderType::kPageTableRelocationRegion:
        return Unpredictable(header, "compatibility_mask", "none of an isolated platform, whose measurement has the addresses in it",
                             "a region that the loader may move");
      case HeaderType::kParameterArea: return TakeParameterArea(header);
      case HeaderType::kPageData: return TakePage(header);
      case HeaderType::kParameterInsert: return TakeParameterInsert(header);
      case HeaderType::kVpContext: return TakeVpContext(header);
      case HeaderType::kSnpIdBlock: return TakeIdBlock(header);
      default: return std::nullopt;  // nothing that is put into the guest
    }
  }

  std::optional<Finding> TakePlatform(const Header& header) {
    const auto value = [&](const Field& field) { return LittleEndianOf(header.content, field); };
    const auto type = static_cast<IgvmPlatform>(value(FieldNamed(kSupportedPlatform, "platform_type")));
    platforms_ += Cat(platforms_.empty() ? "" : ", ", NameOf(type));
    if (type != platform_) return std::nullopt;
    if (mask_ != 0) return Malformed(header, "platform_type", Cat(NameOf(platform_), " once"), "twice");
    const std::uint64_t version = value(FieldNamed(kSupportedPlatform, "platform_version"));
    if (version != 1) {
      return Refuse(Reason::kVersionUnsupported, NameOfField(header, "platform_version"), "1", std::to_string(version), kNewer);
    }
    const std::uint64_t mask = value(FieldNamed(kSupportedPlatform, "compatibility_mask"));
    if (mask == 0 || (mask & (mask - 1)) != 0) return Malformed(header, "compatibility_mask", "one bit", HexNumber(mask));
    mask_ = mask;
    return std::nullopt;
  }

  std::optional<Finding> TakeParameterArea(const Header& header) {
    const std::uint64_t size = LittleEndianOf(header.content, FieldNamed(kParameterArea, "number_of_bytes"));
    if (size % kIgvmPageSize != 0) return Malformed(header, "number_of_bytes", Cat("a multiple of ", kIgvmPageSize), std::to_string(size));
    const std::uint64_t index = LittleEndianOf(header.content, FieldNamed(kParameterArea, "parameter_area_index"));
    if (!parameter_areas_.emplace(index, size).second) {
      return Malformed(header, "parameter_area_index", Cat("an area ", index, " once"), "twice");
    }
    return std::nullopt;
  }

  std::optional<Finding> TakeParameterInsert(const Header& header) {
    const std::uint64_t gpa = LittleEndianOf(header.content, FieldNamed(kParameterInsert, "gpa"));
    const std::uint64_t index = LittleEndianOf(header.content, FieldNamed(kParameterInsert, "parameter_area_index"));
    const auto area = parameter_areas_.find(index);
    if (area == parameter_areas_.end()) {
      return Malformed(header, "parameter_area_index", "an area that was declared before", std::to_string(index));
    }
    if (!inserted_.insert(index).second) {
      return Malformed(header, "parameter_area_index", Cat("an area ", index, " inserted once"), "twice");
    }
    parameters_size_ = area->second > kMaxIgvmParameters ? area->second : parameters_size_ + area->second;
    if (parameters_size_ > kMaxIgvmParameters) {
      return Refuse(Reason::kSizeOverLimit, NameOfField(header, "parameter_area_index"),
                    Cat("areas of at most ", kMaxIgvmParameters, " bytes together"), Cat(parameters_size_, " bytes"));
    }
    if (auto defect = Place(header, gpa, area->second)) return defect;
    guest_.directives.emplace_back(IgvmParameters{gpa, area->second});
    return std::nullopt;
  }

  std::optional<Finding> TakePage(const Header& header) {
    const auto value = [&](const Field& field) { return LittleEndianOf(header.content, field); };
    const std::uint64_t flags = value(FieldNamed(kPageData, "flags"));
    if ((flags & ~(kPage2Mb | kUnmeasured | kShared)) != 0) return Malformed(header, "flags", "no reserved bit", HexNumber(flags));
    if ((flags & kPage2Mb) != 0) {
      return Unpredictable(header, "flags", Cat("pages of ", kIgvmPageSize, " bytes"),
                           "a page of 2 MiB, of which loaders read different amounts of data");
    }
    const std::uint64_t type = value(FieldNamed(kPageData, "data_type"));
    if (type > static_cast<std::uint64_t>(IgvmPageType::kCpuidXf)) {
      return Unpredictable(header, "data_type", "0 to 3", std::to_string(type));
    }
    if (const std::uint64_t reserved = value(FieldNamed(kPageData, "reserved")); reserved != 0) {
      return Malformed(header, "reserved", "0", std::to_string(reserved));
    }
    IgvmPage page{.gpa = value(FieldNamed(kPageData, "gpa")),
                  .type = static_cast<IgvmPageType>(type),
                  .unmeasured = (flags & kUnmeasured) != 0,
                  .shared = (flags & kShared) != 0};
    if (const std::uint64_t offset = value(FieldNamed(kPageData, "file_offset")); offset != 0) {
      const auto data = PageAt(offset);
      if (!data) return OutsideOfData(header, offset);
      page.data = *data;
    }
    if (auto defect = Place(header, page.gpa, kIgvmPageSize)) return defect;
    guest_.directives.emplace_back(page);
    return std::nullopt;
  }

  std::optional<Finding> TakeVpContext(const Header& header) {
    const auto value = [&](const Field& field) { return LittleEndianOf(header.content, field); };
    IgvmVpContext context{.gpa = value(FieldNamed(kVpContext, "gpa")),
                          .vp_index = static_cast<std::uint16_t>(value(FieldNamed(kVpContext, "vp_index")))};
    if (const std::uint64_t reserved = value(FieldNamed(kVpContext, "reserved")); reserved != 0) {
      return Malformed(header, "reserved", "0", std::to_string(reserved));
    }
    const std::uint64_t offset = value(FieldNamed(kVpContext, "file_offset"));
    const auto data = PageAt(offset);
    if (!data) return OutsideOfData(header, offset);
    context.data = *data;
    if (!vp_contexts_.insert(context.vp_index).second) {
      return Malformed(header, "vp_index", Cat("one state of processor ", context.vp_index), "two");
    }
    // KVM has the states of all processors at one address.
    const bool first_there = vp_context_addresses_.insert(context.gpa).second;
    if (auto defect = Place(header, context.gpa, first_there ? kIgvmPageSize : 0)) return defect;
    guest_.directives.emplace_back(context);
    return std::nullopt;
  }

  std::optional<Finding> TakeIdBlock(const Header& header) {
    if (guest_.id_block) return Malformed(header, "ld", "one ID block", "two");
    const auto slice = [&](const Field& field) { return SliceOf(header.content, field); };
    guest_.id_block =
        IgvmIdBlock{.launch_digest = slice(FieldNamed(kIdBlock, "ld")),
                    .family_id = slice(FieldNamed(kIdBlock, "family_id")),
                    .image_id = slice(FieldNamed(kIdBlock, "image_id")),
                    .guest_svn = static_cast<std::uint32_t>(LittleEndianOf(header.content, FieldNamed(kIdBlock, "guest_svn")))};
    return std::nullopt;
  }

  std::optional<ByteView> PageAt(std::uint64_t offset) const {
    if (offset < data_begin_ || file_.size() < kIgvmPageSize || offset > file_.size() - kIgvmPageSize) return std::nullopt;
    return file_.subspan(offset, kIgvmPageSize);
  }
  Finding OutsideOfData(const Header& header, std::uint64_t offset) const {
    return Malformed(header, "file_offset", Cat(kIgvmPageSize, " bytes of data between ", data_begin_, " and ", file_.size()),
                     std::to_string(offset));
  }

  // Notes the memory, to be compared in the end.
  std::optional<Finding> Place(const Header& header, std::uint64_t gpa, std::uint64_t size) {
    if (gpa % kIgvmPageSize != 0) return Malformed(header, "gpa", Cat("a multiple of ", kIgvmPageSize), HexNumber(gpa));
    if (gpa > kAddressEnd - size) return Malformed(header, "gpa", Cat("memory below ", HexNumber(kAddressEnd)), HexNumber(gpa));
    if (size != 0) memory_.push_back({gpa, gpa + size, header});
    return std::nullopt;
  }
  std::optional<Finding> Overlap() {
    std::sort(memory_.begin(), memory_.end(), [](const Placed& a, const Placed& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < memory_.size(); ++i) {
      const Placed &before = memory_[i - 1], &after = memory_[i];
      if (after.begin < before.end) {
        return Malformed(after.header, "gpa", "memory apart from that of other headers",
                         Cat(HexNumber(after.begin), ", as header ", before.header.index));
      }
    }
    return std::nullopt;
  }

  struct Placed {
    std::uint64_t begin, end;
    Header header;
  };

  const ByteView file_;
  const IgvmPlatform platform_;
  const FirmwareKind& kind_;
  std::size_t data_begin_ = 0;
  std::uint64_t mask_ = 0;                                  // the platform's bit, once it was declared
  std::string platforms_;                                   // all that are declared, for people
  std::map<std::uint64_t, std::uint64_t> parameter_areas_;  // sizes
  std::set<std::uint64_t> inserted_;
  std::uint64_t parameters_size_ = 0;
  std::set<std::uint16_t> vp_contexts_;
  std::set<std::uint64_t> vp_context_addresses_;
  std::vector<Placed> memory_;
  IgvmGuest guest_;
};

}  // namespace

bool IsIgvm(ByteView file) { return file.size() >= 4 && Equal(file.first(4), AsBytes("IGVM")); }

Outcome<IgvmGuest> ReadIgvmGuest(ByteView file, IgvmPlatform platform, const FirmwareKind& kind) {
  return GuestReader(file, platform, kind).Read();
}

}  // namespace assay::evidence

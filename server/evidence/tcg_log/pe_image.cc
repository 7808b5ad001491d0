#include "evidence/tcg_log/pe_image.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/layout.h"
#include "base/strings.h"

namespace assay::tcg_log {
namespace {

// Offsets in the file; behind e_lfanew, in the PE header; behind that, in the optional header.
constexpr std::size_t kLfanew = 0x3C, kSmallestHeader = 0x40;
constexpr std::size_t kSignatureSize = 4, kFileHeaderSize = 20, kSections = 2, kOptionalHeaderSize = 16;
constexpr std::size_t kHeadersSize = 60, kCheckSum = 64;
constexpr std::uint16_t kPe32 = 0x10B, kPe32Plus = 0x20B;
constexpr std::size_t kSectionHeaderSize = 40;
constexpr std::size_t kCertificateEntry = 4, kDirectoryEntrySize = 8;

std::uint64_t Number(ByteView bytes, std::size_t offset, std::size_t size) { return LittleEndianOf(bytes, {"", offset, size}); }

Outcome<PeImage> Refusal(std::string claim, std::string expected, std::string actual) {
  return Finding{.reason = Reason::kFieldInvalid,
                 .component = "EFI application",
                 .claim = std::move(claim),
                 .expected = std::move(expected),
                 .actual = std::move(actual),
                 .spec = "PE format"};
}

}  // namespace

Outcome<PeImage> ReadPeImage(ByteView image) {
  if (image.size() < kSmallestHeader || image[0] != 'M' || image[1] != 'Z') {
    return Refusal("signature", "MZ", Cat(image.size(), " bytes, beginning ", ToHexBounded(image, 16)));
  }
  const std::size_t pe = static_cast<std::size_t>(Number(image, kLfanew, 4));
  if (pe > image.size() || image.size() - pe < kSignatureSize + kFileHeaderSize ||
      AsText(image.subspan(pe, kSignatureSize)) != std::string_view("PE\0\0", 4)) {
    return Refusal("e_lfanew", "the offset of PE\\0\\0", std::to_string(pe));
  }
  const ByteView file_header = image.subspan(pe + kSignatureSize, kFileHeaderSize);
  const std::size_t section_count = static_cast<std::size_t>(Number(file_header, kSections, 2));
  const std::size_t optional_size = static_cast<std::size_t>(Number(file_header, kOptionalHeaderSize, 2));
  const std::size_t optional_at = pe + kSignatureSize + kFileHeaderSize;
  if (section_count > kMaxPeSections) return Refusal("NumberOfSections", Cat("at most ", kMaxPeSections), std::to_string(section_count));
  if (image.size() - optional_at < optional_size + section_count * kSectionHeaderSize || optional_size < kCheckSum + 4) {
    return Refusal("SizeOfOptionalHeader", "headers inside the image", std::to_string(optional_size));
  }
  const ByteView optional = image.subspan(optional_at, optional_size);
  const std::uint64_t magic = Number(optional, 0, 2);
  if (magic != kPe32 && magic != kPe32Plus) return Refusal("Magic", "PE32 or PE32+", std::to_string(magic));
  const std::size_t directory_count_at = magic == kPe32 ? 92 : 108;
  PeImage read{.image = image,
               .check_sum_offset = optional_at + kCheckSum,
               .certificates_offset = 0,
               .certificates_size = 0,
               .headers_size = static_cast<std::size_t>(Number(optional, kHeadersSize, 4)),
               .sections = {}};
  const std::size_t headers_end = optional_at + optional_size + section_count * kSectionHeaderSize;
  if (read.headers_size < headers_end || read.headers_size > image.size()) {
    return Refusal("SizeOfHeaders", Cat(headers_end, " to ", image.size()), std::to_string(read.headers_size));
  }
  if (optional_size < directory_count_at + 4) {
    return Refusal("NumberOfRvaAndSizes", "inside the optional header", Cat(optional_size, " bytes"));
  }
  const std::uint64_t directories = Number(optional, directory_count_at, 4);
  if (directories > kCertificateEntry) {
    const std::size_t entry = directory_count_at + 4 + kCertificateEntry * kDirectoryEntrySize;
    if (optional_size < entry + kDirectoryEntrySize) {
      return Refusal("NumberOfRvaAndSizes", "entries inside the optional header", std::to_string(directories));
    }
    read.certificates_offset = optional_at + entry;
    const std::uint64_t at = Number(optional, entry, 4), size = Number(optional, entry + 4, 4);
    // Firmware leaves out as many bytes at the end: they must be those.
    if (size != 0 && at + size != image.size()) return Refusal("certificate table", "at the end of the image", Cat(size, " bytes at ", at));
    read.certificates_size = static_cast<std::size_t>(size);
  }
  std::size_t sum = read.headers_size;
  for (std::size_t i = 0; i < section_count; ++i) {
    const ByteView header = image.subspan(optional_at + optional_size + i * kSectionHeaderSize, kSectionHeaderSize);
    const std::size_t size = static_cast<std::size_t>(Number(header, 16, 4)),
                      at = size == 0 ? 0 : static_cast<std::size_t>(Number(header, 20, 4));
    std::string name(AsText(header.first(8)));
    name.resize(std::min(name.find('\0'), name.size()));
    if (at > image.size() || image.size() - at < size || (size != 0 && at < read.headers_size)) {
      return Refusal(Cat("section ", Printable(name)), "data behind the headers, inside the image", Cat(size, " bytes at ", at));
    }
    read.sections.push_back({std::move(name), at, image.subspan(at, size), static_cast<std::size_t>(Number(header, 8, 4))});
    sum += size;
  }
  std::vector<const PeSection*> in_order;
  for (const PeSection& section : read.sections) {
    if (!section.data.empty()) in_order.push_back(&section);
  }
  std::sort(in_order.begin(), in_order.end(), [](const PeSection* a, const PeSection* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < in_order.size(); ++i) {
    if (in_order[i - 1]->offset + in_order[i - 1]->data.size() > in_order[i]->offset) {
      return Refusal(Cat("section ", Printable(in_order[i]->name)), "data apart from the others'",
                     Cat("overlaps ", Printable(in_order[i - 1]->name)));
    }
  }
  if (sum + read.certificates_size > image.size()) {
    return Refusal("sizes", Cat("at most ", image.size(), " bytes in all"), Cat(sum + read.certificates_size));
  }
  return read;
}

// All but the check sum, the certificates' directory entry and the certificates themselves. What lies behind the sections is hashed from where
// their sizes add up to, wherever they lie: so says the format, and so does firmware.
Bytes AuthenticodeDigest(const PeImage& image, crypto::HashAlgorithm hash) {
  crypto::Hasher hasher(hash);
  const auto update = [&](std::size_t from, std::size_t to) { hasher.Update(image.image.subspan(from, to - from)); };
  update(0, image.check_sum_offset);
  if (image.certificates_offset == 0) {
    update(image.check_sum_offset + 4, image.headers_size);
  } else {
    update(image.check_sum_offset + 4, image.certificates_offset);
    update(image.certificates_offset + kDirectoryEntrySize, image.headers_size);
  }
  std::vector<const PeSection*> in_order;
  for (const PeSection& section : image.sections) in_order.push_back(&section);
  std::stable_sort(in_order.begin(), in_order.end(), [](const PeSection* a, const PeSection* b) { return a->offset < b->offset; });
  std::size_t sum = image.headers_size;
  for (const PeSection* section : in_order) {
    hasher.Update(section->data);
    sum += section->data.size();
  }
  update(sum, image.image.size() - image.certificates_size);
  return hasher.Finish();
}

}  // namespace assay::tcg_log

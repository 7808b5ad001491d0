// EFI applications written with the literal offsets of the PE format and not with the reader's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::tcg_log::test {

struct PlainSection {
  std::string name;
  Bytes data;
  std::optional<std::uint32_t> virtual_size = {};  // default: that of the data
  std::optional<std::uint32_t> raw_size = {};      // default: that of the data, padded to 512
  std::optional<std::uint32_t> at = {};
};

struct PlainPe {
  bool plus = true;
  std::vector<PlainSection> sections = {};
  Bytes certificates = {};
  Bytes behind = {};  // behind the sections, before the certificates
  std::uint32_t check_sum = 0;
  std::optional<std::uint16_t> section_count = {};
  std::optional<std::uint32_t> headers_size = {};
  std::uint32_t directories = 16;

  static void Put(Bytes& image, std::size_t at, std::size_t size, std::uint64_t value) {
    for (std::size_t i = 0; i < size; ++i) image.at(at + i) = static_cast<std::uint8_t>(value >> 8 * i);
  }

  Bytes Write() const {
    constexpr std::size_t kPe = 0x80, kOptional = kPe + 24;
    const std::size_t optional_size = plus ? 240 : 224, directories_at = kOptional + (plus ? 108 : 92);
    const std::size_t table = kOptional + optional_size;
    const std::uint32_t headers = 0x600;
    Bytes image(headers, 0);
    image[0] = 'M';
    image[1] = 'Z';
    Put(image, 0x3C, 4, kPe);
    image[kPe] = 'P';
    image[kPe + 1] = 'E';
    Put(image, kPe + 4, 2, 0x8664);
    Put(image, kPe + 6, 2, section_count.value_or(static_cast<std::uint16_t>(sections.size())));
    Put(image, kPe + 20, 2, optional_size);
    Put(image, kOptional, 2, plus ? 0x20B : 0x10B);
    Put(image, kOptional + 60, 4, headers_size.value_or(headers));
    Put(image, kOptional + 64, 4, check_sum);
    Put(image, directories_at, 4, directories);
    for (std::size_t i = 0; i < sections.size(); ++i) {
      const PlainSection& section = sections[i];
      const std::size_t header = table + 40 * i;
      for (std::size_t k = 0; k < section.name.size() && k < 8; ++k) image[header + k] = static_cast<std::uint8_t>(section.name[k]);
      const auto size = static_cast<std::uint32_t>(section.data.size());
      const std::uint32_t padded = (size + 511) / 512 * 512;
      Put(image, header + 8, 4, section.virtual_size.value_or(size));
      Put(image, header + 16, 4, section.raw_size.value_or(padded));
      Put(image, header + 20, 4, section.at.value_or(static_cast<std::uint32_t>(image.size())));
      Append(image, section.data);
      image.resize(image.size() + padded - size, 0);
    }
    Append(image, behind);
    if (!certificates.empty()) {
      Put(image, directories_at + 4 + 32, 4, image.size());
      Put(image, directories_at + 4 + 36, 4, certificates.size());
      Append(image, certificates);
    }
    return image;
  }
};

inline PlainPe Uki() {
  const auto text = [](std::string_view content) { return ToBytes(AsBytes(content)); };
  PlainPe pe;
  pe.sections = {{".text", Bytes(700, 0x90)}, {".osrel", text("ID=debian")}, {".cmdline", text("root=/dev/vda ro")},
                 {".initrd", Bytes(600, 7)},  {".linux", text("MZ kernel")}, {".pcrsig", text("{}")}};
  return pe;
}

}  // namespace assay::tcg_log::test

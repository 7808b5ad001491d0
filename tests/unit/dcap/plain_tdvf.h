// Firmware images with TDX metadata, written with the literal offsets of the specifications and not with the parser's, and the MRTD that a
// hypervisor's calls give for them, computed from the description.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "tests/unit/dcap/plain_quote.h"

namespace assay::dcap::test {

struct PlainSection {
  std::uint32_t type = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0x1000;
  std::uint32_t attributes = 0;
  Bytes data = {};
  std::uint32_t offset_more = 0;  // added to what is declared
  std::int64_t data_size_more = 0;
};

struct PlainTdvf {
  std::vector<PlainSection> sections = {};  // first the one that holds the reset vector
  std::string_view signature = "TDVF";
  std::int64_t length_more = 0;
  std::uint32_t version = 1;
  std::int64_t count_more = 0;
  std::int64_t offset_more = 0;  // of the offset entry
  std::size_t offset_size = 4;   // bytes of its data; 0: no such entry
  int offset_entries = 1;
  std::int64_t entry_length_more = 0;  // of the offset entry
  std::int64_t table_length_more = 0;
  std::uint8_t footer = 0xDE;  // first byte of the table's GUID

  // Data of the later sections, then of the first one, whose end is overwritten: descriptor, GUID table (the offset, another entry), its
  // footer, 32 bytes.
  Bytes Write() const {
    Bytes image;
    std::vector<std::size_t> offsets(sections.size(), 0);
    for (std::size_t i = 1; i <= sections.size(); ++i) {
      const std::size_t next = i % sections.size();
      if (sections[next].data.empty()) continue;
      offsets[next] = image.size();
      Append(image, sections[next].data);
    }
    Bytes end;
    Append(end, AsBytes(signature));
    PutLe(end, 4, static_cast<std::uint64_t>(16 + 32 * static_cast<std::int64_t>(sections.size()) + length_more));
    PutLe(end, 4, version);
    PutLe(end, 4, static_cast<std::uint64_t>(static_cast<std::int64_t>(sections.size()) + count_more));
    for (std::size_t i = 0; i < sections.size(); ++i) {
      const PlainSection& section = sections[i];
      PutLe(end, 4, offsets[i] + section.offset_more);
      PutLe(end, 4, static_cast<std::uint64_t>(static_cast<std::int64_t>(section.data.size()) + section.data_size_more));
      PutLe(end, 8, section.address);
      PutLe(end, 8, section.size);
      PutLe(end, 4, section.type);
      PutLe(end, 4, section.attributes);
    }
    const std::size_t table = end.size();
    const std::size_t entries = offset_size == 0 ? 0U : static_cast<std::size_t>(offset_entries);
    const std::size_t whole = table + entries * (offset_size + 18) + 20 + 18 + 32;
    for (std::size_t i = 0; i < entries; ++i) {
      PutLe(end, offset_size, static_cast<std::uint64_t>(static_cast<std::int64_t>(whole) + offset_more));
      PutLe(end, 2, static_cast<std::uint64_t>(static_cast<std::int64_t>(offset_size) + 18 + entry_length_more));
      Append(end, Bytes{0x35, 0x65, 0x7A, 0xE4, 0x4A, 0x98, 0x98, 0x47, 0x86, 0x5E, 0x46, 0x85, 0xA7, 0xBF, 0x8E, 0xC2});
    }
    PutLe(end, 2, 0xABCD);  // of an entry that the parser does not know
    PutLe(end, 2, 20);
    Append(end, Bytes(16, 0x77));
    PutLe(end, 2, static_cast<std::uint64_t>(static_cast<std::int64_t>(end.size() - table + 18) + table_length_more));
    Append(end, Bytes{footer, 0x82, 0xB5, 0x96, 0xB2, 0x1F, 0xF7, 0x45, 0xBA, 0xEA, 0xA3, 0x66, 0xC5, 0x5A, 0x08, 0x2D});
    Append(end, Bytes(32, 0x90));
    image.resize(image.size() < end.size() ? 0 : image.size() - end.size());
    Append(image, end);
    return image;
  }

  crypto::Sha384Digest Mrtd(bool two_pass) const {
    const Bytes image = Write();  // for the end of the first section alone
    Bytes calls;
    const auto call = [&](std::string_view name, std::uint64_t address) {
      const std::size_t start = calls.size();
      Append(calls, AsBytes(name));
      calls.resize(start + 16, 0);
      PutLe(calls, 8, address);
      calls.resize(start + 128, 0);
    };
    for (const PlainSection& section : sections) {
      if ((section.attributes & 2) != 0) continue;
      Bytes memory = &section == &sections.front() ? ToBytes(ByteView(image).last(section.data.size())) : section.data;
      memory.resize(section.size, 0);
      const auto extend = [&](std::uint64_t page) {
        for (std::uint64_t chunk = page; (section.attributes & 1) != 0 && chunk < page + 4096; chunk += 256) {
          call("MR.EXTEND", section.address + chunk);
          Append(calls, ByteView(memory).subspan(chunk, 256));
        }
      };
      for (std::uint64_t page = 0; page < section.size; page += 4096) {
        call("MEM.PAGE.ADD", section.address + page);
        if (!two_pass) extend(page);
      }
      for (std::uint64_t page = 0; two_pass && page < section.size; page += 4096) extend(page);
    }
    return crypto::Sha384(calls);
  }
};

// Every byte differs from that before it, and pages from each other.
inline Bytes Ramp(std::size_t size, std::size_t step) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * step + i / 251);
  return bytes;
}

// What OVMF is like, in small: firmware of two pages below 4 GiB, variables before it, stack, hand-off block.
inline PlainTdvf Ovmf() {
  return {.sections = {{.type = 0, .address = 0xFFFFE000, .size = 0x2000, .attributes = 1, .data = Ramp(0x2000, 7)},
                       {.type = 1, .address = 0xFFFFD000, .size = 0x1000, .data = Ramp(0x1000, 11)},
                       {.type = 3, .address = 0x810000, .size = 0x3000},
                       {.type = 2, .address = 0x809000, .size = 0x2000}}};
}
// What td-shim is like: memory that is accepted later, a kernel in the image, its parameters from the hypervisor.
inline PlainTdvf TdShim() {
  return {.sections = {{.type = 0, .address = 0xFFFFF000, .size = 0x1000, .attributes = 1, .data = Ramp(0x1000, 3)},
                       {.type = 4, .address = 0x100000000, .size = std::uint64_t{1} << 40, .attributes = 2},
                       {.type = 5, .address = 0x1000000, .size = 0x3000, .attributes = 1, .data = Ramp(0x1801, 5)},
                       {.type = 6, .address = 0x2000000, .size = 0x1000},
                       {.type = 3, .address = 0x800000, .size = 0x2000, .attributes = 1}}};
}

}  // namespace assay::dcap::test

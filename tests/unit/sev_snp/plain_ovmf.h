// OVMF images with SEV metadata, written with literal offsets and not with the parser's, and the launch digest that a hypervisor's calls
// give for them, computed from the description.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tests/unit/sev_snp/plain_launch.h"

namespace assay::sev_snp::test {

struct PlainSection {
  std::uint32_t address = 0;
  std::uint32_t size = 0x1000;
  std::uint32_t type = 1;
};

struct PlainOvmf {
  std::vector<PlainSection> sections = {};
  std::size_t pages = 2;
  std::uint32_t reset_eip = 0x80B004;
  std::uint32_t hash_table = 0x810C00;  // 0: no such entry
  std::string_view signature = "ASEV";
  std::int64_t length_more = 0;
  std::uint32_t version = 1;
  std::int64_t count_more = 0;
  std::int64_t offset_more = 0;  // of the metadata
  std::size_t offset_size = 4;   // bytes of that entry's data; 0: no such entry
  int offset_entries = 1;
  std::size_t reset_size = 4;                    // 0: no such entry
  std::optional<std::uint32_t> svsm_first = {};  // instead of the reset vector: the first instruction of an SVSM
  std::int64_t entry_length_more = 0;            // of the reset vector's entry
  std::int64_t table_length_more = 0;
  std::uint8_t footer = 0xDE;  // first byte of the table's GUID
  int unknown_entries = 1;

  Bytes Write() const {
    Bytes end;
    Append(end, AsBytes(signature));
    PutLe(end, 4, static_cast<std::uint64_t>(16 + 12 * static_cast<std::int64_t>(sections.size()) + length_more));
    PutLe(end, 4, version);
    PutLe(end, 4, static_cast<std::uint64_t>(static_cast<std::int64_t>(sections.size()) + count_more));
    for (const PlainSection& section : sections) {
      PutLe(end, 4, section.address);
      PutLe(end, 4, section.size);
      PutLe(end, 4, section.type);
    }
    Bytes table;
    for (int i = 0; i < unknown_entries; ++i) {
      PutLe(table, 2, 0xABCD);
      PutLe(table, 2, 20);
      Append(table, Bytes(15, 0x77));
      table.push_back(static_cast<std::uint8_t>(i));
    }
    if (hash_table != 0) {
      PutLe(table, 4, hash_table);
      PutLe(table, 4, 0x400);
      PutLe(table, 2, 26);
      Append(table, Bytes{0x1F, 0x37, 0x55, 0x72, 0x3B, 0x3A, 0x04, 0x4B, 0x92, 0x7B, 0x1D, 0xA6, 0xEF, 0xA8, 0xD4, 0x54});
    }
    if (svsm_first) {
      PutLe(table, 4, *svsm_first);
      PutLe(table, 2, 22);
      Append(table, Bytes{0x12, 0xA6, 0x89, 0xA7, 0x97, 0x05, 0x4B, 0x4C, 0xA4, 0x9F, 0xCB, 0xB1, 0xFE, 0x9D, 0x1D, 0xDD});
    } else if (reset_size != 0) {
      PutLe(table, reset_size, reset_eip);
      PutLe(table, 2, static_cast<std::uint64_t>(static_cast<std::int64_t>(reset_size) + 18 + entry_length_more));
      Append(table, Bytes{0xDE, 0x71, 0xF7, 0x00, 0x7E, 0x1A, 0xCB, 0x4F, 0x89, 0x0E, 0x68, 0xC7, 0x7E, 0x2F, 0xB4, 0x4E});
    }
    const std::size_t entries = offset_size == 0 ? 0U : static_cast<std::size_t>(offset_entries);
    const std::size_t whole = end.size() + table.size() + entries * (offset_size + 18) + 18 + 32;
    for (std::size_t i = 0; i < entries; ++i) {
      PutLe(table, offset_size, static_cast<std::uint64_t>(static_cast<std::int64_t>(whole) + offset_more));
      PutLe(table, 2, offset_size + 18);
      Append(table, Bytes{0x66, 0x65, 0x88, 0xDC, 0x4A, 0x98, 0x98, 0x47, 0xA7, 0x5E, 0x55, 0x85, 0xA7, 0xBF, 0x67, 0xCC});
    }
    PutLe(table, 2, static_cast<std::uint64_t>(static_cast<std::int64_t>(table.size() + 18) + table_length_more));
    Append(table, Bytes{footer, 0x82, 0xB5, 0x96, 0xB2, 0x1F, 0xF7, 0x45, 0xBA, 0xEA, 0xA3, 0x66, 0xC5, 0x5A, 0x08, 0x2D});
    Append(end, table);
    Append(end, Bytes(32, 0x90));
    Bytes image(pages * 4096);
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    image.resize(image.size() - end.size());
    Append(image, end);
    return image;
  }
};

// What OVMF's AmdSev package is like, in small.
inline PlainOvmf AmdSev() {
  return {.sections = {{0x800000, 0x9000, 1},
                       {0x80A000, 0x3000, 1},
                       {0x80D000, 0x1000, 2},
                       {0x80E000, 0x1000, 3},
                       {0x80F000, 0x1000, 4},
                       {0x811000, 0xF000, 1},
                       {0x810000, 0x1000, 0x10}}};
}
// Without a place for kernel hashes.
inline PlainOvmf OvmfX64() {
  PlainOvmf ovmf = AmdSev();
  ovmf.sections.pop_back();
  ovmf.hash_table = 0;
  return ovmf;
}

// COCONUT-SVSM as an image of its own.
inline PlainOvmf Svsm() {
  PlainOvmf svsm;
  svsm.sections = {{0x9000, 0x1000, 3}, {0xA000, 0x1000, 2}, {0x10000, 0x4000, 1}};
  svsm.pages = 3;
  svsm.hash_table = 0;
  svsm.svsm_first = 0x1234;
  return svsm;
}

}  // namespace assay::sev_snp::test

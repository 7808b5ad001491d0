// IGVM files, written with literal offsets and not with the parser's.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "tests/unit/sev_snp/plain_launch.h"

namespace assay::sev_snp::test {

// Bit by bit: CRC-32 of IEEE 802.3.
inline std::uint32_t PlainCrc(ByteView bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

inline std::uint64_t NumberAt(ByteView bytes, std::size_t offset, std::size_t size = 4) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[offset + i];
  return value;
}
inline void Overwrite(Bytes& bytes, std::size_t offset, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

// The same file with the checksum that its headers have now.
inline Bytes WithChecksum(Bytes file) {
  Overwrite(file, 20, 4, 0);
  const std::uint64_t begin = NumberAt(file, 8), size = NumberAt(file, 12);
  Bytes covered = ToBytes(ByteView(file).first(NumberAt(file, 4) == 2 ? 32 : 24));
  if (begin <= file.size() && size <= file.size() - begin) Append(covered, ByteView(file).subspan(begin, size));
  Overwrite(file, 20, 4, PlainCrc(covered));
  return file;
}

class PlainIgvm {
 public:
  std::uint32_t version = 1;

  PlainIgvm& Header(std::uint32_t type, Bytes content, std::optional<std::size_t> offset_at = {}, Bytes data = {}) {
    headers_.push_back({type, std::move(content), offset_at, std::move(data)});
    return *this;
  }
  PlainIgvm& Platform(std::uint8_t type = 2, std::uint32_t mask = 1, std::uint16_t platform_version = 1) {
    Bytes content;
    PutLe(content, 4, mask);
    PutLe(content, 1, 0);
    PutLe(content, 1, type);
    PutLe(content, 2, platform_version);
    PutLe(content, 8, 0);
    return Header(0x001, content);
  }
  PlainIgvm& Policy(std::uint64_t policy, std::uint32_t mask = 1) {
    Bytes content;
    PutLe(content, 8, policy);
    PutLe(content, 4, mask);
    PutLe(content, 4, 0);
    return Header(0x101, content);
  }
  PlainIgvm& Page(std::uint64_t gpa, Bytes data = {}, std::uint16_t type = 0, std::uint32_t flags = 0, std::uint32_t mask = 1) {
    Bytes content;
    PutLe(content, 8, gpa);
    PutLe(content, 4, mask);
    PutLe(content, 4, 0);
    PutLe(content, 4, flags);
    PutLe(content, 2, type);
    PutLe(content, 2, 0);
    const auto offset_at = data.empty() ? std::nullopt : std::optional<std::size_t>(12);
    return Header(0x302, content, offset_at, std::move(data));
  }
  PlainIgvm& Area(std::uint32_t index, std::uint64_t size) {
    Bytes content;
    PutLe(content, 8, size);
    PutLe(content, 4, index);
    PutLe(content, 4, 0);
    return Header(0x301, content);
  }
  PlainIgvm& Insert(std::uint64_t gpa, std::uint32_t index, std::uint32_t mask = 1) {
    Bytes content;
    PutLe(content, 8, gpa);
    PutLe(content, 4, mask);
    PutLe(content, 4, index);
    return Header(0x303, content);
  }
  PlainIgvm& Vp(std::uint64_t gpa, Bytes vmsa, std::uint16_t index = 0, std::uint32_t mask = 1) {
    Bytes content;
    PutLe(content, 8, gpa);
    PutLe(content, 4, mask);
    PutLe(content, 4, 0);
    PutLe(content, 2, index);
    PutLe(content, 2, 0);
    return Header(0x304, content, 12, std::move(vmsa));
  }
  PlainIgvm& IdBlock(ByteView launch_digest, std::uint32_t mask = 1) {
    Bytes content;
    PutLe(content, 4, mask);
    PutLe(content, 4, 0);
    Append(content, launch_digest);
    Append(content, Bytes(16, 0xFA));
    Append(content, Bytes(16, 0x1A));
    PutLe(content, 4, 1);
    PutLe(content, 4, 7);
    content.resize(696, 0);
    return Header(0x30B, content);
  }

  Bytes Write() const {
    const std::size_t fixed = version == 2 ? 32 : 24;
    std::size_t size = 0;
    for (const Piece& piece : headers_) size += 8 + (piece.content.size() + 7) / 8 * 8;
    Bytes variable, data;
    for (Piece piece : headers_) {
      if (piece.offset_at) Overwrite(piece.content, *piece.offset_at, 4, fixed + size + data.size());
      PutLe(variable, 4, piece.type);
      PutLe(variable, 4, piece.content.size());
      Append(variable, piece.content);
      variable.resize((variable.size() + 7) / 8 * 8, 0);
      Append(data, piece.data);
    }
    Bytes file = ToBytes(AsBytes("IGVM"));
    PutLe(file, 4, version);
    PutLe(file, 4, fixed);
    PutLe(file, 4, size);
    PutLe(file, 4, fixed + size + data.size());
    PutLe(file, 4, 0);
    if (version == 2) {
      PutLe(file, 4, 0);
      PutLe(file, 4, 4096);
    }
    Append(file, variable);
    Append(file, data);
    return WithChecksum(file);
  }

 private:
  struct Piece {
    std::uint32_t type;
    Bytes content;
    std::optional<std::size_t> offset_at;  // of the field that points to the data
    Bytes data;
  };
  std::vector<Piece> headers_;
};

inline Bytes PageOf(std::uint8_t byte) { return Bytes(4096, byte); }
// A state with SNPActive in SEV_FEATURES.
inline Bytes PlainVmsa(std::uint64_t rip = 0xFFF0) {
  Bytes page(4096, 0);
  Overwrite(page, 0x178, 8, rip);
  page[0x3B0] = 1;
  return page;
}

constexpr std::uint64_t kKvmAddress = 0xFFFFFFFFF000;

// What an SVSM's file is like, in small: for SEV-SNP and TDX, pages of every kind.
inline PlainIgvm SvsmFile() {
  PlainIgvm file;
  file.Platform(3, 2).Platform(2, 1).Policy(0x30000).Policy(0, 2);
  file.Page(0x8000, PageOf(0xA1), 0, 0, 3).Page(0x9000, PageOf(0xA2)).Page(0xA000, PageOf(0xA3), 0, 0, 2);
  file.Page(0xB000).Page(0xC000, {}, 1).Page(0xD000, {}, 2).Page(0xE000, PageOf(0xA4), 3).Page(0xF000, PageOf(0xA5), 0, 2);
  file.Area(0, 0x2000).Header(0x309, Bytes(8, 0)).Insert(0x10000, 0).Header(0x305, Bytes(24, 0)).Header(0x30D, Bytes(16, 0));
  file.Vp(kKvmAddress, PlainVmsa());
  return file;
}

}  // namespace assay::sev_snp::test

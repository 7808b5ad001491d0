// What AMD's processor makes of a page, by PAGE_INFO's literal offsets and not by the tables of the code under test.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::sev_snp::test {

inline void PutLe(Bytes& to, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

inline void AddPage(Bytes& digest, std::uint8_t type, std::uint64_t address, ByteView content = {}) {
  Bytes info = digest;
  if (content.empty()) info.resize(96, 0);
  else Append(info, crypto::Sha384(content));
  PutLe(info, 2, 0x70);
  info.push_back(type);
  info.resize(0x68, 0);
  PutLe(info, 8, address);
  digest = ToBytes(crypto::Sha384(info));
}

}  // namespace assay::sev_snp::test

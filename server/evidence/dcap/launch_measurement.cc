#include "evidence/dcap/launch_measurement.h"

#include <algorithm>
#include <string_view>

namespace assay::dcap {
namespace {

constexpr std::size_t kChunkSize = 256;
constexpr std::size_t kAddressOffset = 16;
using Call = ByteArray<128>;
using Chunk = ByteArray<kChunkSize>;

Call CallOf(std::string_view name, std::uint64_t address) {
  Call call{};
  std::copy(name.begin(), name.end(), call.begin());
  for (std::size_t i = 0; i < sizeof address; ++i) call[kAddressOffset + i] = static_cast<std::uint8_t>(address >> 8 * i);
  return call;
}

// The bytes that lie at `offset` of the section's memory: zeros where its data have ended.
Chunk ChunkAt(const TdvfSection& section, std::uint64_t offset) {
  Chunk chunk{};
  if (offset >= section.data.size()) return chunk;
  const ByteView rest = section.data.subspan(offset);
  std::copy_n(rest.begin(), std::min(rest.size(), kChunkSize), chunk.begin());
  return chunk;
}

void AddPage(crypto::Hasher& hasher, const TdvfSection& section, std::uint64_t offset) {
  hasher.Update(CallOf("MEM.PAGE.ADD", section.memory_address + offset));
}

void ExtendPage(crypto::Hasher& hasher, const TdvfSection& section, std::uint64_t offset) {
  if (!section.measured) return;
  for (const std::uint64_t end = offset + kTdPageSize; offset < end; offset += kChunkSize) {
    hasher.Update(CallOf("MR.EXTEND", section.memory_address + offset));
    hasher.Update(ChunkAt(section, offset));
  }
}

}  // namespace

crypto::Sha384Digest Mrtd(std::span<const TdvfSection> sections, PageAddOrder order) {
  crypto::Hasher hasher(crypto::HashAlgorithm::kSha384);
  for (const TdvfSection& section : sections) {
    if (!section.added) continue;  // of any size: its pages come after MRTD is final
    for (std::uint64_t offset = 0; offset < section.memory_size; offset += kTdPageSize) {
      AddPage(hasher, section, offset);
      if (order == PageAddOrder::kSinglePass) ExtendPage(hasher, section, offset);
    }
    for (std::uint64_t offset = 0; order == PageAddOrder::kTwoPass && offset < section.memory_size; offset += kTdPageSize) {
      ExtendPage(hasher, section, offset);
    }
  }
  const Bytes digest = hasher.Finish();
  crypto::Sha384Digest mrtd{};
  std::copy(digest.begin(), digest.end(), mrtd.begin());
  return mrtd;
}

}  // namespace assay::dcap

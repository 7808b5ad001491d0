// What the AMD secure processor makes of the pages that a hypervisor hands it before a guest starts.
// AMD 56860, section 8.17.2: SNP_LAUNCH_UPDATE and PAGE_INFO.
//
//   LD starts as 48 zero bytes; each page: LD = SHA-384(LD | SHA-384 of its content, or zeros | 0x70, page type, permissions | address)
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::sev_snp {

inline constexpr std::size_t kPageSize = 4096;
inline constexpr std::uint64_t kKvmVmsaAddress = 0xFFFFFFFFF000;  // the highest page of a guest physical address of 48 bits

enum class PageType : std::uint8_t { kNormal = 1, kVmsa = 2, kZero = 3, kUnmeasured = 4, kSecrets = 5, kCpuid = 6 };

class LaunchUpdates {
 public:
  explicit LaunchUpdates(const crypto::Sha384Digest& before = {}) : digest_(before) {}
  const crypto::Sha384Digest& digest() const { return digest_; }

  // `page`: kPageSize bytes.
  void AddContent(std::uint64_t address, ByteView page) { Add(PageType::kNormal, address, crypto::Sha384(page)); }
  // `content`: SHA-384 of the VMSA.
  void AddVmsa(std::uint64_t address, const crypto::Sha384Digest& content) { Add(PageType::kVmsa, address, content); }
  // Of pages whose content is not hashed.
  void AddAddresses(PageType type, std::uint64_t address, std::uint64_t size) {
    for (std::uint64_t offset = 0; offset < size; offset += kPageSize) Add(type, address + offset, {});
  }

 private:
  void Add(PageType type, std::uint64_t address, const crypto::Sha384Digest& content);
  crypto::Sha384Digest digest_;
};

}  // namespace assay::sev_snp

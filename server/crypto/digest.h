// Digests and HMAC. OpenSSL underneath, prefetched once and reused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"

namespace assay::crypto {

enum class HashAlgorithm : std::uint8_t { kSha1, kSha256, kSha384, kSha512 };
std::string_view NameOf(HashAlgorithm algorithm);  // "SHA-256"
std::size_t DigestSize(HashAlgorithm algorithm);   // bytes: 20, 32, 48, 64

using Sha256Digest = ByteArray<32>;
using Sha384Digest = ByteArray<48>;
using Sha512Digest = ByteArray<64>;

Bytes Digest(HashAlgorithm algorithm, ByteView message);
Sha256Digest Sha256(ByteView message);
Sha384Digest Sha384(ByteView message);
Sha512Digest Sha512(ByteView message);

// Incremental digest. Finish() may be called once.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void Update(ByteView bytes);
  Bytes Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// RFC 2104 with SHA-256. `key` may have any length; callers use 32 random bytes.
Sha256Digest HmacSha256(ByteView key, ByteView message);

}  // namespace assay::crypto

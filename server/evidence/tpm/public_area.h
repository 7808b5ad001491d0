// Public areas of objects in a TPM: TPMT_PUBLIC, TPM 2.0 part 2, section 12.2.
//
// Promises: exactly one marshalled structure; an RSA key of 2048 to 8192 bits with exponent 65537, or a point of P-256 or
// P-384; a Name that was computed here. Does not promise: that there is such an object in any TPM. A public area counts as
// far as what vouches for the key names it (vouch.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/public_key.h"
#include "evidence/format.h"
#include "trust/description.h"

namespace assay::tpm {

// TPMA_OBJECT, part 2, section 8.3.
inline constexpr std::uint32_t kFixedTpm = 1U << 1;
inline constexpr std::uint32_t kStClear = 1U << 2;
inline constexpr std::uint32_t kFixedParent = 1U << 4;
inline constexpr std::uint32_t kSensitiveDataOrigin = 1U << 5;
inline constexpr std::uint32_t kUserWithAuth = 1U << 6;
inline constexpr std::uint32_t kAdminWithPolicy = 1U << 7;
inline constexpr std::uint32_t kNoDa = 1U << 10;
inline constexpr std::uint32_t kEncryptedDuplication = 1U << 11;
inline constexpr std::uint32_t kRestricted = 1U << 16;
inline constexpr std::uint32_t kDecrypt = 1U << 17;
inline constexpr std::uint32_t kSign = 1U << 18;
inline constexpr std::uint32_t kX509Sign = 1U << 19;
inline constexpr auto kAttributeBits = std::to_array<evidence::BitName>({
    {"fixed_tpm", 1},
    {"st_clear", 2},
    {"fixed_parent", 4},
    {"sensitive_data_origin", 5},
    {"user_with_auth", 6},
    {"admin_with_policy", 7},
    {"no_da", 10},
    {"encrypted_duplication", 11},
    {"restricted", 16},
    {"decrypt", 17},
    {"sign", 18},
    {"x509_sign", 19},
});
std::string ShowAttributes(std::uint32_t attributes);  // "fixed_tpm fixed_parent …"

struct SigningScheme {
  std::uint16_t scheme;  // kAlgRsassa, kAlgRsapss or kAlgEcdsa
  std::uint16_t hash;
};

class PublicArea {
 public:
  // TPM2B_PUBLIC, as items and transcripts have it, or the TPMT_PUBLIC inside. tpm_structure_malformed, algorithm_unsupported
  // or key_unsupported; `component` names the key in findings.
  static Outcome<PublicArea> FromTpm2b(ByteView bytes, std::string_view component);
  static Outcome<PublicArea> FromTpmt(ByteView bytes, std::string_view component);

  const Bytes& tpmt() const { return tpmt_; }
  Bytes Tpm2b() const;                         // TPM2B_PUBLIC: tpmt() with its size in front
  const Bytes& name() const { return name_; }  // nameAlg, digest
  std::uint16_t name_algorithm() const { return name_algorithm_; }
  std::uint32_t attributes() const { return attributes_; }
  const Bytes& auth_policy() const { return auth_policy_; }
  const std::optional<SigningScheme>& scheme() const { return scheme_; }      // nullopt: none is fixed
  std::uint16_t symmetric_algorithm() const { return symmetric_algorithm_; }  // of a storage key; kAlgNull otherwise
  std::uint16_t symmetric_bits() const { return symmetric_bits_; }
  const crypto::PublicKey& key() const { return *key_; }
  trust::Description Describe(std::string_view title) const;

 private:
  PublicArea() = default;
  Bytes tpmt_;
  Bytes name_;
  std::uint16_t name_algorithm_ = 0;
  std::uint32_t attributes_ = 0;
  Bytes auth_policy_;
  std::optional<SigningScheme> scheme_;
  std::uint16_t symmetric_algorithm_ = 0;
  std::uint16_t symmetric_bits_ = 0;
  std::optional<crypto::PublicKey> key_;
};

// Part 1, section 16: the Name of an object in a hierarchy, as attestations give it. `parent`: qualified name of the parent, or the
// handle of the hierarchy.
Bytes QualifiedName(ByteView parent, ByteView name);

// The hierarchy whose primary object of that Name has this qualified name: "endorsement", "owner", "platform", "null". "": none.
std::string_view HierarchyOf(ByteView qualified_name, ByteView name);

}  // namespace assay::tpm

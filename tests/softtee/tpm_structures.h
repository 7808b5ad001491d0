// Structures of TPM 2.0 as plain descriptions, marshalled byte by byte (part 2): what a TPM returns, and anything else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

inline constexpr std::uint16_t kTpmSha1 = 0x0004, kTpmSha256 = 0x000B, kTpmSha384 = 0x000C, kTpmSha512 = 0x000D;
inline constexpr std::uint16_t kTpmRsassa = 0x0014, kTpmRsapss = 0x0016, kTpmEcdsa = 0x0018;

Bytes TpmHash(std::uint16_t algorithm, ByteView message);

// TPMT_PUBLIC of an attestation or endorsement key.
struct TpmPublic {
  std::uint16_t type = 0x0001;  // RSA; 0x0023: ECC
  std::uint16_t name_algorithm = kTpmSha256;
  std::uint32_t attributes = 0x00050072;  // fixedTPM fixedParent sensitiveDataOrigin userWithAuth restricted sign
  Bytes policy = {};
  std::uint16_t symmetric = 0x0010;  // none; 0x0006: AES in CFB mode
  std::uint16_t symmetric_bits = 128;
  std::uint16_t scheme = kTpmRsassa;  // 0x0010: none
  std::uint16_t scheme_hash = kTpmSha256;
  std::uint16_t key_bits = 2048;  // RSA
  std::uint32_t exponent = 0;
  std::uint16_t curve = 0x0003;  // ECC: P-256
  Bytes unique = {};             // modulus, or x || y

  Bytes Tpmt() const;
  Bytes Tpm2b() const;
  Bytes Name() const;
};
TpmPublic AkOf(const Key& key, bool pss = false);  // RSA with RSASSA or RSAPSS, or ECDSA on P-256 or P-384
TpmPublic EkOf(const Key& key);                    // the default templates of RSA-2048 and P-256

// One bank: values by index.
struct TpmBank {
  std::uint16_t algorithm = kTpmSha256;
  std::map<unsigned, Bytes> values = {};
};
Bytes TpmSelection(const std::vector<TpmBank>& banks);  // TPML_PCR_SELECTION
Bytes TpmDigests(const std::vector<TpmBank>& banks);    // one behind the other

struct TpmAttest {
  std::uint32_t magic = 0xFF544347;
  std::uint16_t type = 0x8018;
  Bytes qualified_signer = {};
  Bytes extra_data = {};
  std::uint64_t clock = 123456;
  std::uint32_t reset_count = 7;
  std::uint32_t restart_count = 0;
  std::uint8_t safe = 1;
  std::uint64_t firmware_version = 0x2019102300163636;
  Bytes body = {};  // of the type: selection and TPM2B pcrDigest, or TPM2B objectName and TPM2B creationHash

  Bytes Marshal() const;  // TPMS_ATTEST
};

Bytes Tpm2b(ByteView content);
// TPMT_SIGNATURE of what `key` signs.
Bytes TpmSignature(const Key& key, std::uint16_t scheme, std::uint16_t hash, ByteView message, bool most_salt = false);
// TPMS_CREATION_DATA of an object below the endorsement hierarchy.
Bytes TpmCreationData(ByteView outside_info);

// TPM2_ActivateCredential of a TPM that has `ek` and an object of that name. Empty: the TPM refuses.
Bytes ActivateCredential(const Key& ek, ByteView object_name, ByteView id_object, ByteView encrypted_secret);

}  // namespace assay::softtee

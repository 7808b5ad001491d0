// The binding transcript, version 1 (docs/join.md): what evidence must commit to, so that it is good for one challenge,
// one node key, one purpose and one verifier, and for nothing else.
//
//   T = "assay-binding-v1\0", then eight fields, each as u32 big-endian length and bytes, empty allowed.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::crypto {

struct BindingTranscript {
  Bytes nonce;               // 1  32 bytes
  Bytes node_spki;           // 2  DER SubjectPublicKeyInfo of the node key
  Bytes csr_sha256;          // 3  32 bytes, or empty
  std::string cluster;       // 4
  std::string role;          // 5
  std::string name;          // 6
  Bytes tpm_ak;              // 7  TPM2B_PUBLIC, or empty
  Bytes server_spki_sha256;  // 8  32 bytes; empty only behind a proxy that terminates TLS

  Bytes Encode() const;
  // nullopt: not exactly one transcript of this version. Says nothing about what the fields are.
  static std::optional<BindingTranscript> Decode(ByteView transcript);
  // report_data of SEV-SNP reports, TDX and SGX quotes: SHA-512(T), all 64 bytes.
  Sha512Digest ReportData() const { return Sha512(Encode()); }
  // extraData of TPM quotes and nonce of Nitro documents: SHA-256(T).
  Sha256Digest ExtraData() const { return Sha256(Encode()); }
};

}  // namespace assay::crypto

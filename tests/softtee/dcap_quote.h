// ECDSA quotes of Intel SGX and TDX, written byte by byte after Intel's SGX ECDSA Quote Library Reference, appendix A (version 3), and
// TDX DCAP Quoting Library API, appendix A (versions 4 and 5).
//
// Does not promise that the values make sense, nor that anybody signed them: any field, declared lengths included, can be set to anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace assay::softtee {

// Three PEM blocks whose content is no certificate.
inline constexpr std::string_view kPlainChain =
    "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\nMAMCAQI=\n-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\nMAMCAQM=\n-----END CERTIFICATE-----\n";

struct DcapQuote {
  std::uint16_t version = 4;
  std::uint32_t tee_type = 0x81;
  std::uint16_t key_type = 2;
  std::uint16_t body_type = 3;     // version 5 only
  std::uint32_t body_size = 584;   // of the body that is written
  std::int64_t declared_more = 0;  // added to the declared body size, version 5 only
  Bytes body = {};                 // empty: zeros
  Bytes qe_report = Bytes(384, 0);
  Bytes qe_signature = Bytes(64, 0x33);
  Bytes signature = Bytes(64, 0x44);
  Bytes attestation_key = Bytes(64, 0x55);
  Bytes qe_authentication_data = Bytes(32, 7);
  std::uint16_t outer_type = 6;  // versions 4 and 5 only
  std::uint16_t inner_type = 5;
  std::string chain = std::string(kPlainChain);
  Bytes in_envelope = {};        // behind the inner certification data
  Bytes in_authentication = {};  // behind the certification data
  Bytes tail = {};

  Bytes SignedPart() const;  // header and body: what the attestation key signs
  Bytes Write() const;
};

inline DcapQuote SgxV3() { return {.version = 3, .tee_type = 0, .body_size = 384}; }
inline DcapQuote SgxV4() { return {.version = 4, .tee_type = 0, .body_size = 384}; }
inline DcapQuote TdxV4() { return {}; }
inline DcapQuote SgxV5() { return {.version = 5, .tee_type = 0, .body_type = 1, .body_size = 384}; }
// Body types 2, 3 and 4: TD report 1.0, 1.5, and 1.5 with its extension.
inline DcapQuote TdxV5(std::uint16_t body_type) {
  return {.version = 5, .body_type = body_type, .body_size = body_type == 2 ? 584U : body_type == 3 ? 648U : 885U};
}

void PutLe(Bytes& to, std::size_t size, std::uint64_t value);

}  // namespace assay::softtee

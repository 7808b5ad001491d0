// Quotes that parse and that nobody signed, written with the literal offsets of Intel's tables and not with the parser's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace assay::dcap::test {

// Three PEM blocks whose content is no certificate.
inline constexpr std::string_view kPlainChain =
    "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\nMAMCAQI=\n-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\nMAMCAQM=\n-----END CERTIFICATE-----\n";

inline void PutLe(Bytes& to, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

struct PlainQuote {
  std::uint16_t version = 4;
  std::uint32_t tee_type = 0x81;
  std::uint16_t key_type = 2;
  std::uint16_t body_type = 3;      // version 5 only
  std::uint32_t body_size = 584;    // of the body that is written
  std::int64_t declared_more = 0;   // added to the declared body size, version 5 only
  Bytes body = {};                  // empty: zeros
  Bytes qe_report = Bytes(384, 0);
  Bytes qe_signature = Bytes(64, 0x33);
  Bytes signature = Bytes(64, 0x44);
  Bytes attestation_key = Bytes(64, 0x55);
  Bytes qe_authentication_data = Bytes(32, 7);
  std::uint16_t outer_type = 6;     // versions 4 and 5 only
  std::uint16_t inner_type = 5;
  std::string chain = std::string(kPlainChain);
  Bytes in_envelope = {};           // behind the inner certification data
  Bytes in_authentication = {};     // behind the certification data
  Bytes tail = {};

  // Header and body: what the attestation key signs.
  Bytes SignedPart() const {
    Bytes raw;
    PutLe(raw, 2, version);
    PutLe(raw, 2, key_type);
    PutLe(raw, 4, tee_type);
    PutLe(raw, 4, 0);
    Append(raw, Bytes{0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07});
    raw.resize(48, 0x11);
    if (version == 5) {
      PutLe(raw, 2, body_type);
      PutLe(raw, 4, static_cast<std::uint64_t>(body_size + declared_more));
    }
    Append(raw, body.empty() ? Bytes(body_size, 0) : body);
    return raw;
  }

  Bytes Write() const {
    Bytes raw = SignedPart();
    Bytes inner = qe_report;
    Append(inner, qe_signature);
    PutLe(inner, 2, qe_authentication_data.size());
    Append(inner, qe_authentication_data);
    PutLe(inner, 2, inner_type);
    PutLe(inner, 4, chain.size());
    Append(inner, AsBytes(chain));
    Append(inner, in_envelope);

    Bytes authentication = signature;
    Append(authentication, attestation_key);
    if (version != 3) {
      PutLe(authentication, 2, outer_type);
      PutLe(authentication, 4, inner.size());
    }
    Append(authentication, inner);
    Append(authentication, in_authentication);
    PutLe(raw, 4, authentication.size());
    Append(raw, authentication);
    Append(raw, tail);
    return raw;
  }
};

inline PlainQuote SgxV3() { return {.version = 3, .tee_type = 0, .body_size = 384}; }
inline PlainQuote SgxV4() { return {.version = 4, .tee_type = 0, .body_size = 384}; }
inline PlainQuote TdxV4() { return {}; }
inline PlainQuote SgxV5() { return {.version = 5, .tee_type = 0, .body_type = 1, .body_size = 384}; }
inline PlainQuote TdxV5(std::uint16_t body_type) {
  return {.version = 5, .body_type = body_type, .body_size = body_type == 2 ? 584U : body_type == 3 ? 648U : 885U};
}

}  // namespace assay::dcap::test

#include "tests/softtee/dcap_quote.h"

namespace assay::softtee {

void PutLe(Bytes& to, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

Bytes DcapQuote::SignedPart() const {
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

Bytes DcapQuote::Write() const {
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

}  // namespace assay::softtee

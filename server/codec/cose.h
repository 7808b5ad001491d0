// COSE_Sign1, RFC 9052 section 4.2: one signature over a payload, on strict CBOR (cbor.h).
//
// Promises: one message, bare or with tag 18, and nothing behind it; a protected header that names an algorithm by its number
// and has no other parameter, an empty unprotected one, a payload that is there, a signature. So nothing that is not signed
// says anything, and no parameter that a reader would have to understand (crit) is passed over. Does not promise that
// anybody signed it, nor that the algorithm is one that may be used: it is compared with the caller's choice, never followed.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/outcome.h"

namespace assay::cose {

inline constexpr std::int64_t kEs256 = -7;  // RFC 9053 section 2.1
inline constexpr std::int64_t kEs384 = -35;

struct Sign1 {
  Bytes protected_header;  // the encoded map, as signed
  std::int64_t algorithm;
  Bytes payload;
  Bytes signature;
};

// Findings name the place: encoding_malformed and size_over_limit of the CBOR, cose_malformed of the message.
Outcome<Sign1> ParseSign1(ByteView bytes, std::string_view name, std::size_t limit);

// Section 4.4: what the signature is over, with nothing external.
Bytes SigStructure(ByteView protected_header, ByteView payload);

}  // namespace assay::cose

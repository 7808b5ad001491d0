// A DER writer (X.690): just what certificates and revocation lists are made of.
//
// Promises: lengths in minimal form; an integer from a number in minimal form. Does not promise that what it is handed as
// raw content makes sense: the software TEE writes broken structures on purpose.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

namespace assay::softtee::der {

// One element: identifier octet, length, content.
Bytes Element(std::uint8_t tag, ByteView content);
Bytes Concat(std::initializer_list<ByteView> parts);

Bytes Sequence(std::initializer_list<ByteView> parts);
Bytes Set(std::initializer_list<ByteView> parts);
Bytes Explicit(std::uint8_t number, ByteView content);  // [number], constructed
Bytes Implicit(std::uint8_t number, ByteView content);  // [number], primitive

Bytes Boolean(bool value);
Bytes Null();
Bytes Integer(std::uint64_t value);
Bytes IntegerOf(ByteView magnitude);  // unsigned, big-endian, any length
Bytes BitString(ByteView bytes, std::uint8_t unused_bits = 0);
Bytes OctetString(ByteView bytes);
Bytes Oid(std::string_view dotted);  // "1.3.6.1.4.1.3704.1.4"; must be well formed
Bytes Utf8String(std::string_view text);
Bytes PrintableString(std::string_view text);
Bytes Ia5String(std::string_view text);
Bytes Date(Time time);  // UTCTime to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5)

}  // namespace assay::softtee::der

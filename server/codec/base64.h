// Base64 and base64url, RFC 4648 sections 4 and 5, in their one canonical spelling.
//
// Promises: one byte string has exactly one accepted text. Blanks, line breaks, characters of the other alphabet,
// missing or superfluous padding and non-zero spare bits (RFC 4648 section 3.5) are all refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace assay::codec {

std::string ToBase64(ByteView bytes);                    // padded
std::optional<Bytes> FromBase64(std::string_view text);  // padding demanded; "" is no bytes

std::string ToBase64Url(ByteView bytes);                    // never padded, as in JWS (RFC 7515 section 2)
std::optional<Bytes> FromBase64Url(std::string_view text);  // padding refused

bool IsBase64Character(char c);  // of section 4, without '='

}  // namespace assay::codec

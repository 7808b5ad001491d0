// Hexadecimal text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace assay {

std::string ToHex(ByteView bytes);  // lower case, two digits a byte

// Even length, digits of either case, nothing else (no prefix, no blanks); anything else is nullopt. "" is no bytes.
std::optional<Bytes> FromHex(std::string_view text);

// At most `limit` bytes shown, then "… (N bytes)": for findings and tables, which must stay bounded.
std::string ToHexBounded(ByteView bytes, std::size_t limit = 64);

}  // namespace assay

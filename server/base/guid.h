// GUIDs as text: 8-4-4-4-12 lower-case hexadecimal digits (RFC 9562, section 4).
#pragma once

#include <string>

#include "base/bytes.h"

namespace assay {

// 16 bytes in the order in which they are written, as in AMD's tables.
std::string GuidText(ByteView guid);
// 16 bytes as UEFI lays GUIDs out, whose first three groups are little-endian numbers.
std::string UefiGuidText(ByteView guid);

}  // namespace assay

// A number as people read addresses, bits and sizes.
#pragma once

#include <cstdint>
#include <string>

namespace assay {

std::string HexNumber(std::uint64_t number);  // "0x1f"; lower case, no zeros in front, "0x0"

}  // namespace assay

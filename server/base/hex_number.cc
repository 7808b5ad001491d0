#include "base/hex_number.h"

#include <array>
#include <charconv>

namespace assay {

std::string HexNumber(std::uint64_t number) {
  std::array<char, 16> digits;
  return "0x" + std::string(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr);
}

}  // namespace assay

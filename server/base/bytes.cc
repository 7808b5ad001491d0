#include "base/bytes.h"

namespace assay {

bool EqualConstantTime(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

bool AllEqualTo(ByteView bytes, std::uint8_t value) {
  return !bytes.empty() && std::all_of(bytes.begin(), bytes.end(), [value](std::uint8_t b) { return b == value; });
}

namespace {
template <typename Unsigned>
void AppendBe(Bytes& to, Unsigned value) {
  for (int shift = static_cast<int>(sizeof(Unsigned)) * 8 - 8; shift >= 0; shift -= 8) {
    to.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}
}  // namespace

void AppendU32Be(Bytes& to, std::uint32_t value) { AppendBe(to, value); }
void AppendU64Be(Bytes& to, std::uint64_t value) { AppendBe(to, value); }

}  // namespace assay

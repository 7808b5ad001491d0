#include "store/verdict_id.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace assay::store {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kTimeBytes = 6, kRandomBytes = 10;
constexpr std::size_t kCharacters = 26;  // 130 bits for 128: the first character carries three, so it is at most '7'
constexpr std::int64_t kLatestMilliseconds = (std::int64_t{1} << 48) - 1;

}  // namespace

std::string NewVerdictId(Time now, Random& random) {
  // Year 10889 is the last; a clock before 1970 is wrong, but no reason for ids that don't sort.
  const std::int64_t milliseconds = std::clamp<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count(), 0, kLatestMilliseconds);
  std::array<std::uint8_t, kTimeBytes + kRandomBytes> value{};
  for (std::size_t i = 0; i < kTimeBytes; ++i) { value[i] = static_cast<std::uint8_t>(milliseconds >> (8 * (kTimeBytes - 1 - i)) & 0xff); }
  random.Fill(std::span(value).subspan(kTimeBytes));

  std::string id(kCharacters, '0');
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  std::size_t at = kCharacters;
  for (std::size_t i = value.size(); i-- > 0;) {  // from the least significant end, so that the short group comes first
    pending |= static_cast<std::uint32_t>(value[i]) << pending_bits;
    pending_bits += 8;
    for (; pending_bits >= 5; pending_bits -= 5, pending >>= 5) id[--at] = kAlphabet[pending & 31];
  }
  id[--at] = kAlphabet[pending];
  return id;
}

bool IsVerdictId(std::string_view text) {
  return text.size() == kCharacters && text[0] <= '7' &&
         std::all_of(text.begin(), text.end(), [](char c) { return kAlphabet.find(c) != std::string_view::npos; });
}

}  // namespace assay::store

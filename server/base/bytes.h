// Byte strings and the few questions that every layer asks of them.
//
// Promises: no function here reads outside the spans it is given; none interprets what the bytes mean.
// Does not promise: constant time, except EqualConstantTime, whose duration depends on the lengths only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
template <std::size_t N>
using ByteArray = std::array<std::uint8_t, N>;

inline ByteView AsBytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
inline std::string_view AsText(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes ToBytes(ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); }

inline bool Equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// For values that an attacker may guess at: challenge MACs, nonces, report_data.
bool EqualConstantTime(ByteView a, ByteView b);

// True when every byte equals `value`; an empty span has no such byte and answers false: absence is never "all".
bool AllEqualTo(ByteView bytes, std::uint8_t value);
inline bool AllZero(ByteView bytes) { return AllEqualTo(bytes, 0); }

inline void Append(Bytes& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }
// Big-endian, as in the binding transcript and every TPM structure.
void AppendU32Be(Bytes& to, std::uint32_t value);
void AppendU64Be(Bytes& to, std::uint64_t value);

}  // namespace assay

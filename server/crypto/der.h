// Distinguished Encoding Rules (ITU-T X.690 section 10 and 11), as far as certificates, revocation lists and keys use them.
//
// Promises: nothing is read outside the bytes given; an element is only returned if its length is definite, minimal and
// inside. Does not promise: that the content suits the tag, except after IsDer(), which looks at everything but what is
// wrapped in OCTET and BIT STRINGs. Tags above 30 do not occur in X.509 and are refused.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace assay::crypto {

namespace der {
inline constexpr std::uint8_t kBoolean = 0x01;
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kOid = 0x06;
inline constexpr std::uint8_t kEnumerated = 0x0A;
inline constexpr std::uint8_t kUtcTime = 0x17;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t Context(std::uint8_t number) { return static_cast<std::uint8_t>(0x80 | number); }
constexpr std::uint8_t ContextConstructed(std::uint8_t number) { return static_cast<std::uint8_t>(0xA0 | number); }
}  // namespace der

struct DerElement {
  std::uint8_t tag;
  ByteView whole;  // tag, length and content
  ByteView content;
};

class DerReader {
 public:
  explicit DerReader(ByteView bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }
  bool NextIs(std::uint8_t tag) const { return !rest_.empty() && rest_.front() == tag; }

  // The next element, whatever its tag; nullopt if there is none or its header is not DER.
  std::optional<DerElement> Next();
  // The next element if it has this tag. Otherwise nullopt, and nothing moves.
  std::optional<DerElement> Next(std::uint8_t tag);
  // The same, content only.
  std::optional<ByteView> Take(std::uint8_t tag);

 private:
  ByteView rest_;
};

// Exactly one element, DER throughout: minimal lengths, integers and booleans; no constructed strings; sets in order; no
// set bits in the padding of bit strings; nested at most 32 deep.
bool IsDer(ByteView bytes);

// 0 to INT32_MAX from the content of an INTEGER; nullopt for any other number.
std::optional<std::int32_t> SmallInteger(ByteView content);

}  // namespace assay::crypto

// A bounds-checked cursor over bytes, the only way from raw memory to numbers in this project.
//
// Promises: a read past the end returns nullopt and moves nothing; no read allocates more than it returns a view of.
// Does not promise: that what was read makes sense. Layout tables (layout.h) and parsers say that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace assay {

class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  bool AtEnd() const { return remaining() == 0; }

  std::optional<ByteView> Take(std::size_t count) {
    if (count > remaining()) return std::nullopt;
    const ByteView taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }
  ByteView TakeRest() { return *Take(remaining()); }
  bool Skip(std::size_t count) { return Take(count).has_value(); }

  std::optional<std::uint8_t> U8() { return Little<std::uint8_t>(); }
  std::optional<std::uint16_t> U16Le() { return Little<std::uint16_t>(); }
  std::optional<std::uint32_t> U32Le() { return Little<std::uint32_t>(); }
  std::optional<std::uint64_t> U64Le() { return Little<std::uint64_t>(); }
  std::optional<std::uint16_t> U16Be() { return Big<std::uint16_t>(); }
  std::optional<std::uint32_t> U32Be() { return Big<std::uint32_t>(); }
  std::optional<std::uint64_t> U64Be() { return Big<std::uint64_t>(); }

 private:
  template <typename Unsigned>
  std::optional<Unsigned> Little() {
    const auto raw = Take(sizeof(Unsigned));
    if (!raw) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = raw->size(); i-- > 0;) value = value << 8 | (*raw)[i];
    return static_cast<Unsigned>(value);
  }
  template <typename Unsigned>
  std::optional<Unsigned> Big() {
    const auto raw = Take(sizeof(Unsigned));
    if (!raw) return std::nullopt;
    std::uint64_t value = 0;
    for (const std::uint8_t byte : *raw) value = value << 8 | byte;
    return static_cast<Unsigned>(value);
  }

  ByteView bytes_;
  std::size_t position_ = 0;
};

}  // namespace assay

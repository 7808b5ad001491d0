// Strict CBOR, RFC 8949, into a small tree of our own.
//
// Promises: the bytes are one data item and nothing behind it; integers and lengths are in their shortest form (section
// 4.2.1); text is UTF-8; a map has no key twice, and its keys are integers or text; strings are of definite length;
// nesting, size and number of items are bounded before memory is spent on them. Each value knows the bytes it was read
// from. Does not promise: that map keys are sorted (EAR and COSE do not demand it), or anything about what they mean.
//
// Not accepted at all: undefined, simple values other than false, true and null, and integers beyond 64 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"

namespace assay::cbor {

struct Span {
  std::size_t offset = 0;
  std::size_t length = 0;
};

struct Entry;

// A number of major type 1: its value is -1 - `argument`.
struct Negative {
  std::uint64_t argument;
};
// Kept as it stands: nothing that Assay reads may be a floating-point number, so it is only named, never used.
struct Float {
  std::uint64_t bits;
  std::uint8_t size;  // 2, 4 or 8 bytes
};

class Value {
 public:
  using Array = std::vector<Value>;
  using Map = std::vector<Entry>;  // in the order of the bytes
  struct Tagged {
    std::uint64_t tag;
    std::vector<Value> content;  // exactly one
  };

  // Empty or null when the value is of another kind.
  bool IsNull() const { return content_.index() == 0; }
  std::optional<bool> AsBool() const;
  std::optional<std::uint64_t> AsUint64() const;
  std::optional<std::int64_t> AsInt64() const;
  const Bytes* AsBytes() const { return std::get_if<Bytes>(&content_); }
  const std::string* AsString() const { return std::get_if<std::string>(&content_); }
  const Array* AsArray() const { return std::get_if<Array>(&content_); }
  const Map* AsMap() const { return std::get_if<Map>(&content_); }
  // The content of a tag; null if this is no tag of that number.
  const Value* Untag(std::uint64_t tag) const;

  // The value under a key; null if there is none or this is no map. Linear: our maps are small.
  const Value* Find(std::int64_t key) const;
  const Value* Find(std::string_view key) const;

  Span span() const { return span_; }

  // For messages: "null", "an integer", "a byte string", …
  std::string_view KindName() const;

 private:
  friend class Parser;
  using Content = std::variant<std::monostate, bool, std::uint64_t, Negative, Float, Bytes, std::string, Array, Map, Tagged>;
  Content content_;
  Span span_;
};

struct Entry {
  Value key;
  Value value;
};

struct Limits {
  std::size_t bytes = std::size_t{64} * 1024;
  std::size_t depth = 8;      // arrays, maps and tags inside each other
  std::size_t entries = 64;   // of one map
  std::size_t values = 4096;  // all items together
  bool indefinite = false;    // whether arrays and maps may be of indefinite length
};

// Findings name the place: "name at byte N". encoding_malformed, size_over_limit.
Outcome<Value> Parse(ByteView bytes, std::string_view name = "cbor", const Limits& limits = {});

}  // namespace assay::cbor

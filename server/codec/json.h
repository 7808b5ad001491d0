// Strict JSON, RFC 8259, into a small tree of our own.
//
// Promises: the whole text is one JSON value, in valid UTF-8; no member name stands twice in an object; nesting, size
// and number of values are bounded before memory is spent on them. Integers that fit 64 bits are exact; every other
// number is kept as the text that stood there, never rounded. Each parsed value knows the bytes it was read from, so a
// signature over an inner value is checked over those very bytes and not over a rendering of them. Does not promise:
// anything about what the members mean.
//
// The same type is used to build trees (the static makers, Add, Append) for json_writer.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bug.h"
#include "base/outcome.h"

namespace assay::json {

// Where a value stands in the text that was parsed, in bytes. {0, 0} for values that were built.
struct Span {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
};

struct Member;

class Value {
 public:
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;  // in order of the text, or of Add

  Value();  // null
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  static Value Null();
  static Value Bool(bool value);
  template <typename Number>
  requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>) static Value Integer(Number value) {
    return std::cmp_less(value, 0) ? Negative(static_cast<std::int64_t>(value)) : Natural(static_cast<std::uint64_t>(value));
  }
  static Value String(std::string text);
  static Value String(std::string_view text);
  static Value String(const char* text);
  static Value MakeArray(std::size_t expected_elements = 0);
  static Value MakeObject(std::size_t expected_members = 0);

  // Builders. The value must be an object or array respectively; the caller sees to it that no name is added twice (the
  // canonical writer refuses such a tree). The reference lives until the next Add or Append to the same value.
  Value& Add(std::string_view name, Value value);
  Value& Append(Value value);

  bool IsNull() const { return content_.index() == 0; }
  // Empty or null when the value is of another kind.
  std::optional<bool> AsBool() const { return CopyOf<bool>(); }
  std::optional<std::uint64_t> AsUint64() const { return CopyOf<std::uint64_t>(); }
  std::optional<std::int64_t> AsInt64() const;
  const std::string* AsString() const { return std::get_if<std::string>(&content_); }
  const Array* AsArray() const { return std::get_if<Array>(&content_); }
  const Object* AsObject() const { return std::get_if<Object>(&content_); }
  // The text of a number with fraction or exponent, of "-0", or of an integer that needs more than 64 bits.
  const std::string* AsOtherNumber() const;

  // The member of that name; null if there is none or this is no object. Linear: our objects are small.
  const Value* Find(std::string_view name) const;

  Span span() const { return span_; }
  // The bytes that this value was parsed from; `text` is what was given to Parse.
  std::string_view VerbatimIn(std::string_view text) const { return text.substr(span_.offset, span_.length); }

  // For messages: "null", "a boolean", "an integer", …
  std::string_view KindName() const;

  // Same kinds, same content; spans and the order of members make no difference.
  friend bool operator==(const Value& a, const Value& b);

 private:
  friend class Parser;
  struct OtherNumber {
    std::string text;
    bool operator==(const OtherNumber&) const = default;
  };
  // An integer is an int64_t if and only if it is negative.
  using Content = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, OtherNumber, std::string, Array, Object>;

  explicit Value(Content content);
  static Value Negative(std::int64_t value);
  static Value Natural(std::uint64_t value);
  template <typename T>
  std::optional<T> CopyOf() const {
    const T* value = std::get_if<T>(&content_);
    return value == nullptr ? std::nullopt : std::optional<T>(*value);
  }

  Content content_;
  Span span_;
};

struct Member {
  std::string name;
  Value value;
  Span name_span = {};  // with its quotes

  friend bool operator==(const Member& a, const Member& b) { return a.name == b.name && a.value == b.value; }
};

// Here and not in the class, because a variant with a vector<Member> needs Member to be complete.
inline Value::Value() = default;
inline Value::Value(const Value&) = default;
inline Value::Value(Value&&) noexcept = default;
inline Value& Value::operator=(const Value&) = default;
inline Value& Value::operator=(Value&&) noexcept = default;
inline Value::~Value() = default;
inline Value::Value(Content content) : content_(std::move(content)) {}
inline Value Value::Null() { return {}; }
inline Value Value::Bool(bool value) { return Value(Content(std::in_place_type<bool>, value)); }
inline Value Value::Negative(std::int64_t value) { return Value(Content(std::in_place_type<std::int64_t>, value)); }
inline Value Value::Natural(std::uint64_t value) { return Value(Content(std::in_place_type<std::uint64_t>, value)); }
inline Value Value::String(std::string text) { return Value(Content(std::in_place_type<std::string>, std::move(text))); }
inline Value Value::String(std::string_view text) { return String(std::string(text)); }
inline Value Value::String(const char* text) { return String(std::string(text)); }

struct Limits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t depth = 16;        // arrays and objects inside each other; a lone [] has depth 1
  std::size_t values = 100'000;  // scalars, arrays and objects together
};

// Findings name the place: "name:line:column".
Outcome<Value> Parse(std::string_view text, std::string_view name = "json", const Limits& limits = {});

}  // namespace assay::json

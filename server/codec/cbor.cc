#include "codec/cbor.h"

#include <utility>

#include "base/reader.h"
#include "base/strings.h"
#include "codec/syntax_error.h"

namespace assay::cbor {
namespace {

// RFC 8949 section 3: the high-order three bits of the initial byte.
enum MajorType : std::uint8_t { kUnsigned, kNegative, kByteString, kTextString, kArray, kMap, kTag, kSimpleOrFloat };

constexpr std::uint8_t kIndefinite = 31;
constexpr std::uint8_t kBreak = 0xFF;
constexpr std::uint8_t kFalse = 20, kTrue = 21, kNull = 22, kHalfFloat = 25, kDoubleFloat = 27;

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = Utf8SequenceLength(text.substr(at));
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace

std::optional<bool> Value::AsBool() const {
  const bool* value = std::get_if<bool>(&content_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::uint64_t> Value::AsUint64() const {
  const std::uint64_t* value = std::get_if<std::uint64_t>(&content_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::int64_t> Value::AsInt64() const {
  if (const std::uint64_t* value = std::get_if<std::uint64_t>(&content_)) {
    return std::in_range<std::int64_t>(*value) ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  }
  const Negative* negative = std::get_if<Negative>(&content_);
  if (negative == nullptr || !std::in_range<std::int64_t>(negative->argument)) return std::nullopt;
  return -1 - static_cast<std::int64_t>(negative->argument);
}

const Value* Value::Untag(std::uint64_t tag) const {
  const Tagged* tagged = std::get_if<Tagged>(&content_);
  return tagged == nullptr || tagged->tag != tag ? nullptr : &tagged->content.front();
}

const Value* Value::Find(std::int64_t key) const {
  if (const Map* map = AsMap()) {
    for (const Entry& entry : *map) {
      if (entry.key.AsInt64() == key) return &entry.value;
    }
  }
  return nullptr;
}

const Value* Value::Find(std::string_view key) const {
  if (const Map* map = AsMap()) {
    for (const Entry& entry : *map) {
      if (const std::string* text = entry.key.AsString(); text != nullptr && *text == key) return &entry.value;
    }
  }
  return nullptr;
}

std::string_view Value::KindName() const {
  constexpr std::string_view kNames[] = {"null",          "a boolean", "an integer", "an integer", "a floating-point number",
                                         "a byte string", "a text",    "an array",   "a map",      "a tag"};
  return kNames[content_.index()];
}

class Parser {
 public:
  Parser(ByteView bytes, std::string_view name, const Limits& limits) : bytes_(bytes), reader_(bytes), name_(name), limits_(limits) {}

  Outcome<Value> Run() {
    if (bytes_.size() > limits_.bytes) return codec::OverLimit(std::string(name_), "bytes", limits_.bytes, std::to_string(bytes_.size()));
    Value value;
    if (!Item(value, 0)) return *std::move(error_);
    if (!reader_.AtEnd()) {
      Fail(reader_.position(), "the end of the data", Cat(reader_.remaining(), " more bytes"));
      return *std::move(error_);
    }
    return value;
  }

 private:
  struct Head {
    MajorType major;
    std::uint8_t additional;
    std::uint64_t argument;  // 0 if indefinite
  };

  bool Fail(std::size_t at, std::string expected, std::string actual) {
    if (!error_) error_ = codec::SyntaxError(Cat(name_, " at byte ", at), std::move(expected), std::move(actual));
    return false;
  }
  bool Exceed(std::size_t at, std::string_view what, std::size_t limit, std::string actual) {
    if (!error_) error_ = codec::OverLimit(Cat(name_, " at byte ", at), what, limit, std::move(actual));
    return false;
  }

  bool TakeHead(Head& head) {
    const std::size_t at = reader_.position();
    const std::optional<std::uint8_t> initial = reader_.U8();
    if (!initial) return Fail(at, "a data item", "the end of the data");
    head = {static_cast<MajorType>(*initial >> 5U), static_cast<std::uint8_t>(*initial & 0x1FU), 0};
    std::optional<std::uint64_t> argument;
    std::uint64_t least = 0;  // what would have fitted a shorter form
    switch (head.additional) {
      case 24: argument = reader_.U8(), least = 24; break;
      case 25: argument = reader_.U16Be(), least = 0x100; break;
      case 26: argument = reader_.U32Be(), least = 0x1'0000; break;
      case 27: argument = reader_.U64Be(), least = 0x1'0000'0000; break;
      case 28:
      case 29:
      case 30: return Fail(at, "a well-formed initial byte", "reserved additional information");
      case kIndefinite: argument = 0; break;
      default: argument = head.additional;
    }
    if (!argument) return Fail(at, "an argument", "the end of the data");
    const bool floating = head.major == kSimpleOrFloat && head.additional >= kHalfFloat;
    if (*argument < least && !floating) return Fail(at, "the shortest form of an integer", "a longer one");
    head.argument = *argument;
    return true;
  }

  bool Item(Value& value, std::size_t depth) {
    const std::size_t begin = reader_.position();
    if (++values_ > limits_.values) return Exceed(begin, "data items", limits_.values, "more");
    Head head{};
    if (!TakeHead(head) || !Content(head, value, depth, begin)) return false;
    value.span_ = {begin, reader_.position() - begin};
    return true;
  }

  bool Content(const Head& head, Value& value, std::size_t depth, std::size_t begin) {
    const bool nests = head.major == kArray || head.major == kMap || head.major == kTag;
    if (nests && depth == limits_.depth) return Exceed(begin, "levels of nesting", limits_.depth, "more");
    if (head.additional == kIndefinite && !(limits_.indefinite && (head.major == kArray || head.major == kMap))) {
      return Fail(begin, "a definite length", "an indefinite one, or a break");
    }
    switch (head.major) {
      case kUnsigned: value.content_ = head.argument; return true;
      case kNegative: value.content_ = Negative{head.argument}; return true;
      case kByteString:
      case kTextString: return String(head, value, begin);
      case kArray: return Array(head, value, depth, begin);
      case kMap: return Map(head, value, depth, begin);
      case kTag: {
        Value::Tagged tagged{head.argument, std::vector<Value>(1)};
        if (!Item(tagged.content.front(), depth + 1)) return false;
        value.content_ = std::move(tagged);
        return true;
      }
      case kSimpleOrFloat: return Simple(head, value, begin);
    }
    return false;
  }

  bool String(const Head& head, Value& value, std::size_t begin) {
    if (head.argument > reader_.remaining()) {
      return Fail(begin, Cat("a string of ", head.argument, " bytes"), Cat(reader_.remaining(), " bytes left"));
    }
    const ByteView taken = *reader_.Take(static_cast<std::size_t>(head.argument));
    if (head.major == kByteString) {
      value.content_ = ToBytes(taken);
      return true;
    }
    if (!IsUtf8(AsText(taken))) return Fail(begin, "text in UTF-8", "other bytes");
    value.content_ = std::string(AsText(taken));
    return true;
  }

  // Whether another element follows; consumes the break of an indefinite one.
  bool More(const Head& head, std::size_t taken) {
    if (head.additional != kIndefinite) return taken < head.argument;
    if (reader_.AtEnd() || bytes_[reader_.position()] != kBreak) return true;
    reader_.Skip(1);
    return false;
  }

  bool Array(const Head& head, Value& value, std::size_t depth, std::size_t begin) {
    if (head.argument > reader_.remaining()) return Fail(begin, Cat(head.argument, " elements"), Cat(reader_.remaining(), " bytes left"));
    Value::Array elements;
    while (More(head, elements.size())) {
      if (!Item(elements.emplace_back(), depth + 1)) return false;
    }
    value.content_ = std::move(elements);
    return true;
  }

  bool Map(const Head& head, Value& value, std::size_t depth, std::size_t begin) {
    if (head.argument > limits_.entries) return Exceed(begin, "entries of a map", limits_.entries, std::to_string(head.argument));
    Value::Map entries;
    while (More(head, entries.size())) {
      if (entries.size() == limits_.entries) return Exceed(begin, "entries of a map", limits_.entries, "more");
      Entry entry;
      if (!Item(entry.key, depth + 1)) return false;
      if (!entry.key.AsString() && !entry.key.AsInt64()) {
        return Fail(entry.key.span_.offset, "an integer or a text as key", std::string(entry.key.KindName()));
      }
      // Integers are in shortest form and strings of definite length: equal keys are equal bytes.
      const auto encoded = [&](const Value& key) { return bytes_.subspan(key.span_.offset, key.span_.length); };
      for (const Entry& other : entries) {
        if (Equal(encoded(other.key), encoded(entry.key))) return Fail(entry.key.span_.offset, "each key once", "a key that stood before");
      }
      if (!Item(entry.value, depth + 1)) return false;
      entries.push_back(std::move(entry));
    }
    value.content_ = std::move(entries);
    return true;
  }

  bool Simple(const Head& head, Value& value, std::size_t begin) {
    if (head.additional >= kHalfFloat && head.additional <= kDoubleFloat) {
      value.content_ = Float{head.argument, static_cast<std::uint8_t>(2U << (head.additional - kHalfFloat))};
      return true;
    }
    switch (head.additional) {
      case kFalse: value.content_ = false; return true;
      case kTrue: value.content_ = true; return true;
      case kNull: value.content_ = std::monostate(); return true;
      default: return Fail(begin, "false, true, null or a number", Cat("simple value ", head.argument));
    }
  }

  ByteView bytes_;
  Reader reader_;
  std::string_view name_;
  const Limits& limits_;
  std::size_t values_ = 0;
  std::optional<Finding> error_;
};

Outcome<Value> Parse(ByteView bytes, std::string_view name, const Limits& limits) { return Parser(bytes, name, limits).Run(); }

}  // namespace assay::cbor

#include "codec/json.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/strings.h"
#include "codec/repeated_name.h"
#include "codec/syntax_error.h"

namespace assay::json {

Value Value::MakeArray(std::size_t expected_elements) {
  Array elements;
  elements.reserve(expected_elements);
  return Value(Content(std::move(elements)));
}

Value Value::MakeObject(std::size_t expected_members) {
  Object members;
  members.reserve(expected_members);
  return Value(Content(std::move(members)));
}

Value& Value::Add(std::string_view name, Value value) {
  Object* const members = std::get_if<Object>(&content_);
  ASSAY_CHECK(members != nullptr);
  return members->emplace_back(Member{std::string(name), std::move(value)}).value;
}

Value& Value::Append(Value value) {
  Array* const elements = std::get_if<Array>(&content_);
  ASSAY_CHECK(elements != nullptr);
  return elements->emplace_back(std::move(value));
}

std::optional<std::int64_t> Value::AsInt64() const {
  if (const auto* negative = std::get_if<std::int64_t>(&content_)) return *negative;
  const auto* natural = std::get_if<std::uint64_t>(&content_);
  if (natural == nullptr || *natural > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(*natural);
}

const std::string* Value::AsOtherNumber() const {
  const auto* number = std::get_if<OtherNumber>(&content_);
  return number == nullptr ? nullptr : &number->text;
}

const Value* Value::Find(std::string_view name) const {
  const Object* const members = AsObject();
  if (members == nullptr) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [name](const Member& member) { return member.name == name; });
  return found == members->end() ? nullptr : &found->value;
}

std::string_view Value::KindName() const {
  static constexpr std::string_view kNames[] = {"null",     "a boolean", "an integer", "an integer",
                                                "a number", "a string",  "an array",   "an object"};
  return kNames[content_.index()];
}

namespace {

std::vector<const Member*> ByName(const Value::Object& members) {
  std::vector<const Member*> order;
  order.reserve(members.size());
  for (const Member& member : members) order.push_back(&member);
  std::stable_sort(order.begin(), order.end(), [](const Member* a, const Member* b) { return a->name < b->name; });
  return order;
}

}  // namespace

bool operator==(const Value& a, const Value& b) {
  const Value::Object* const members = a.AsObject();
  const Value::Object* const others = b.AsObject();
  if (members == nullptr || others == nullptr) return a.content_.index() == b.content_.index() && a.content_ == b.content_;
  const auto sorted = ByName(*members), sorted_others = ByName(*others);
  return std::equal(sorted.begin(), sorted.end(), sorted_others.begin(), sorted_others.end(),
                    [](const Member* x, const Member* y) { return *x == *y; });
}

// Recursive descent; the depth of recursion is bounded by Limits::depth. Every step returns false after setting
// finding_.
class Parser {
 public:
  Parser(std::string_view text, std::string_view name, const Limits& limits) : text_(text), name_(name), limits_(limits) {}

  Outcome<Value> Run() {
    const std::size_t most = std::min<std::size_t>(limits_.bytes, std::numeric_limits<std::uint32_t>::max());
    if (text_.size() > most) return codec::OverLimit(std::string(name_), "bytes", most, Cat(text_.size(), " bytes"));
    Value root;
    SkipBlanks();
    if (!ParseValue(root, 0)) return *std::move(finding_);
    SkipBlanks();
    if (at_ != text_.size() && !Expected("the end of the input")) return *std::move(finding_);
    return root;
  }

 private:
  bool Expected(std::string_view what) { return Refuse(at_, what, codec::ShowCharacterAt(text_, at_)); }
  bool Refuse(std::size_t offset, std::string_view expected, std::string actual) {
    finding_ = codec::SyntaxError(PlaceAt(offset), std::string(expected), std::move(actual));
    return false;
  }
  std::string PlaceAt(std::size_t offset) const { return codec::ShowPlace(name_, codec::PlaceOf(text_, offset)); }

  bool AtEnd() const { return at_ == text_.size(); }
  bool Sees(char c) const { return !AtEnd() && text_[at_] == c; }
  bool SeesDigit() const { return !AtEnd() && text_[at_] >= '0' && text_[at_] <= '9'; }
  bool Takes(char c) {
    if (!Sees(c)) return false;
    ++at_;
    return true;
  }
  void SkipBlanks() {
    while (!AtEnd() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  }
  Span SpanFrom(std::size_t start) const { return {static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(at_ - start)}; }

  bool ParseValue(Value& value, std::size_t depth) {
    if (++values_ > limits_.values) {
      finding_ = codec::OverLimit(PlaceAt(at_), "values", limits_.values, "one more");
      return false;
    }
    const std::size_t start = at_;
    if (!ParseContent(value, depth)) return false;
    value.span_ = SpanFrom(start);
    return true;
  }

  bool ParseContent(Value& value, std::size_t depth) {
    if (AtEnd()) return Expected("a value");
    switch (text_[at_]) {
      case '{': return Enter(depth) && ParseObject(value.content_.emplace<Value::Object>(), depth + 1);
      case '[': return Enter(depth) && ParseArray(value.content_.emplace<Value::Array>(), depth + 1);
      case '"': return ParseString(value.content_.emplace<std::string>());
      case 't': value.content_ = true; return ParseWord("true");
      case 'f': value.content_ = false; return ParseWord("false");
      case 'n': return ParseWord("null");
      default: return SeesDigit() || Sees('-') ? ParseNumber(value) : Expected("a value");
    }
  }

  bool Enter(std::size_t depth) {
    if (depth < limits_.depth) return true;
    finding_ = codec::OverLimit(PlaceAt(at_), "levels of nesting", limits_.depth, "one more");
    return false;
  }

  bool ParseWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return Expected(word);
    at_ += word.size();
    return true;
  }

  bool ParseArray(Value::Array& elements, std::size_t depth) {
    ++at_;
    SkipBlanks();
    if (Takes(']')) return true;
    for (;;) {
      if (!ParseValue(elements.emplace_back(), depth)) return false;
      SkipBlanks();
      if (Takes(']')) return true;
      if (!Takes(',')) return Expected("',' or ']'");
      SkipBlanks();
    }
  }

  bool ParseObject(Value::Object& members, std::size_t depth) {
    ++at_;
    SkipBlanks();
    if (Takes('}')) return true;
    for (;;) {
      if (!Sees('"')) return Expected(members.empty() ? "a member name or '}'" : "a member name");
      Member& member = members.emplace_back();
      const std::size_t start = at_;
      if (!ParseString(member.name)) return false;
      member.name_span = SpanFrom(start);
      SkipBlanks();
      if (!Takes(':')) return Expected("':'");
      SkipBlanks();
      if (!ParseValue(member.value, depth)) return false;
      SkipBlanks();
      if (Takes('}')) break;
      if (!Takes(',')) return Expected("',' or '}'");
      SkipBlanks();
    }
    const auto repeated = codec::FirstRepeated(members, [](const Member& member) -> std::string_view { return member.name; });
    if (!repeated) return true;
    const Member& again = members[*repeated];
    return Refuse(again.name_span.offset, "each member name once", Cat(codec::Quoted(again.name), " again"));
  }

  bool ParseNumber(Value& value) {
    const std::size_t start = at_;
    const bool negative = Takes('-');
    if (!Takes('0')) {
      if (!SeesDigit()) return Expected("a digit");
      while (SeesDigit()) ++at_;
    }
    bool integer = true;
    if (Takes('.')) {
      integer = false;
      if (!SeesDigit()) return Expected("a digit");
      while (SeesDigit()) ++at_;
    }
    if (Takes('e') || Takes('E')) {
      integer = false;
      if (!Takes('+')) Takes('-');
      if (!SeesDigit()) return Expected("a digit");
      while (SeesDigit()) ++at_;
    }
    const std::string_view text = text_.substr(start, at_ - start);
    if (!integer || text == "-0" || !(negative ? Exactly<std::int64_t>(text, value) : Exactly<std::uint64_t>(text, value))) {
      value.content_ = Value::OtherNumber{std::string(text)};
    }
    return true;
  }

  template <typename Number>
  static bool Exactly(std::string_view text, Value& value) {
    Number number{};
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) return false;
    value.content_ = number;
    return true;
  }

  bool ParseString(std::string& into) {
    ++at_;
    for (;;) {
      const std::size_t run = at_;
      while (!AtEnd() && IsPlain(text_[at_])) ++at_;
      into.append(text_.substr(run, at_ - run));
      if (AtEnd()) return Expected("'\"'");
      if (Takes('"')) return true;
      if (Sees('\\')) {
        if (!ParseEscape(into)) return false;
        continue;
      }
      const std::size_t length = Utf8SequenceLength(text_.substr(at_));
      if (length <= 1) return Expected(length == 0 ? "valid UTF-8" : "control characters to be escaped");
      into.append(text_.substr(at_, length));
      at_ += length;
    }
  }
  static bool IsPlain(char c) { return c >= 0x20 && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\'; }

  bool ParseEscape(std::string& into) {
    ++at_;
    if (AtEnd()) return Expected("an escape");
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t letter = kLetters.find(text_[at_]); letter != kLetters.npos) {
      into.push_back(kMeanings[letter]);
      ++at_;
      return true;
    }
    if (!Sees('u')) return Expected("one of \" \\ / b f n r t u");
    const std::size_t start = at_ - 1;
    std::uint32_t point = 0;
    if (!ParseUnit(point)) return false;
    if (point >= 0xd800 && point < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
      ++at_;
      std::uint32_t low = 0;
      if (!ParseUnit(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return Refuse(start, "a pair of surrogates", "half of one");
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else if (point >= 0xd800 && point <= 0xdfff) {
      return Refuse(start, "a pair of surrogates", "half of one");
    }
    AppendUtf8(into, point);
    return true;
  }

  // At the 'u' of \uXXXX.
  bool ParseUnit(std::uint32_t& unit) {
    ++at_;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = AtEnd() ? '\0' : text_[at_];
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9') digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f') digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F') digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else return Expected("a hexadecimal digit");
      unit = unit << 4 | digit;
    }
    return true;
  }

  static void AppendUtf8(std::string& into, std::uint32_t point) {
    const auto append = [&into](std::uint32_t byte) { into.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
    if (point < 0x80) return append(point);
    if (point < 0x800) {
      append(0xc0 | point >> 6);
    } else {
      if (point < 0x10000) {
        append(0xe0 | point >> 12);
      } else {
        append(0xf0 | point >> 18);
        append(0x80 | (point >> 12 & 0x3f));
      }
      append(0x80 | (point >> 6 & 0x3f));
    }
    append(0x80 | (point & 0x3f));
  }

  const std::string_view text_;
  const std::string_view name_;
  const Limits& limits_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
  std::optional<Finding> finding_;
};

Outcome<Value> Parse(std::string_view text, std::string_view name, const Limits& limits) { return Parser(text, name, limits).Run(); }

}  // namespace assay::json

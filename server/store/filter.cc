#include "store/filter.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::store {
namespace {

constexpr std::size_t kLongest = 2048;
constexpr int kDeepest = 32, kMostComparisons = 64;

enum class Kind : std::uint8_t { kEnd, kWord, kText, kComparator, kOpen, kClose, kMinus };
struct Token {
  Kind kind = Kind::kEnd;
  std::string text = {};
  std::size_t column = 1;
};

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '*' || c == '/' || c == '-' || c == '+';
}

class Parser {
 public:
  Parser(std::string_view text, std::span<const FilterField> fields) : text_(text), fields_(fields) {}

  absl::StatusOr<SqlCondition> Parse() {
    if (text_.size() > kLongest) return Refuse(kLongest + 1, Cat("at most ", kLongest, " bytes"), Cat(text_.size(), " bytes"));
    if (text_.find('\0') != std::string_view::npos) return Refuse(text_.find('\0') + 1, "text", "a zero byte");
    Next();
    if (token_.kind == Kind::kEnd && error_.ok()) return SqlCondition{"1", {}};
    std::string where = Expression(0);
    if (error_.ok() && token_.kind != Kind::kEnd) Expected("AND, OR or the end");
    if (!error_.ok()) return error_;
    return SqlCondition{std::move(where), std::move(parameters_)};
  }

 private:
  absl::Status Refuse(std::size_t column, std::string_view expected, std::string_view actual) const {
    return absl::InvalidArgumentError(ToAbsl(Cat("column ", column, ": expected ", expected, ", actual ", actual)));
  }
  void Fail(std::size_t column, std::string_view expected, std::string_view actual) {
    if (error_.ok()) error_ = Refuse(column, expected, actual);
    token_ = {};  // nothing more is read
    at_ = text_.size();
  }
  void Expected(std::string_view what) {
    Fail(token_.column, what, token_.kind == Kind::kEnd ? "the end" : Cat("'", Printable(token_.text, 64), "'"));
  }

  void Next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    token_ = {Kind::kEnd, {}, at_ + 1};
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    const std::size_t begin = at_;
    const auto take = [&](Kind kind, std::size_t length) {
      token_.kind = kind;
      token_.text = text_.substr(begin, length);
      at_ = begin + length;
    };
    if (c == '(') return take(Kind::kOpen, 1);
    if (c == ')') return take(Kind::kClose, 1);
    if (c == '=' || c == ':') return take(Kind::kComparator, 1);
    if (c == '<' || c == '>') return take(Kind::kComparator, begin + 1 < text_.size() && text_[begin + 1] == '=' ? 2 : 1);
    if (c == '!' && begin + 1 < text_.size() && text_[begin + 1] == '=') return take(Kind::kComparator, 2);
    if (c == '"' || c == '\'') return Quoted(c);
    if (c == '-' && !value_next_) return take(Kind::kMinus, 1);
    if (!IsWordCharacter(c)) {
      const std::string_view what = text_.substr(begin, std::max<std::size_t>(1, Utf8SequenceLength(text_.substr(begin))));
      return Fail(token_.column, "a name, a value, an operator or a bracket", Cat("'", Printable(what), "'"));
    }
    // A time has colons; elsewhere a colon is the operator "has".
    std::size_t end = begin;
    while (end < text_.size() && (IsWordCharacter(text_[end]) || (value_next_ && text_[end] == ':'))) ++end;
    take(Kind::kWord, end - begin);
  }

  void Quoted(char quote) {
    std::string value;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        token_.kind = Kind::kText;
        token_.text = std::move(value);
        at_ = i + 1;
        return;
      }
      if (text_[i] == '\\') {
        if (++i == text_.size() || (text_[i] != '\\' && text_[i] != '"' && text_[i] != '\'')) break;
      }
      value += text_[i];
    }
    Fail(token_.column, Cat("a text that ends with ", std::string(1, quote)), "one that doesn't, or a backslash before something else");
  }

  bool IsKeyword(std::string_view word) const { return token_.kind == Kind::kWord && token_.text == word; }

  std::string Expression(int depth) {
    std::string where = Sequence(depth);
    while (IsKeyword("AND")) {
      Next();
      where += Cat(" AND ", Sequence(depth));
    }
    return where;
  }
  bool TermBegins() const { return token_.kind == Kind::kOpen || token_.kind == Kind::kMinus || (token_.kind == Kind::kWord && token_.text != "AND" && token_.text != "OR"); }
  std::string Sequence(int depth) {
    std::string where = Factor(depth);
    while (error_.ok() && TermBegins()) where += Cat(" AND ", Factor(depth));
    return where;
  }
  std::string Factor(int depth) {
    std::string where = Cat("(", Term(depth));
    while (IsKeyword("OR")) {
      Next();
      where += Cat(" OR ", Term(depth));
    }
    return where + ")";
  }
  std::string Term(int depth) {
    if (depth > kDeepest) {
      Fail(token_.column, Cat("at most ", kDeepest, " levels"), "more");
      return {};
    }
    if (IsKeyword("NOT") || token_.kind == Kind::kMinus) {
      Next();
      return Cat("NOT ", Term(depth + 1));
    }
    if (token_.kind != Kind::kOpen) return Comparison();
    Next();
    std::string where = Cat("(", Expression(depth + 1), ")");
    if (token_.kind != Kind::kClose) Expected("')'");
    else Next();
    return where;
  }

  std::string Comparison() {
    const Token name = token_;
    const auto field = std::find_if(fields_.begin(), fields_.end(), [&](const FilterField& candidate) { return candidate.name == name.text; });
    if (name.kind != Kind::kWord || field == fields_.end()) {
      std::vector<std::string_view> names;
      for (const FilterField& known : fields_) names.push_back(known.name);
      const std::string_view nearest = name.kind == Kind::kWord ? NearestOf(name.text, names) : std::string_view();
      Expected(nearest.empty() ? Cat("a field (", Join(names, ", "), ")") : Cat("a field (did you mean '", nearest, "'?)"));
      return {};
    }
    if (++comparisons_ > kMostComparisons) {
      Fail(name.column, Cat("at most ", kMostComparisons, " comparisons"), "more");
      return {};
    }
    Next();
    if (token_.kind != Kind::kComparator) {
      Expected("one of = != < <= > >= :");
      return {};
    }
    const std::string comparator = token_.text;
    value_next_ = true;  // a word here may have colons and begin with a minus
    Next();
    value_next_ = false;
    const Token value = token_;
    if (value.kind != Kind::kWord && value.kind != Kind::kText) {
      Expected(Cat("a value for ", field->name));
      return {};
    }
    std::string where = Compare(*field, comparator, name.column, value);
    if (error_.ok()) Next();
    return where;
  }

  std::string Bind(std::string where, SqlValue value) {
    parameters_.push_back(std::move(value));
    return where;
  }

  std::string Compare(const FilterField& field, const std::string& comparator, std::size_t column, const Token& value) {
    const bool equality = comparator == "=" || comparator == "!=";
    const bool ordered = field.type == FieldType::kText || field.type == FieldType::kTime;
    const bool has = field.type == FieldType::kHas;
    if (has ? comparator != ":" && comparator != "=" : comparator == ":" || (!equality && !ordered)) {
      Fail(column, Cat(has ? "':' or '='" : ordered ? "one of = != < <= > >=" : "'=' or '!='", " behind ", field.name), Cat("'", comparator, "'"));
      return {};
    }
    const auto refuse = [&](std::string_view expected) {
      Fail(value.column, Cat(expected, " for ", field.name), Cat("'", Printable(value.text, 64), "'"));
      return std::string();
    };
    const std::string against = Cat(field.column, equality ? (comparator == "=" ? " IS ?" : " IS NOT ?") : Cat(" ", comparator, " ?"));
    switch (field.type) {
      case FieldType::kText: return CompareText(field, comparator, against, value);
      case FieldType::kHas: return Bind(std::string(field.column), value.text);
      case FieldType::kTime: {
        const auto time = ParseTime(value.text);
        return time ? Bind(against, std::int64_t{time->time_since_epoch().count()}) : refuse("a time as 2026-11-24T02:00:00Z");
      }
      case FieldType::kBool:
        if (value.text != "true" && value.text != "false") return refuse("true or false");
        return Bind(against, std::int64_t{value.text == "true"});
      case FieldType::kHex: {
        auto octets = FromHex(value.text);
        return octets ? Bind(against, *std::move(octets)) : refuse("hexadecimal digits");
      }
      case FieldType::kEnum: {
        std::vector<std::string_view> names;
        for (const auto& [name, number] : field.values) {
          if (name == value.text) return Bind(against, number);
          names.push_back(name);
        }
        return refuse(Cat("one of ", Join(names, ", ")));
      }
    }
    return {};
  }

  // A star at either end stands for any text; one inside, or in quotes with a backslash, does not.
  std::string CompareText(const FilterField& field, const std::string& comparator, const std::string& against, const Token& value) {
    const bool equality = comparator == "=" || comparator == "!=";
    const bool begins = value.text.ends_with('*'), ends = value.text.size() > 1 && value.text.starts_with('*');
    if (!equality || (!begins && !ends)) return Bind(against, value.text);
    const std::string part = value.text.substr(ends ? 1 : 0, value.text.size() - (ends ? 1 : 0) - (begins ? 1 : 0));
    const std::string_view negation = comparator == "!=" ? "NOT " : "";
    if (begins && ends) return Bind(Cat(negation, "instr(", field.column, ", ?) > 0"), part);
    // SQLite counts characters and not bytes, so the length is its business too.
    parameters_.emplace_back(part);
    return Bind(begins ? Cat(negation, "substr(", field.column, ", 1, length(?)) = ?") : Cat(negation, "substr(", field.column, ", -length(?)) = ?"), part);
  }

  const std::string_view text_;
  const std::span<const FilterField> fields_;
  std::size_t at_ = 0;
  bool value_next_ = false;
  Token token_;
  absl::Status error_;
  int comparisons_ = 0;
  std::vector<SqlValue> parameters_;
};

}  // namespace

absl::StatusOr<SqlCondition> ParseFilter(std::string_view filter, std::span<const FilterField> fields) { return Parser(filter, fields).Parse(); }

}  // namespace assay::store

#include "store/filter.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/status/status.h"
#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/syntax_error.h"

namespace assay::store {
namespace {

// In the order of what the types allow: the first two, the first six, all. Those of ordering are SQL as they are.
constexpr std::string_view kComparators[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
constexpr std::string_view kComparatorsOfHas[] = {":", "="};
constexpr std::string_view kKeywords[] = {"AND", "OR", "NOT"};
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kEndsValue = " \t\r\n()\"'\\,=!<>";  // not ':', for times
constexpr std::string_view kEndsName = " \t\r\n()\"'\\,=!<>:";
constexpr std::string_view kFilter = "filter";  // in front of places

bool Contains(const auto& all, std::string_view one) { return std::find(std::begin(all), std::end(all), one) != std::end(all); }

std::span<const std::string_view> ComparatorsOf(FieldType type) {
  const std::span<const std::string_view> all = kComparators;
  switch (type) {
    case FieldType::kText: return all;
    case FieldType::kTime: return all.first(6);
    case FieldType::kBool:
    case FieldType::kHex:
    case FieldType::kEnum: return all.first(2);
    case FieldType::kHas: return kComparatorsOfHas;
  }
  ASSAY_CHECK(false);
  return {};
}

std::string DidYouMean(std::string_view word) { return word.empty() ? "" : Cat("; did you mean ", codec::Quoted(word), '?'); }

std::optional<Time> TimeOf(std::string_view text) {
  if (text.size() != 25 || (text[19] != '+' && text[19] != '-')) return ParseTime(text);
  const auto local = ParseTime(Cat(text.substr(0, 19), 'Z'));
  const auto offset = ParseTime(Cat("1970-01-01T", text.substr(20), ":00Z"));  // as a time of day it has the same form and bounds
  if (!local || !offset) return std::nullopt;
  return text[19] == '+' ? *local - offset->time_since_epoch() : *local + offset->time_since_epoch();
}

struct Value {
  std::size_t at;                      // where it begins in the filter
  std::string text;                    // without quotes and escapes
  std::vector<std::size_t> wildcards;  // places in `text` of each * that is not escaped
};

// https://sqlite.org/lang_expr.html#glob: unlike LIKE, GLOB respects case; a class of one character is that character.
std::string GlobOf(const Value& value) {
  std::string pattern;
  for (std::size_t i = 0; i < value.text.size(); ++i) {
    const char c = value.text[i];
    const bool wildcard = std::binary_search(value.wildcards.begin(), value.wildcards.end(), i);
    if (!wildcard && std::string_view("*?[").find(c) != std::string_view::npos) {
      pattern.append({'[', c, ']'});
    } else {
      pattern.push_back(c);
    }
  }
  return pattern;
}

// A comparison, or a conjunction or disjunction of others, each of the other kind. There are no negations: they have become
// those of the comparisons.
struct Condition {
  std::string sql;  // of a comparison, with one ? for `parameter`
  SqlValue parameter;
  std::vector<Condition> operands;  // of the others, at least two
  bool conjunction = false;
  std::size_t stack = 1;  // symbols that SQLite's parser stacks for it, but for those of a comparison
};

bool NeedsParentheses(const Condition& operand, bool in_conjunction) { return in_conjunction && !operand.operands.empty(); }

// The parser of SQLite has a stack of 100 symbols (YYSTACKDEPTH), which `a OR (b AND (c OR (…)))` would fill with three for
// each level. With the deepest operand first, a level takes one; the second deepest finds two there already, but for many
// levels of those there would have to be more comparisons than there may.
Condition Combine(std::vector<Condition> operands, bool conjunction) {
  if (operands.size() == 1) return std::move(operands.front());
  Condition combined;
  combined.conjunction = conjunction;
  for (Condition& operand : operands) {
    if (operand.operands.empty() || operand.conjunction != conjunction) {
      combined.operands.push_back(std::move(operand));
    } else {
      std::move(operand.operands.begin(), operand.operands.end(), std::back_inserter(combined.operands));
    }
  }
  std::stable_sort(combined.operands.begin(), combined.operands.end(),
                   [](const Condition& a, const Condition& b) { return a.stack > b.stack; });
  std::size_t before = 0;  // an operand and its AND or OR
  for (const Condition& operand : combined.operands) {
    combined.stack = std::max(combined.stack, before + (NeedsParentheses(operand, conjunction) ? 1 : 0) + operand.stack);
    before = 2;
  }
  return combined;
}

void Write(Condition& condition, SqlCondition& to) {
  if (condition.operands.empty()) {
    to.where.append(condition.sql);
    to.parameters.push_back(std::move(condition.parameter));
    return;
  }
  std::string_view separator;
  for (Condition& operand : condition.operands) {
    const bool parentheses = NeedsParentheses(operand, condition.conjunction);
    to.where.append(separator).append(parentheses ? "(" : "");
    Write(operand, to);
    to.where.append(parentheses ? ")" : "");
    separator = condition.conjunction ? " AND " : " OR ";
  }
}

class FilterParser {
 public:
  FilterParser(std::string_view text, std::span<const FilterField> fields) : text_(text), fields_(fields) {}

  absl::StatusOr<SqlCondition> Parse() {
    if (text_.size() > kLongestFilter) { return Error(codec::OverLimit(std::string(kFilter), "bytes", kLongestFilter, Cat(text_.size()))); }
    if (absl::Status status = RefuseNonText(); !status.ok()) return status;
    SkipBlanks();
    if (AtEnd()) return SqlCondition{"1", {}};
    absl::StatusOr<Condition> condition = Expression(0, false);
    if (!condition.ok()) return condition.status();
    if (!AtEnd()) return Expected(at_, "AND, OR, a comparison or the end", "a ')' that closes nothing");
    SqlCondition written;
    Write(*condition, written);
    return written;
  }

 private:
  absl::Status RefuseNonText() const {
    for (std::size_t i = 0; i < text_.size();) {
      const std::size_t length = Utf8SequenceLength(text_.substr(i));
      const auto byte = static_cast<unsigned char>(text_[i]);
      if (length == 0) return Expected(i, "UTF-8", codec::ShowCharacterAt(text_, i));
      if ((byte < 0x20 && !IsBlankAt(i)) || byte == 0x7f) return Expected(i, "no control character", codec::ShowCharacterAt(text_, i));
      i += length;
    }
    return absl::OkStatus();
  }

  // Of each of these `negated` asks for the opposite of what is read (De Morgan), and `depth` counts open parentheses.
  //
  // AIP-160's `expression` and `sequence`: both are conjunctions of factors.
  absl::StatusOr<Condition> Expression(std::size_t depth, bool negated) {
    std::vector<Condition> factors;
    while (true) {
      absl::StatusOr<Condition> factor = Factor(depth, negated);
      if (!factor.ok()) return factor;
      factors.push_back(*std::move(factor));
      if (AtEnd() || IsAt(')')) return Combine(std::move(factors), !negated);
      if (TakeKeyword("AND")) SkipBlanks();
    }
  }

  absl::StatusOr<Condition> Factor(std::size_t depth, bool negated) {
    std::vector<Condition> terms;
    while (true) {
      absl::StatusOr<Condition> term = Term(depth, negated);
      if (!term.ok()) return term;
      terms.push_back(*std::move(term));
      if (!AtEnd() && !IsBlankAt(at_) && !IsAt(')')) return Expected(at_, "a blank, ')' or the end", codec::ShowCharacterAt(text_, at_));
      SkipBlanks();
      if (!TakeKeyword("OR")) return Combine(std::move(terms), negated);
      SkipBlanks();
    }
  }

  absl::StatusOr<Condition> Term(std::size_t depth, bool negated) {
    if (IsAt('-')) {
      ++at_;
      negated = !negated;
    } else if (TakeKeyword("NOT")) {
      SkipBlanks();
      negated = !negated;
    }
    return IsAt('(') ? Parenthesised(depth + 1, negated) : Comparison(negated);
  }

  absl::StatusOr<Condition> Parenthesised(std::size_t depth, bool negated) {
    const std::size_t opened = at_;
    if (depth > kDeepestFilter) return Error(codec::OverLimit(PlaceAt(opened), "levels of parentheses", kDeepestFilter, "one more"));
    ++at_;
    SkipBlanks();
    absl::StatusOr<Condition> inner = Expression(depth, negated);
    if (!inner.ok()) return inner;
    if (!IsAt(')')) return Expected(at_, Cat("a ')' for the '(' at ", PlaceAt(opened)), codec::ShowCharacterAt(text_, at_));
    ++at_;
    return inner;
  }

  absl::StatusOr<Condition> Comparison(bool negated) {
    const std::size_t begin = at_;
    const absl::StatusOr<const FilterField*> field = TakeField();
    if (!field.ok()) return field.status();
    SkipBlanks();
    const absl::StatusOr<std::string_view> comparator = TakeComparator(**field);
    if (!comparator.ok()) return comparator.status();
    SkipBlanks();
    const absl::StatusOr<Value> value = TakeValue(Cat((*field)->name, ' ', *comparator));
    if (!value.ok()) return value.status();
    if (++comparisons_ > kMostComparisons) return Error(codec::OverLimit(PlaceAt(begin), "comparisons", kMostComparisons, "one more"));
    return ConditionOf(**field, *comparator, *value, negated);
  }

  absl::StatusOr<const FilterField*> TakeField() {
    constexpr std::string_view kExpected = "a comparison or '('";
    const std::size_t begin = at_;
    const std::string_view name = IsAt('-') ? "" : TakeWord(kEndsName);
    if (name.empty()) return Expected(begin, kExpected, codec::ShowCharacterAt(text_, begin));
    if (Contains(kKeywords, name)) return Expected(begin, kExpected, Cat("the keyword ", name));
    std::vector<std::string_view> names;
    for (const FilterField& field : fields_) {
      if (field.name == name) return &field;
      names.push_back(field.name);
    }
    std::string capitals(name);
    for (char& c : capitals) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const std::string_view nearest = Contains(kKeywords, capitals) ? capitals : NearestOf(name, names);
    return Expected(begin, nearest.empty() ? Cat("one of the fields ", Join(names, ", ")) : "a field",
                    Cat(codec::Quoted(name), DidYouMean(nearest)));
  }

  // The comparator as it stands in kComparators, not in the filter.
  absl::StatusOr<std::string_view> TakeComparator(const FilterField& field) {
    const std::size_t begin = at_;
    while (!AtEnd() && std::string_view("=!<>:").find(text_[at_]) != std::string_view::npos) ++at_;
    const std::string_view found = text_.substr(begin, at_ - begin);
    const std::span<const std::string_view> allowed = ComparatorsOf(field.type);
    if (const auto known = std::find(allowed.begin(), allowed.end(), found); known != allowed.end()) return *known;
    const bool negated_has = field.type == FieldType::kHas && found == "!=";
    return Expected(begin, Cat("one of ", Join(allowed, " "), " after ", codec::Quoted(field.name)),
                    Cat(found.empty() ? codec::ShowCharacterAt(text_, begin) : codec::Quoted(found),
                        negated_has ? "; write NOT in front of the comparison" : ""));
  }

  absl::StatusOr<Value> TakeValue(std::string_view after) {
    Value value{at_, {}, {}};
    if (IsAt('"') || IsAt('\'')) {
      if (absl::Status status = TakeQuoted(value); !status.ok()) return status;
      return value;
    }
    value.text = TakeWord(kEndsValue);
    if (value.text.empty()) return Expected(at_, Cat("a value after ", codec::Quoted(after)), codec::ShowCharacterAt(text_, at_));
    if (Contains(kKeywords, value.text)) {
      return Expected(value.at, Cat("a value after ", codec::Quoted(after)),
                      Cat("the keyword ", value.text, "; put it in quotes if it is one"));
    }
    for (std::size_t i = 0; i < value.text.size(); ++i) {
      if (value.text[i] == '*') value.wildcards.push_back(i);
    }
    return value;
  }

  absl::Status TakeQuoted(Value& value) {
    const char quote = text_[at_++];
    for (; !AtEnd() && !IsAt(quote); ++at_) {
      if (IsAt('\\')) {
        ++at_;
        if (AtEnd() || std::string_view("\\\"'*").find(text_[at_]) == std::string_view::npos) {
          return Expected(at_, R"(one of \ " ' * after a backslash)", codec::ShowCharacterAt(text_, at_));
        }
      } else if (IsAt('*')) {
        value.wildcards.push_back(value.text.size());
      }
      value.text.push_back(text_[at_]);
    }
    if (AtEnd()) return Expected(at_, Cat("a ", quote, " for the one at ", PlaceAt(value.at)), codec::ShowCharacterAt(text_, at_));
    ++at_;
    return absl::OkStatus();
  }

  absl::StatusOr<Condition> ConditionOf(const FilterField& field, std::string_view comparator, const Value& value, bool negated) const {
    ASSAY_CHECK(std::count(field.column.begin(), field.column.end(), '?') == (field.type == FieldType::kHas ? 1 : 0));
    absl::StatusOr<SqlValue> parameter = ParameterOf(field, comparator, value);
    if (!parameter.ok()) return parameter.status();
    const bool ordering = comparator.front() == '<' || comparator.front() == '>';
    if (comparator == "!=") negated = !negated;
    std::string sql;
    if (field.type == FieldType::kHas) {
      sql = field.column;
    } else if (ordering) {
      sql = Cat(field.column, ' ', comparator, " ?");
    } else if (field.type == FieldType::kText && !value.wildcards.empty()) {
      sql = Cat(field.column, " GLOB ?");
    } else {
      // = and != for which NULL is a value like others (https://sqlite.org/lang_expr.html#isisnot)
      return Condition{Cat(field.column, negated ? " IS NOT ?" : " IS ?"), *std::move(parameter), {}};
    }
    // SQL's NOT of NULL, such as an ordering without a value, would be NULL again.
    return Condition{negated ? Cat('(', sql, ") IS NOT TRUE") : sql, *std::move(parameter), {}};
  }

  absl::StatusOr<SqlValue> TextOf(const FilterField& field, std::string_view comparator, const Value& value) const {
    if (value.wildcards.empty()) return SqlValue(value.text);
    constexpr std::string_view kRemedy = R"(; in quotes, \* stands for the character itself)";
    const bool equality = comparator == "=" || comparator == "!=" || comparator == ":";
    if (field.type == FieldType::kHas || !equality) {
      return Expected(value.at, Cat("no * in a value after ", codec::Quoted(Cat(field.name, ' ', comparator))),
                      Cat(codec::Quoted(value.text), kRemedy));
    }
    for (const std::size_t i : value.wildcards) {
      if (i == 0 || i + 1 == value.text.size()) continue;
      return Expected(value.at, "a * at the ends of the value only", Cat(codec::Quoted(value.text), kRemedy));
    }
    return SqlValue(GlobOf(value));
  }

  absl::StatusOr<SqlValue> ParameterOf(const FilterField& field, std::string_view comparator, const Value& value) const {
    std::string expected, hint;
    switch (field.type) {
      case FieldType::kText:
      case FieldType::kHas: return TextOf(field, comparator, value);
      case FieldType::kTime:
        if (const auto time = TimeOf(value.text)) return SqlValue(std::int64_t{time->time_since_epoch().count()});
        expected = "a time such as 2026-11-24T02:00:00Z or 2026-11-24T03:00:00+01:00";
        break;
      case FieldType::kBool:
        if (value.text == "true" || value.text == "false") return SqlValue(std::int64_t{value.text == "true" ? 1 : 0});
        expected = "true or false";
        break;
      case FieldType::kHex:
        if (auto bytes = FromHex(value.text)) return SqlValue(*std::move(bytes));
        expected = "hexadecimal digits, two a byte";
        break;
      case FieldType::kEnum: {
        std::vector<std::string_view> names;
        for (const auto& [name, integer] : field.values) {
          if (name == value.text) return SqlValue(integer);
          names.push_back(name);
        }
        expected = Cat("one of ", Join(names, ", "));
        hint = DidYouMean(NearestOf(value.text, names));
        break;
      }
    }
    return Expected(value.at, Cat(expected, " for ", codec::Quoted(field.name)), Cat(codec::Quoted(value.text), hint));
  }

  // --- characters ----------------------------------------------------------------------------------------------------

  bool AtEnd() const { return at_ == text_.size(); }
  bool IsAt(char c) const { return !AtEnd() && text_[at_] == c; }
  bool IsBlankAt(std::size_t at) const { return kBlanks.find(text_[at]) != std::string_view::npos; }
  void SkipBlanks() {
    while (!AtEnd() && IsBlankAt(at_)) ++at_;
  }

  std::string_view TakeWord(std::string_view ends) {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(ends, begin), text_.size());
    return text_.substr(begin, at_ - begin);
  }
  bool TakeKeyword(std::string_view keyword) {
    const std::size_t begin = at_;
    if (TakeWord(kEndsName) == keyword) return true;
    at_ = begin;
    return false;
  }

  std::string PlaceAt(std::size_t at) const { return codec::ShowPlace(kFilter, codec::PlaceOf(text_, at)); }
  static absl::Status Error(const Finding& finding) { return absl::InvalidArgumentError(codec::MessageOf(finding)); }
  absl::Status Expected(std::size_t at, std::string_view expected, std::string_view found) const {
    return Error(codec::SyntaxError(PlaceAt(at), std::string(expected), std::string(found)));
  }

  const std::string_view text_;
  const std::span<const FilterField> fields_;
  std::size_t at_ = 0;
  std::size_t comparisons_ = 0;
};

}  // namespace

absl::StatusOr<SqlCondition> ParseFilter(std::string_view filter, std::span<const FilterField> fields) {
  return FilterParser(filter, fields).Parse();
}

}  // namespace assay::store

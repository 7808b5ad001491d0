#include "codec/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/repeated_name.h"
#include "codec/syntax_error.h"

namespace assay::yaml {
namespace {

// Leaves yaml-cpp, whose events have no other way to stop. Of no base class, so that nothing there can catch it by one.
struct Refusal {
  Finding finding;
};

// The file as lines, for what the events do not tell: how a scalar was written, and whether a place exists.
class Source {
 public:
  explicit Source(std::string_view text) {
    for (;;) {
      const std::size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines_.push_back(line);
      if (end == text.npos) return;
      text.remove_prefix(end + 1);
    }
  }

  // From that place to the end of its line; empty if there is no such place.
  std::string_view From(std::size_t line, std::size_t column) const {
    if (line < 1 || line > lines_.size() || column < 1 || column > lines_[line - 1].size()) return {};
    return lines_[line - 1].substr(column - 1);
  }
  const std::vector<std::string_view>& lines() const { return lines_; }

 private:
  std::vector<std::string_view> lines_;
};

// A quoted scalar that ends on the line it begins on. yaml-cpp takes a missing quote at the end of the file for a
// quote.
bool ClosesOnItsLine(std::string_view from_quote) {
  const char quote = from_quote.front();
  for (std::size_t i = 1; i < from_quote.size(); ++i) {
    if (from_quote[i] == '\\' && quote == '"') ++i;
    else if (from_quote[i] == quote && quote == '\'' && from_quote.substr(i + 1).starts_with('\'')) ++i;
    else if (from_quote[i] == quote) return true;
  }
  return false;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Source& source, std::shared_ptr<const std::string> file, const Limits& limits)
      : source_(source), file_(std::move(file)), limits_(limits) {}

  bool has_document() const { return documents_ > 0; }
  Node TakeRoot() { return std::move(root_); }
  Position PositionOf(const YAML::Mark& mark) const {
    return {file_, static_cast<std::size_t>(std::max(mark.line, 0)) + 1, static_cast<std::size_t>(std::max(mark.column, 0)) + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refusal{ErrorAt(PositionOf(mark), "one document", "another one")};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchor(mark, anchor);
    Node node;
    node.position = PositionOf(mark);
    if (AwaitsKey()) throw Refusal{ErrorAt(node.position, "a key", "nothing")};
    // For a value that is not there yaml-cpp names the token after it. A message has to point at where it should stand.
    const bool written = IsNullWord(source_.From(node.position.line, node.position.column));
    if (!written && !open_.empty() && open_.back()->kind == Kind::kMapping) node.position = open_.back()->members.back().key_position;
    if (!written && open_.empty()) node.position = {file_, 1, 1};
    Place(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refusal{ErrorAt(PositionOf(mark), "a value", "an alias, which policy files may not have")};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    RefuseAnchor(mark, anchor);
    const Position position = PositionOf(mark);
    const std::string_view written = source_.From(position.line, position.column);
    // yaml-cpp tags plain scalars "?" and all others "!"; an explicit `!` looks like the latter, but for what is
    // written.
    const bool was_quoted = tag == "!";
    const char first = written.empty() ? '\0' : written.front();
    const bool block = first == '|' || first == '>';
    if ((tag != "?" && tag != "!") || (was_quoted && !block && first != '"' && first != '\'')) RefuseTag(mark);
    if (was_quoted && !block && !ClosesOnItsLine(written)) {
      throw Refusal{ErrorAt(position, "the closing quote on the same line", "none")};
    }
    if (!was_quoted && !written.starts_with(value)) {
      throw Refusal{ErrorAt(position, "a plain value on one line", Cat(codec::Quoted(value), " over several"))};
    }
    if (AwaitsKey()) return AddKey(position, value, was_quoted);
    Node node;
    node.kind = Kind::kScalar;
    node.text = value;
    node.was_quoted = was_quoted;
    node.position = position;
    Place(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(Kind::kMapping, mark, tag, anchor);
  }
  void OnMapEnd() override {
    const std::vector<Member>& members = open_.back()->members;
    if (const auto repeated = codec::FirstRepeated(members, [](const Member& member) -> std::string_view { return member.key; })) {
      const Member& again = members[*repeated];
      const Member& first = *std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.key == again.key; });
      throw Refusal{
          ErrorAt(again.key_position, "each key once", Cat(codec::Quoted(again.key), " again, first at line ", first.key_position.line))};
    }
    open_.pop_back();
  }

 private:
  // A mapping whose last key has its value, or that has no key yet.
  bool AwaitsKey() const { return !open_.empty() && open_.back()->kind == Kind::kMapping && !has_key_; }

  static bool IsNullWord(std::string_view written) {
    return written.starts_with('~') || written.starts_with("null") || written.starts_with("Null") || written.starts_with("NULL");
  }

  void RefuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) throw Refusal{ErrorAt(PositionOf(mark), "a value", "an anchor, which policy files may not have")};
  }
  [[noreturn]] void RefuseTag(const YAML::Mark& mark) const {
    throw Refusal{ErrorAt(PositionOf(mark), "a value", "a tag, which policy files may not have")};
  }

  void Count(const Position& position) {
    if (++nodes_ > limits_.nodes) throw Refusal{codec::OverLimit(position.Show(), "nodes", limits_.nodes, "one more")};
  }

  void AddKey(const Position& position, const std::string& key, bool was_quoted) {
    Count(position);
    if (key == "<<" && !was_quoted) throw Refusal{ErrorAt(position, "a key", "a merge key, which policy files may not have")};
    open_.back()->members.push_back({key, position, {}});
    has_key_ = true;
  }

  // Puts the node where the events have got to. What is open stays where it is: only its last child's vector grows.
  Node& Place(Node node) {
    Count(node.position);
    Node* place = &root_;
    if (!open_.empty()) {
      Node& parent = *open_.back();
      place = parent.kind == Kind::kMapping ? &parent.members.back().value : &parent.elements.emplace_back();
      has_key_ = false;
    }
    *place = std::move(node);
    return *place;
  }

  void Open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    RefuseAnchor(mark, anchor);
    if (!tag.empty() && tag != "?") RefuseTag(mark);
    Node node;
    node.kind = kind;
    node.position = PositionOf(mark);
    if (AwaitsKey()) throw Refusal{ErrorAt(node.position, "a key that is a scalar", Describe(node))};
    if (open_.size() == limits_.depth) {
      throw Refusal{codec::OverLimit(node.position.Show(), "levels of nesting", limits_.depth, "one more")};
    }
    open_.push_back(&Place(std::move(node)));
    has_key_ = false;
  }

  const Source& source_;
  const std::shared_ptr<const std::string> file_;
  const Limits& limits_;
  Node root_;
  std::vector<Node*> open_;  // from the root to where the events have got to
  bool has_key_ = false;     // the innermost mapping has a key that waits for its value
  std::size_t documents_ = 0;
  std::size_t nodes_ = 0;
};

// What yaml-cpp would swallow, guess at or read as something else.
std::optional<Finding> RefuseBytes(std::string_view text, std::string_view file) {
  const auto refuse = [&](std::size_t offset, std::string expected, std::string actual) {
    return codec::SyntaxError(codec::ShowPlace(file, codec::PlaceOf(text, offset)), std::move(expected), std::move(actual));
  };
  bool indenting = true;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = Utf8SequenceLength(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::string_view character = text.substr(i, length);
    if (length == 0) return refuse(i, "valid UTF-8", codec::ShowCharacterAt(text, i));
    if (character == "\xef\xbb\xbf") return refuse(i, "UTF-8 without a byte order mark", "one");
    const bool line_end = byte == '\n' || (byte == '\r' && text.substr(i + 1).starts_with('\n'));
    const bool c1 = length == 2 && byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if ((byte < 0x20 && byte != '\t' && !line_end) || byte == 0x7f || c1) {
      return refuse(i, "no control characters", codec::ShowCharacterAt(text, i));
    }
    if (byte == '\t' && indenting) return refuse(i, "blanks for indentation", "a tab");
    indenting = byte == '\n' || (indenting && byte == ' ');
    if (byte == '%' && (i == 0 || text[i - 1] == '\n')) return refuse(i, "no directive", "'%' at the start of a line");
    i += length;
  }
  return std::nullopt;
}

}  // namespace

std::string Position::Show() const {
  return codec::ShowPlace(file == nullptr ? std::string_view("yaml") : std::string_view(*file), {line, column});
}

const Node* Node::Find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(), [key](const Member& member) { return member.key == key; });
  return found == members.end() ? nullptr : &found->value;
}

Outcome<Node> Parse(std::string_view text, std::string_view file, const Limits& limits) {
  if (text.size() > limits.bytes) return codec::OverLimit(std::string(file), "bytes", limits.bytes, Cat(text.size(), " bytes"));
  if (auto refused = RefuseBytes(text, file)) return *std::move(refused);
  const Source source(text);
  TreeBuilder builder(source, std::make_shared<const std::string>(file), limits);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
  } catch (Refusal& refusal) { return std::move(refusal.finding); } catch (const YAML::Exception& error) {
    return ErrorAt(builder.PositionOf(error.mark), "well-formed YAML", Printable(error.msg, 128));
  }
  Node root = builder.TakeRoot();
  if (!builder.has_document() || root.kind == Kind::kNull) { return codec::SyntaxError(std::string(file), "a document", "nothing"); }
  return root;
}

Finding ErrorAt(const Position& position, std::string expected, std::string actual) {
  return codec::SyntaxError(position.Show(), std::move(expected), std::move(actual));
}

std::string Describe(const Node& node) {
  switch (node.kind) {
    case Kind::kNull: return "nothing";
    case Kind::kScalar: return codec::Quoted(node.text);
    case Kind::kSequence: return "a sequence";
    case Kind::kMapping: return "a mapping";
  }
  return "an unknown node";
}

namespace {

// For a scalar of the right spelling in the wrong quotes the message says so; '5' alone would puzzle.
std::string DescribeQuoting(const Node& node) {
  if (node.kind != Kind::kScalar) return Describe(node);
  return Cat(Describe(node), node.was_quoted ? " in quotes" : " without quotes");
}

bool IsPlain(const Node& node) { return node.kind == Kind::kScalar && !node.was_quoted; }

std::optional<std::uint64_t> IntegerIn(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  else if (text.size() > 1 && text.starts_with('0')) return std::nullopt;  // octal to some, decimal to others
  if (hexadecimal && text.size() > 16) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Outcome<bool> AsBool(const Node& node) {
  if (IsPlain(node) && node.text == "true") return true;
  if (IsPlain(node) && node.text == "false") return false;
  return ErrorAt(node.position, "true or false", node.was_quoted ? DescribeQuoting(node) : Describe(node));
}

Outcome<std::uint64_t> AsInteger(const Node& node) {
  const auto number = IsPlain(node) ? IntegerIn(node.text) : std::nullopt;
  if (number) return *number;
  return ErrorAt(node.position, "an integer (decimal or 0x…, 64 bits)", node.was_quoted ? DescribeQuoting(node) : Describe(node));
}

Outcome<std::string> AsString(const Node& node) {
  if (node.kind == Kind::kScalar) return node.text;
  return ErrorAt(node.position, "text", Describe(node));
}

Outcome<Bytes> AsHexString(const Node& node) {
  auto bytes = node.was_quoted ? FromHex(node.text) : std::nullopt;
  if (bytes && !bytes->empty()) return *std::move(bytes);
  return ErrorAt(node.position, "hexadecimal digits in quotes, two a byte", DescribeQuoting(node));
}

Outcome<std::span<const Node>> AsSequence(const Node& node) {
  if (node.kind == Kind::kSequence) return std::span<const Node>(node.elements);
  return ErrorAt(node.position, "a sequence", Describe(node));
}

Outcome<std::span<const Member>> AsMapping(const Node& node) {
  if (node.kind == Kind::kMapping) return std::span<const Member>(node.members);
  return ErrorAt(node.position, "a mapping", Describe(node));
}

Outcome<std::monostate> RequireKnownKeys(const Node& node, std::span<const std::string_view> known) {
  const auto members = AsMapping(node);
  if (!members) return members.findings();
  std::vector<Finding> findings;
  for (const Member& member : *members) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const std::string_view nearest = NearestOf(member.key, known);
    findings.push_back(ErrorAt(member.key_position, Cat("one of the keys ", Join(known, ", ")), codec::Quoted(member.key)));
    if (!nearest.empty()) findings.back().actual += Cat("; did you mean ", codec::Quoted(nearest), '?');
  }
  if (!findings.empty()) return findings;
  return std::monostate();
}

Outcome<const Node*> RequireKey(const Node& node, std::string_view key) {
  const auto members = AsMapping(node);
  if (!members) return members.findings();
  if (const Node* value = node.Find(key)) return value;
  return ErrorAt(node.position, Cat("the key ", codec::Quoted(key)), "no such key");
}

}  // namespace assay::yaml

// Policy-file YAML: a strict subset of YAML 1.2 in a tree that knows where everything stands.
//
// Promises: exactly one document; size, depth and number of nodes are bounded while reading. Refused with the place:
// anchors, aliases, tags, directives, merge keys, duplicate keys, keys that are no scalars, tabs as indentation, byte
// order marks, control characters and invalid UTF-8. A scalar's text is what the file says: plain and quoted scalars
// must stand on one line, because YAML's line folding silently turns a wrong indentation or a missing quote into part
// of a value (write longer text with `|` or `>`). Text is never interpreted: `no` is the text "no", and AsBool refuses
// it. No exception of the YAML library escapes.
// Does not promise: resistance to an adversary's CPU-time attacks beyond these bounds; operators write policy files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"

namespace assay::yaml {

struct Position {
  std::shared_ptr<const std::string> file;  // shared by all nodes of a document; never null in a parsed tree
  std::size_t line = 1;                     // from 1
  std::size_t column = 1;                   // from 1, in bytes

  std::string Show() const;  // "policy.yaml:12:9"
};

enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMapping };

struct Member;

struct Node {
  Kind kind = Kind::kNull;      // kNull: nothing, `~` or `null`
  std::string text;             // kScalar
  bool was_quoted = false;      // kScalar: in quotes, or a block scalar; false = plain
  Position position;            // of nothing at all: the key, or the dash, that it belongs to
  std::vector<Node> elements;   // kSequence
  std::vector<Member> members;  // kMapping, in order of the file

  const Node* Find(std::string_view key) const;  // null if absent or no mapping
};

struct Member {
  std::string key;
  Position key_position;
  Node value;
};

struct Limits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t depth = 32;       // sequences and mappings inside each other
  std::size_t nodes = 100'000;  // keys included
};

// `file` is the name shown in messages.
Outcome<Node> Parse(std::string_view text, std::string_view file, const Limits& limits = {});

// The node as what the caller needs, or a finding such as "policy.yaml:12:9: expected true or false, found 'yes'"
// (codec::MessageOf).
Outcome<bool> AsBool(const Node& node);                       // plain true or false
Outcome<std::uint64_t> AsInteger(const Node& node);           // plain, decimal without leading zeros, or 0x and 1 to 16 digits
Outcome<std::string> AsString(const Node& node);              // any scalar, as it stands
Outcome<Bytes> AsHexString(const Node& node);                 // quoted, an even number of digits, at least two
Outcome<std::span<const Node>> AsSequence(const Node& node);  // views into the node
Outcome<std::span<const Member>> AsMapping(const Node& node);

// Every finding for a member of the mapping `node` whose key is not in `known`, with the nearest known key.
Outcome<std::monostate> RequireKnownKeys(const Node& node, std::span<const std::string_view> known);
inline Outcome<std::monostate> RequireKnownKeys(const Node& node, std::initializer_list<std::string_view> known) {
  return RequireKnownKeys(node, std::span<const std::string_view>(known.begin(), known.size()));
}
// The member's value, or a finding at the mapping that names the key.
Outcome<const Node*> RequireKey(const Node& node, std::string_view key);

// A finding at a place of the file, for rules that the loader of a document adds.
Finding ErrorAt(const Position& position, std::string expected, std::string actual);
// What a node is, for the `actual` of a finding: "'yes'", "a mapping", "nothing".
std::string Describe(const Node& node);

}  // namespace assay::yaml

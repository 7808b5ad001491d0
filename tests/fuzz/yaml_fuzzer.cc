// Policy-file YAML: no exception escapes, bounds hold, every place named lies in the file, and a plain scalar stands
// there as the tree has it.
#include <algorithm>

#include "base/bug.h"
#include "codec/yaml.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

class TreeCheck {
 public:
  explicit TreeCheck(std::string_view text) {
    for (;;) {
      const std::size_t end = text.find('\n');
      lines_.push_back(text.substr(0, end));
      if (end == text.npos) break;
      text.remove_prefix(end + 1);
    }
  }

  void Check(const yaml::Node& node, std::size_t depth) {
    ASSAY_CHECK(depth <= yaml::Limits().depth && ++nodes_ <= yaml::Limits().nodes);
    const std::string_view written = At(node.position);
    switch (node.kind) {
      case yaml::Kind::kNull: ASSAY_CHECK(node.text.empty()); break;
      case yaml::Kind::kScalar:
        ASSAY_CHECK(node.was_quoted || written.starts_with(node.text));
        ASSAY_CHECK(!node.was_quoted || std::string_view("\"'|>").find(written.front()) != std::string_view::npos);
        break;
      case yaml::Kind::kSequence:
      case yaml::Kind::kMapping: break;
    }
    ASSAY_CHECK(node.kind == yaml::Kind::kSequence || node.elements.empty());
    ASSAY_CHECK(node.kind == yaml::Kind::kMapping || node.members.empty());
    for (const yaml::Node& element : node.elements) Check(element, depth + 1);
    for (const yaml::Member& member : node.members) {
      ASSAY_CHECK(!At(member.key_position).empty());
      ASSAY_CHECK(node.Find(member.key) == &member.value);
      Check(member.value, depth + 1);
    }
    UseAccessors(node);
  }

 private:
  std::string_view At(const yaml::Position& position) {
    ASSAY_CHECK(position.file != nullptr && position.line >= 1 && position.line <= lines_.size());
    const std::string_view line = lines_[position.line - 1];
    ASSAY_CHECK(position.column >= 1 && position.column <= line.size() + 1);
    return line.substr(position.column - 1);
  }

  static void UseAccessors(const yaml::Node& node) {
    const auto flag = yaml::AsBool(node);
    const auto integer = yaml::AsInteger(node);
    const auto hex = yaml::AsHexString(node);
    ASSAY_CHECK(flag.ok() + integer.ok() + hex.ok() <= 1);
    ASSAY_CHECK(yaml::AsString(node).ok() == (node.kind == yaml::Kind::kScalar));
    if (node.kind == yaml::Kind::kMapping) ASSAY_CHECK(yaml::RequireKnownKeys(node, {}).ok() == node.members.empty());
  }

  std::vector<std::string_view> lines_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  const Outcome<yaml::Node> root = yaml::Parse(text, "fuzz.yaml");
  if (root) TreeCheck(text).Check(*root, 0);
  else ASSAY_CHECK(root.findings().size() == 1 && root.findings().front().component.starts_with("fuzz.yaml"));
  return 0;
}

}  // namespace assay

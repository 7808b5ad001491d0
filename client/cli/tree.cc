#include "client/cli/tree.h"

#include <algorithm>
#include <string_view>

#include "base/strings.h"
#include "client/cli/text_width.h"

namespace assay::cli {
namespace {

constexpr std::size_t kWidestName = 40;  // a longer name pushes only its own value to the right

class TreeWriter {
 public:
  TreeWriter(const Style& style, std::size_t value_limit) : style_(style), value_limit_(value_limit) {}

  void Write(const trust::Description& node, std::string_view indent, std::size_t name_width) {
    const bool defect = node.name() == "defect";
    const std::string name = Padded(Printable(node.name()), node.value().empty() ? 0 : name_width);
    text_ += Cat(indent, defect ? style_.Bad(name) : node.children().empty() ? name : style_.Strong(name));
    if (!node.value().empty()) {
      // A defect is the one thing that must be readable as a whole.
      const std::size_t limit = defect ? std::string::npos : value_limit_;
      text_ += Cat("  ", Bounded(Printable(node.value(), 64 * 1024), limit));
    }
    text_ += '\n';
    std::size_t widest = 0;
    for (const trust::Description& child : node.children()) {
      if (!child.value().empty()) widest = std::max(widest, WidthOf(Printable(child.name())));
    }
    for (const trust::Description& child : node.children()) { Write(child, Cat(indent, "  "), std::min(widest, kWidestName)); }
  }

  std::string Take() { return std::move(text_); }

 private:
  const Style& style_;
  std::size_t value_limit_;
  std::string text_;
};

}  // namespace

std::string TreeText(const trust::Description& description, const Style& style, std::size_t value_limit) {
  TreeWriter writer(style, value_limit);
  writer.Write(description, "", 0);
  return writer.Take();
}

}  // namespace assay::cli

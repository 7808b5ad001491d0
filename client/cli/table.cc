#include "client/cli/table.h"

#include <algorithm>

#include "base/bug.h"
#include "base/strings.h"
#include "client/cli/text_width.h"

namespace assay::cli {
namespace {

std::string LineOf(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths, std::string_view indent) {
  std::string line(indent);
  for (std::size_t i = 0; i < cells.size(); ++i) line += Cat(i == 0 ? "" : "  ", Padded(cells[i], widths[i]));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

std::string MarkdownOf(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    line += ' ';
    for (const char c : cell) {
      if (c == '|') line += '\\';
      line += c;
    }
    line += " |";
  }
  return line + '\n';
}

}  // namespace

std::string Table::ToText(std::string_view indent) const {
  std::vector<std::size_t> widths;
  const auto measure = [&](const std::vector<std::string>& cells) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], WidthOf(cells[i]));
  };
  measure(headings_);
  for (const auto& row : rows_) measure(row);

  std::string text = headings_.empty() ? "" : LineOf(headings_, widths, indent);
  for (const auto& row : rows_) text += LineOf(row, widths, indent);
  return text;
}

std::string Table::ToMarkdown() const {
  ASSAY_CHECK(!headings_.empty());
  std::string text = MarkdownOf(headings_);
  text += MarkdownOf(std::vector<std::string>(headings_.size(), "---"));
  for (const auto& row : rows_) text += MarkdownOf(row);
  return text;
}

}  // namespace assay::cli

// Text in aligned columns, as printed for people and, with a heading row, as Markdown for docs/.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> headings = {}) : headings_(std::move(headings)) {}

  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  // Columns two blanks apart, the last one ragged; every line begins with `indent`.
  std::string ToText(std::string_view indent = "") const;
  // Needs headings. Bars in cells are escaped.
  std::string ToMarkdown() const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace assay::cli

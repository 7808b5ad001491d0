#include "tests/architecture/source_text.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace assay::architecture {
namespace {

bool IsIdentifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

int LineAt(std::string_view text, std::size_t position) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

void Blank(std::string& text, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < std::min(to, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

// Position behind the literal whose opening quote is at `open`.
std::size_t EndOfLiteral(std::string_view source, std::size_t open) {
  const char quote = source[open];
  for (std::size_t i = open + 1; i < source.size(); ++i) {
    if (source[i] == '\\') ++i;
    else if (source[i] == quote || source[i] == '\n') return i + 1;
  }
  return source.size();
}

// Position behind R"delimiter( … )delimiter" whose opening quote is at `open`.
std::size_t EndOfRawLiteral(std::string_view source, std::size_t open) {
  const std::size_t parenthesis = source.find('(', open);
  if (parenthesis == std::string_view::npos) return source.size();
  const std::string close = ")" + std::string(source.substr(open + 1, parenthesis - open - 1)) + "\"";
  const std::size_t end = source.find(close, parenthesis);
  return end == std::string_view::npos ? source.size() : end + close.size();
}

}  // namespace

SourceText Separate(std::string_view source) {
  SourceText text{std::string(source), std::string(source)};
  std::size_t i = 0;
  while (i < source.size()) {
    const std::string_view rest = source.substr(i);
    if (rest.starts_with("//") || rest.starts_with("/*")) {
      const bool line = rest[1] == '/';
      const std::size_t close = source.find(line ? "\n" : "*/", i + 2);
      const std::size_t end = close == std::string_view::npos ? source.size() : close + (line ? 0 : 2);
      Blank(text.without_comments, i, end);
      Blank(text.code, i, end);
      i = end;
    } else if (rest[0] == '"') {
      const bool raw = i > 0 && source[i - 1] == 'R' && (i < 2 || !IsIdentifier(source[i - 2]));
      const std::size_t end = raw ? EndOfRawLiteral(source, i) : EndOfLiteral(source, i);
      Blank(text.code, i + 1, end - 1);
      i = end;
    } else if (rest[0] == '\'' && (i == 0 || !IsIdentifier(source[i - 1]))) {  // else a digit separator: 1'000
      const std::size_t end = EndOfLiteral(source, i);
      Blank(text.code, i + 1, end - 1);
      i = end;
    } else {
      ++i;
    }
  }
  return text;
}

std::vector<IncludeLine> IncludesOf(const SourceText& text) {
  static const std::regex include("^[ \\t]*#[ \\t]*include[ \\t]*([<\"])([^>\"\\n]*)[>\"]");
  std::vector<IncludeLine> includes;
  std::size_t begin = 0;
  for (int line = 1; begin < text.without_comments.size(); ++line) {
    const std::size_t end = std::min(text.without_comments.find('\n', begin), text.without_comments.size());
    const std::string content = text.without_comments.substr(begin, end - begin);
    std::smatch match;
    // A '#' inside a literal is a blank in `code`.
    if (content.find("include") != std::string::npos && std::regex_search(content, match, include) &&
        text.code[begin + content.find('#')] == '#') {
      includes.push_back({line, match[2].str(), match[1].str() == "\""});
    }
    begin = end + 1;
  }
  return includes;
}

std::vector<int> LinesNaming(std::string_view code, std::string_view name) {
  std::vector<int> lines;
  for (std::size_t at = code.find(name); at != std::string_view::npos; at = code.find(name, at + 1)) {
    const std::size_t behind = at + name.size();
    if (at > 0 && IsIdentifier(code[at - 1])) continue;
    if (behind < code.size() && IsIdentifier(code[behind])) continue;
    const int line = LineAt(code, at);
    if (lines.empty() || lines.back() != line) lines.push_back(line);
  }
  return lines;
}

}  // namespace assay::architecture

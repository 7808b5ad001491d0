// Colour for a terminal. It only ever repeats what the words already say (https://no-color.org).
#pragma once

#include <string>
#include <string_view>

namespace assay::cli {

class Style {
 public:
  explicit Style(bool coloured) : coloured_(coloured) {}

  std::string Good(std::string_view text) const { return Wrap("1;32", text); }
  std::string Warning(std::string_view text) const { return Wrap("1;33", text); }
  std::string Bad(std::string_view text) const { return Wrap("1;31", text); }
  std::string Strong(std::string_view text) const { return Wrap("1", text); }
  std::string Faint(std::string_view text) const { return Wrap("2", text); }

 private:
  std::string Wrap(std::string_view code, std::string_view text) const;
  bool coloured_;
};

// Only on a terminal, and neither where NO_COLOR is set to anything nor where TERM is "dumb".
bool WantsColour(bool is_terminal, const char* no_color, const char* term);

}  // namespace assay::cli

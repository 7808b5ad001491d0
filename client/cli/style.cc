#include "client/cli/style.h"

#include "base/strings.h"

namespace assay::cli {

std::string Style::Wrap(std::string_view code, std::string_view text) const {
  if (!coloured_ || text.empty()) return std::string(text);
  return Cat("\x1b[", code, "m", text, "\x1b[0m");
}

bool WantsColour(bool is_terminal, const char* no_color, const char* term) {
  if (!is_terminal) return false;
  if (no_color != nullptr && *no_color != '\0') return false;
  return term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace assay::cli

#include "client/cli/text_width.h"

#include <algorithm>

#include "base/strings.h"

namespace assay::cli {
namespace {

bool Continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

}  // namespace

std::size_t WidthOf(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !Continues(byte); }));
}

std::string Padded(std::string_view text, std::size_t width) {
  const std::size_t used = WidthOf(text);
  return std::string(text) + std::string(used < width ? width - used : 0, ' ');
}

std::string Bounded(std::string_view text, std::size_t limit) {
  const std::size_t width = WidthOf(text);
  if (width <= limit) return std::string(text);
  std::size_t end = 0;
  for (std::size_t characters = 0; end < text.size(); ++end) {
    if (!Continues(text[end]) && characters++ == limit) break;
  }
  return Cat(text.substr(0, end), "… (", width, " characters)");
}

}  // namespace assay::cli

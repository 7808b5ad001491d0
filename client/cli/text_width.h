// Width of text in a terminal, as far as alignment needs it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace assay::cli {

// Characters, not bytes: continuation bytes of UTF-8 don't count. Colour codes do: pad before colouring.
std::size_t WidthOf(std::string_view text);
// Blanks up to `width`, none if the text is wider.
std::string Padded(std::string_view text, std::size_t width);
// At most `limit` characters, then "… (N characters)".
std::string Bounded(std::string_view text, std::size_t limit);

}  // namespace assay::cli

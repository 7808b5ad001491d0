// Joining, comparing and showing of text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

namespace assay {

namespace internal {
inline void AppendPiece(std::string& to, std::string_view piece) { to.append(piece); }
inline void AppendPiece(std::string& to, const char* piece) { to.append(piece); }
inline void AppendPiece(std::string& to, const std::string& piece) { to.append(piece); }
inline void AppendPiece(std::string& to, char piece) { to.push_back(piece); }
inline void AppendPiece(std::string& to, bool) = delete;
template <typename Number>
requires std::is_arithmetic_v<Number>
void AppendPiece(std::string& to, Number piece) { to.append(std::to_string(piece)); }
}  // namespace internal

// Text and numbers, one after the other.
template <typename... Pieces>
std::string Cat(const Pieces&... pieces) {
  std::string text;
  (internal::AppendPiece(text, pieces), ...);
  return text;
}

std::string Join(const auto& parts, std::string_view separator) {
  std::string text;
  bool first = true;
  for (const auto& part : parts) {
    if (!first) text.append(separator);
    first = false;
    text.append(part);
  }
  return text;
}

// The candidate nearest to `word` by edit distance, if near enough to be a slip of the pen; for did-you-mean messages.
std::string_view NearestOf(std::string_view word, const auto& candidates);

// Levenshtein distance; both words are cut at 64 characters.
std::size_t EditDistance(std::string_view a, std::string_view b);

std::string_view NearestOf(std::string_view word, const auto& candidates) {
  std::string_view best;
  std::size_t best_distance = word.size() / 3 + 2;
  for (const auto& candidate : candidates) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

// Bytes (1 to 4) of the well-formed UTF-8 sequence at the start of `text`; 0 if there is none (RFC 3629: no overlong
// form, no surrogate, nothing above U+10FFFF).
std::size_t Utf8SequenceLength(std::string_view text);

// Text from outside, made fit for a terminal, a log line or a finding: control characters and invalid UTF-8 shown as
// \xNN, at most `limit` bytes of it.
std::string Printable(std::string_view text, std::size_t limit = 256);

}  // namespace assay

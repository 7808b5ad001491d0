#include "codec/pem.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/syntax_error.h"

namespace assay::codec {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";

// RFC 7468 section 3: labelchar, single '-' or blank only between two of them.
bool IsLabel(std::string_view label) {
  bool last_was_character = false;
  for (const char c : label) {
    const bool separator = c == '-' || c == ' ';
    if (separator ? !last_was_character : c < '!' || c > '~') return false;
    last_was_character = !separator;
  }
  return last_was_character;
}

std::optional<std::string_view> LabelOf(std::string_view line, std::string_view start) {
  if (!line.starts_with(start) || !line.ends_with(kDashes) || line.size() < start.size() + kDashes.size()) return std::nullopt;
  const std::string_view label = line.substr(start.size(), line.size() - start.size() - kDashes.size());
  if (!IsLabel(label)) return std::nullopt;
  return label;
}

bool HoldsBoundary(std::string_view line) {
  return line.starts_with(kDashes) || line.find(kBegin) != line.npos || line.find(kEnd) != line.npos;
}

// Hands out lines without their ends (LF, CRLF or CR) and without blanks before these.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> Next() {
    if (rest_.empty()) return std::nullopt;
    ++number_;
    const std::size_t end = std::min(rest_.find_first_of("\r\n"), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end);
    rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : rest_.empty() ? 0 : 1);
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    return line;
  }
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

// Shape of one line inside a block; what four characters mean together is judged over the whole block.
bool IsBase64Line(std::string_view line) {
  while (line.ends_with('=')) line.remove_suffix(1);
  return std::all_of(line.begin(), line.end(), IsBase64Character);
}

}  // namespace

Outcome<std::vector<PemBlock>> ParsePem(std::string_view text, std::string_view name, const PemLimits& limits) {
  if (text.size() > limits.bytes) return OverLimit(std::string(name), "bytes", limits.bytes, Cat(text.size(), " bytes"));
  Lines lines(text);
  const auto here = [&] { return Cat(name, ':', lines.number()); };
  std::vector<PemBlock> blocks;
  while (const auto outside = lines.Next()) {
    if (!HoldsBoundary(*outside)) continue;
    const auto label = LabelOf(*outside, kBegin);
    if (!label) return SyntaxError(here(), "a line \"-----BEGIN label-----\"", Quoted(*outside));
    if (blocks.size() == limits.blocks) return OverLimit(here(), "PEM blocks", limits.blocks, "one more");
    const std::size_t first_line = lines.number();

    std::string base64;
    for (;;) {
      const auto line = lines.Next();
      if (!line) return SyntaxError(Cat(name, ':', first_line), Cat("a line \"-----END ", *label, "-----\""), "the end of the input");
      if (HoldsBoundary(*line)) {
        if (LabelOf(*line, kEnd) == *label) break;
        return SyntaxError(here(), Cat("\"-----END ", *label, "-----\""), Quoted(*line));
      }
      if (line->empty() || !IsBase64Line(*line)) return SyntaxError(here(), "a line of base64", Quoted(*line));
      if (base64.ends_with('=')) return SyntaxError(here(), "nothing behind the base64 padding", Quoted(*line));
      base64 += *line;
    }
    auto der = FromBase64(base64);
    if (!der) {
      return SyntaxError(Cat(name, ':', lines.number() - 1), "canonical base64 (whole groups of four, padded, spare bits zero)",
                         Cat("a block of ", base64.size(), " characters that is not"));
    }
    if (der->empty()) return SyntaxError(here(), "base64 between BEGIN and END", "nothing");
    blocks.push_back({std::string(*label), *std::move(der)});
  }
  if (blocks.empty()) return SyntaxError(std::string(name), "a PEM block", "none");
  return blocks;
}

std::string EncodePem(std::string_view label, ByteView der) {
  constexpr std::size_t kLineLength = 64;
  const std::string base64 = ToBase64(der);
  std::string text = Cat(kBegin, label, kDashes, '\n');
  for (std::size_t i = 0; i < base64.size(); i += kLineLength) {
    text += std::string_view(base64).substr(i, kLineLength);
    text += '\n';
  }
  return text += Cat(kEnd, label, kDashes, '\n');
}

}  // namespace assay::codec

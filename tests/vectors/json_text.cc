#include "tests/vectors/json_text.h"

#include "base/hex.h"
#include "base/strings.h"

namespace assay::vectors {

std::string JsonString(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += "\\u00";
      quoted += kDigits[static_cast<unsigned char>(c) >> 4];
      quoted += kDigits[static_cast<unsigned char>(c) & 0xF];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string JsonHex(ByteView bytes) { return Cat('"', ToHex(bytes), '"'); }

std::string JsonList(const std::vector<std::string>& elements) { return Cat('[', Join(elements, ","), ']'); }

std::string JsonObject(const std::map<std::string, std::string>& members) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : members) pairs.push_back(Cat(JsonString(name), ':', value));
  return Cat('{', Join(pairs, ","), '}');
}

}  // namespace assay::vectors

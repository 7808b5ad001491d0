#include "client/cli/structured_output.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "codec/json_writer.h"

namespace assay::cli {
namespace {

bool HasChildren(const json::Value& value) {
  return (value.AsObject() != nullptr && !value.AsObject()->empty()) || (value.AsArray() != nullptr && !value.AsArray()->empty());
}

// Scalars, {} and []: one token, written the same in JSON and YAML. The canonical form of a scalar is a JSON text.
std::string Token(const json::Value& value) { return *json::Canonical(value); }

void WriteJson(const json::Value& value, const std::string& indent, std::string& text) {
  if (!HasChildren(value)) {
    text += Token(value);
    return;
  }
  const std::string inner = indent + "  ";
  const bool object = value.AsObject() != nullptr;
  text += object ? "{" : "[";
  std::string_view separator = "\n";
  const auto entry = [&](std::string_view key, const json::Value& child) {
    text += Cat(separator, inner, key);
    WriteJson(child, inner, text);
    separator = ",\n";
  };
  if (object) {
    for (const json::Member& member : *value.AsObject()) entry(Cat(Token(json::Value::String(member.name)), ": "), member.value);
  } else {
    for (const json::Value& child : *value.AsArray()) entry("", child);
  }
  text += Cat("\n", indent, object ? "}" : "]");
}

// Plain only where YAML 1.1 and 1.2 both read it as a string; everything else in double quotes, whose escapes are JSON's.
bool PlainIsString(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kOtherThings = {"true", "false", "yes", "no",  "on", "off",
                                                                    "null", "y",     "n",   "inf", "nan"};
  if (text.empty()) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto safe = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-'; };
  if (!letter(text.front()) || !std::all_of(text.begin(), text.end(), safe)) return false;
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kOtherThings.begin(), kOtherThings.end(), lower) == kOtherThings.end();
}

std::string YamlToken(const json::Value& value) {
  if (const std::string* text = value.AsString(); text != nullptr && PlainIsString(*text)) return *text;
  return Token(value);
}

// `first` is what stands before the first entry: nothing if the line has begun with "- ".
void WriteYaml(const json::Value& value, const std::string& indent, std::string_view first, std::string& text) {
  if (const json::Value::Object* object = value.AsObject()) {
    for (const json::Member& member : *object) {
      text += Cat(first, YamlToken(json::Value::String(member.name)), ":");
      first = indent;
      if (HasChildren(member.value)) {
        text += '\n';
        WriteYaml(member.value, indent + "  ", indent + "  ", text);
      } else {
        text += Cat(" ", YamlToken(member.value), "\n");
      }
    }
    return;
  }
  for (const json::Value& child : *value.AsArray()) {
    text += Cat(first, "- ");
    first = indent;
    if (HasChildren(child)) WriteYaml(child, indent + "  ", "", text);
    else text += Cat(YamlToken(child), "\n");
  }
}

}  // namespace

std::optional<OutputFormat> OutputFormatNamed(std::string_view name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "json") return OutputFormat::kJson;
  if (name == "yaml") return OutputFormat::kYaml;
  if (name == "wide") return OutputFormat::kWide;
  if (name == "jsonl") return OutputFormat::kJsonLines;
  return std::nullopt;
}

std::string ToJson(const json::Value& tree) {
  std::string text;
  WriteJson(tree, "", text);
  return text + '\n';
}

std::string ToYaml(const json::Value& tree) {
  if (!HasChildren(tree)) return Cat(YamlToken(tree), "\n");
  std::string text;
  WriteYaml(tree, "", "", text);
  return text;
}

}  // namespace assay::cli

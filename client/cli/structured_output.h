// Output for programs: a JSON tree, indented, and the very same tree as YAML.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/json.h"

namespace assay::cli {

// Lists only: kWide, a table with every column; kJsonLines, one JSON object a line, as they come.
enum class OutputFormat : std::uint8_t { kTable, kJson, kYaml, kWide, kJsonLines };
std::optional<OutputFormat> OutputFormatNamed(std::string_view name);

// Members stay in their order; strings have to be valid UTF-8, integers at most 53 bits. Both end with a newline.
std::string ToJson(const json::Value& tree);
std::string ToYaml(const json::Value& tree);
inline std::string Structured(OutputFormat format, const json::Value& tree) {
  return format == OutputFormat::kYaml ? ToYaml(tree) : ToJson(tree);
}

}  // namespace assay::cli

// Values as compact JSON text, in the one form that ParseCaseFile gives to expected values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace assay::vectors {

inline std::string JsonFlag(bool value) { return value ? "true" : "false"; }
inline std::string JsonNumber(std::uint64_t value) { return std::to_string(value); }
std::string JsonString(std::string_view text);                              // UTF-8
std::string JsonHex(ByteView bytes);                                        // lower case
std::string JsonList(const std::vector<std::string>& elements);             // elements are JSON text already
std::string JsonObject(const std::map<std::string, std::string>& members);  // values are JSON text already

}  // namespace assay::vectors

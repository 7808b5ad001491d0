// Values of the claims that RFC 7519 section 4.1 registers, as several kinds of token have them.
//
// Promises: nullopt for whatever is not of the form. Does not promise: anything about what they say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.h"

namespace assay::token {

inline constexpr std::int64_t kLatestDate = 253'402'300'799;  // the last second of the year 9999
inline constexpr std::string_view kDateForm = "seconds since 1970 as an integer, up to the year 9999";
std::optional<std::int64_t> DateFrom(const json::Value& value);

inline constexpr std::size_t kMostAudiences = 16;
inline constexpr std::string_view kAudienceForm = "a text, or 1 to 16 texts, none of them empty";
std::optional<std::vector<std::string>> AudienceFrom(const json::Value& value);

}  // namespace assay::token

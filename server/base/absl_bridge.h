// The bridge between std and Abseil strings: Debian's absl::string_view is a type of its own.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace assay {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }
inline std::string_view MessageOf(const absl::Status& status) { return FromAbsl(status.message()); }

}  // namespace assay

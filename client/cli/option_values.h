// Values of options, from text to type. Every error names the option, what was expected, what was given, and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "trust/challenge.h"

namespace assay::cli {

absl::StatusOr<Time> ParseAtOption(std::string_view text);
absl::StatusOr<ByteArray<64>> ParseReportDataOption(std::string_view text);
absl::StatusOr<Bytes> ParseNonceOption(std::string_view text);              // 1 to 64 bytes
absl::StatusOr<std::uint32_t> ParseTpmHandleOption(std::string_view text);  // "0x81000000" to "0x81FFFFFF"

// What was demanded of the evidence. At most one of the four; none: freshness is skipped, and that was not accepted.
struct FreshnessOptions {
  std::optional<std::string> nonce = {};
  std::optional<std::string> report_data = {};
  bool no_freshness = false;
  std::optional<std::string> transcript = {};  // file of a binding transcript: gives both values, and the keys that they commit to
};
absl::StatusOr<trust::Challenge> ChallengeOf(const FreshnessOptions& options);

}  // namespace assay::cli

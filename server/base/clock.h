// Time as a value. Only the composition roots own a Clock; below service/ time is an argument of type Time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

// Wall-clock time in UTC, whole seconds: the resolution of every certificate, CRL and policy date.
using Time = std::chrono::sys_seconds;
using Duration = std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time Now() const override;
};

// RFC 3339, UTC only: "2026-11-24T02:00:00Z". Parsing is strict: this form, real calendar dates, years 1950 to 9999.
std::string FormatTime(Time time);
std::optional<Time> ParseTime(std::string_view text);

// "90s", "10m", "1h", "7d": one positive decimal number and one unit. "1h30m" is written as "90m".
std::optional<Duration> ParseDuration(std::string_view text);
std::string FormatDuration(Duration duration);

}  // namespace assay

// Structured log: one JSON object a line.
//
//   log.Warning("challenge refused", {{"peer", address}, {"waited_seconds", 3}});
//   {"time":"2026-11-24T02:00:00Z","level":"warning","message":"challenge refused","peer":"…","waited_seconds":3}
//
// Promises: messages and keys are constants of the source (anything else does not compile), so that they can be
// searched and counted, and nothing from outside can forge one; a value is printable, bounded (kMaxLogValue bytes
// before escaping) and never ends its line; lines of several threads are never mixed; every line is flushed.
//
// Does not promise: that the stream took the line (there is no better place to report that to), or that keys of one
// line differ. Secrets are for the caller to leave out.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace assay::telemetry {

inline constexpr std::size_t kMaxLogValue = 256;

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
std::string_view NameOf(LogLevel level);                       // "debug", "info", "warning", "error"
std::optional<LogLevel> ParseLogLevel(std::string_view text);  // these names only

// What happened, without any value: 1 to 120 characters of printable ASCII, without `"` and `\`.
class LogMessage {
 public:
  template <std::size_t N>
  consteval LogMessage(const char (&text)[N]) : text_(text, N - 1) {  // NOLINT(google-explicit-constructor)
    if (text_.empty() || text_.size() > 120) throw "a log message has 1 to 120 characters";
    for (const char c : text_) {
      if (c < ' ' || c > '~' || c == '"' || c == '\\') throw "a log message is plain ASCII without quotes";
    }
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// Name of a value: snake_case, and none of the three that every line has.
class LogKey {
 public:
  template <std::size_t N>
  consteval LogKey(const char (&text)[N]) : text_(text, N - 1) {  // NOLINT(google-explicit-constructor)
    if (text_.empty() || text_.size() > 40) throw "a log key has 1 to 40 characters";
    for (const char c : text_) {
      if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') throw "a log key is snake_case";
    }
    if (text_ == "time" || text_ == "level" || text_ == "message") throw "every line has this key already";
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// One value under its key, already in JSON.
class LogField {
 public:
  LogField(LogKey key, std::string_view value);
  LogField(LogKey key, Time value);
  LogField(LogKey key, std::same_as<bool> auto value) : key_(key), json_(value ? "true" : "false") {}
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>) LogField(LogKey key, Integer value)
      : key_(key), json_(std::to_string(value)) {}

  std::string_view key() const { return key_.text(); }
  std::string_view json() const { return json_; }

 private:
  LogKey key_;
  std::string json_;
};

class Log {
 public:
  using Fields = std::initializer_list<LogField>;

  // `out` and `clock` must outlive the log. Lines below `least` are not written.
  Log(std::ostream& out, const Clock& clock, LogLevel least = LogLevel::kInfo);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Debug(LogMessage message, Fields fields = {}) { Write(LogLevel::kDebug, message, fields); }
  void Info(LogMessage message, Fields fields = {}) { Write(LogLevel::kInfo, message, fields); }
  void Warning(LogMessage message, Fields fields = {}) { Write(LogLevel::kWarning, message, fields); }
  void Error(LogMessage message, Fields fields = {}) { Write(LogLevel::kError, message, fields); }

  void Write(LogLevel level, LogMessage message, Fields fields);

 private:
  const Clock& clock_;
  const LogLevel least_;
  std::mutex mutex_;
  std::ostream& out_;  // guarded by mutex_
};

}  // namespace assay::telemetry

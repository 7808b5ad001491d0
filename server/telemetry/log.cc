#include "telemetry/log.h"

#include <array>

#include "base/strings.h"

namespace assay::telemetry {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

// Printable() leaves these two as the only characters that JSON wants escaped (RFC 8259, section 7).
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : Printable(text, kMaxLogValue)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

}  // namespace

std::string_view NameOf(LogLevel level) { return kLevelNames[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> ParseLogLevel(std::string_view text) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (text == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

LogField::LogField(LogKey key, std::string_view value) : key_(key), json_(Quoted(value)) {}
LogField::LogField(LogKey key, Time value) : LogField(key, std::string_view(FormatTime(value))) {}

Log::Log(std::ostream& out, const Clock& clock, LogLevel least) : clock_(clock), least_(least), out_(out) {}

void Log::Write(LogLevel level, LogMessage message, Fields fields) {
  if (level < least_) return;
  std::string line =
      Cat(R"({"time":")", FormatTime(clock_.Now()), R"(","level":")", NameOf(level), R"(","message":")", message.text(), '"');
  for (const LogField& field : fields) line += Cat(",\"", field.key(), "\":", field.json());
  line += "}\n";

  const std::lock_guard lock(mutex_);
  out_.clear();  // a stream that failed once, for want of disk space say, is tried again
  out_.write(line.data(), static_cast<std::streamsize>(line.size()));
  out_.flush();
}

}  // namespace assay::telemetry

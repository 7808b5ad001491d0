#include "collateral/manners.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/bytes.h"
#include "base/strings.h"

namespace assay::collateral {
namespace {

// Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 section 5.6.7, IMF-fixdate)
std::optional<Time> HttpDate(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[7] != ' ' || text[11] != ' ' || text[16] != ' ') {
    return std::nullopt;
  }
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  const auto number = static_cast<std::size_t>(month - kMonths.begin()) + 1;
  return ParseTime(Cat(text.substr(12, 4), "-", number < 10 ? "0" : "", number, "-", text.substr(5, 2), "T", text.substr(17, 8), "Z"));
}

// From 0 up to, and without, 1.
double Chance(Random& random) {
  ByteArray<4> bytes{};
  random.Fill(bytes);
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return static_cast<double>(number) / 4294967296.0;
}

}  // namespace

std::string_view NameOf(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed: return "closed";
    case BreakerState::kHalfOpen: return "half_open";
    case BreakerState::kOpen: return "open";
  }
  return "unknown";
}

std::optional<Milliseconds> RetryAfter(std::string_view header, Time now) {
  while (!header.empty() && (header.back() == ' ' || header.back() == '\t')) header.remove_suffix(1);
  while (!header.empty() && (header.front() == ' ' || header.front() == '\t')) header.remove_prefix(1);
  if (header.empty()) return std::nullopt;
  if (std::all_of(header.begin(), header.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
    if (error != std::errc() || seconds > 3600) return kLongestPause;
    return std::chrono::seconds(seconds);
  }
  const auto date = HttpDate(header);
  if (!date) return std::nullopt;
  return std::clamp<Milliseconds>(*date - now, Milliseconds(0), kLongestPause);
}

Milliseconds Backoff(unsigned attempt, Milliseconds first, Milliseconds most, Random& random) {
  const double whole =
      std::min(static_cast<double>(most.count()), static_cast<double>(first.count()) * std::pow(2.0, std::min(attempt, 30U)));
  return Milliseconds(static_cast<Milliseconds::rep>(whole * (0.5 + 0.5 * Chance(random))));
}

double Manners::TokensAt(Moment now) const {
  if (!refilled_) return burst_;
  return std::min(burst_, tokens_ + per_second_ * std::chrono::duration<double>(now - *refilled_).count());
}

Moment Manners::Earliest(Moment now) const {
  Moment earliest = now;
  for (const auto& until : {pause_, open_}) {
    if (until) earliest = std::max(earliest, *until);
  }
  const double lacking = 1 - TokensAt(earliest);
  // Up to a whole tick later: never a moment too early.
  if (lacking > 1e-9) earliest += Milliseconds(static_cast<Milliseconds::rep>(std::ceil(lacking / per_second_ * 1000)));
  return earliest;
}

void Manners::Take(Moment now) {
  tokens_ = TokensAt(now) - 1;
  refilled_ = now;
}

void Manners::Answered() {
  failures_ = opened_ = throttled_ = 0;
  open_.reset();
}

void Manners::Throttled(Moment now, std::optional<Milliseconds> retry_after, Random& random) {
  const Milliseconds own = Backoff(throttled_++, kFirstThrottle, kLongestThrottle, random);
  // Who was given a time comes a little later than that: others were given the same.
  pause_ = now + (retry_after ? *retry_after + Backoff(0, *retry_after / 10, *retry_after / 10, random) : own);
}

void Manners::Failed(Moment now, std::optional<Milliseconds> retry_after, Random& random) {
  if (retry_after) pause_ = now + *retry_after;
  if (++failures_ >= kFailuresToOpen) open_ = now + Backoff(opened_++, kFirstOpen, kLongestOpen, random);
}

BreakerState Manners::breaker(Moment now) const {
  if (!open_) return BreakerState::kClosed;
  return now < *open_ ? BreakerState::kOpen : BreakerState::kHalfOpen;
}

Milliseconds Manners::TimeFor(std::size_t more) const {
  return Milliseconds(static_cast<Milliseconds::rep>(std::min(1e12, static_cast<double>(more) / per_second_ * 1000)));
}

}  // namespace assay::collateral

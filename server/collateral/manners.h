// How often, and how soon again, an upstream is asked: token bucket, Retry-After, circuit breaker, backoff with jitter. Time and
// randomness are arguments.
//
// Promises: never more than burst + rate · t requests in any time t; none before an upstream's own Retry-After is over, none but one
// trial in a while at an upstream that failed several times in a row. For one thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "collateral/keeper.h"
#include "collateral/upstream.h"

namespace assay::collateral {

std::string_view NameOf(BreakerState state);  // "closed", "half_open", "open"

// What an upstream says in Retry-After (RFC 9110 section 10.2.3): seconds, or a date. nullopt: nothing that can be understood. At most
// kLongestPause, so that nobody is silenced for ever.
inline constexpr Milliseconds kLongestPause{3'600'000};
std::optional<Milliseconds> RetryAfter(std::string_view header, Time now);

// `first`, doubled with each further attempt up to `most`; of that between a half and the whole, by chance.
Milliseconds Backoff(unsigned attempt, Milliseconds first, Milliseconds most, Random& random);

class Manners {
 public:
  static constexpr unsigned kFailuresToOpen = 5;  // in a row
  static constexpr Milliseconds kFirstOpen{30'000}, kLongestOpen{600'000};
  static constexpr Milliseconds kFirstThrottle{10'000}, kLongestThrottle{600'000};

  Manners(double per_minute, double burst) : per_second_(per_minute / 60), burst_(burst), tokens_(burst) {}

  // When the next request may begin: now, or later.
  Moment Earliest(Moment now) const;
  // One begins; not before Earliest.
  void Take(Moment now);

  void Answered();                                                                      // well, or that it has no such document
  void Throttled(Moment now, std::optional<Milliseconds> retry_after, Random& random);  // too many requests
  void Failed(Moment now, std::optional<Milliseconds> retry_after, Random& random);     // no answer, or a bad one

  BreakerState breaker(Moment now) const;
  // How long `more` further requests take, in the long run.
  Milliseconds TimeFor(std::size_t more) const;

 private:
  double TokensAt(Moment now) const;

  const double per_second_, burst_;
  double tokens_;
  std::optional<Moment> refilled_;  // unset: full
  std::optional<Moment> pause_;     // none before
  std::optional<Moment> open_;      // breaker: none before, one trial afterwards
  unsigned failures_ = 0, opened_ = 0, throttled_ = 0;
};

}  // namespace assay::collateral

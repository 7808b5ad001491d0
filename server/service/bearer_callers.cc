#include "service/bearer_callers.h"

#include <algorithm>

#include "base/strings.h"
#include "service/authorization.h"

namespace assay::service {
namespace {

constexpr std::string_view kScheme = "bearer ";

Finding Unauthenticated(std::string claim, std::string expected, std::string actual) {
  return {.reason = Reason::kUnauthenticated,
          .component = "authorization",
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

// RFC 9110 section 11.1: the scheme's case does not matter.
bool HasScheme(std::string_view value) {
  return value.size() >= kScheme.size() && std::equal(kScheme.begin(), kScheme.end(), value.begin(),
                                                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b); });
}

}  // namespace

BearerCallers::BearerCallers(const v1::Oidc& config, ProviderKeys& keys, const Clock& clock)
    : expectation_{.issuer = config.issuer(),
                   .audience = config.audience(),
                   .subject_claim = config.subject_claim(),
                   .longest = *ParseDuration(config.max_lifetime())},
      keys_(keys),
      clock_(clock) {}

std::variant<TokenCaller, Finding> BearerCallers::Authenticate(const std::vector<std::string_view>& authorization) const {
  if (authorization.size() != 1) return Unauthenticated("", "one value", Cat(authorization.size()));
  // What stands there may be a password: not a byte of it is shown.
  if (!HasScheme(authorization.front())) return Unauthenticated("", "'Bearer' and a token", "something else");
  const ProviderKeySet keys = keys_.Current();
  if (keys->empty()) return Unauthenticated("", "the provider's keys", "none: its key set has not been fetched yet");
  CheckLog log;
  const auto bearer = token::CheckBearer(authorization.front().substr(kScheme.size()), *keys, expectation_, clock_.Now(), log);
  if (bearer) return TokenCaller{TokenIdentity(expectation_.issuer, bearer->subject), bearer->until};
  const Finding& first = log.findings().front();
  if (first.reason == Reason::kTokenKeyUnknown) keys_.Miss();
  Finding finding = Unauthenticated(Cat(first.component, first.claim.empty() ? "" : ".", first.claim), first.expected,
                                    Cat(first.actual, " (", NameOf(first.reason), ")"));
  finding.spec = first.spec;
  return finding;
}

Finding NoCaller(bool certificate_and_token) {
  return {.reason = Reason::kUnauthenticated,
          .component = "caller",
          .expected = "a client certificate or a bearer token",
          .actual = certificate_and_token ? "both: it would not be clear who is meant" : "neither"};
}

}  // namespace assay::service

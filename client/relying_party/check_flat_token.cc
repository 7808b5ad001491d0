#include "client/relying_party/check_flat_token.h"

#include <utility>

#include "base/strings.h"
#include "token/signed_payload.h"

namespace assay::relying_party {
namespace {

using token::AtClaim;
using token::Shown;

bool CheckAttested(const token::FlatClaims& claims, const FlatExpectation& expectation, CheckLog& log) {
  const auto demand = [&](bool satisfied, std::string claim, std::string expected, std::string actual) {
    return log.Require(Check::kTokenAffirming, satisfied,
                       [&] { return AtClaim(Reason::kTokenNotAffirming, std::move(claim), std::move(expected), std::move(actual)); });
  };
  bool holds = demand(!claims.simulated, "att.simulated", "false", "true: it says nothing about real hardware");
  holds &= demand(!claims.warnings || expectation.warnings, "att.verdict", "TRUSTED", "TRUSTED_WITH_WARNINGS");
  holds &= demand(claims.strength <= expectation.least_strength, "att.strength", Cat(expectation.least_strength, " or stronger"),
                  std::string(1, claims.strength));
  if (expectation.policy_set) {
    holds &=
        demand(claims.policy_set == *expectation.policy_set, "att.policy_set", Shown(*expectation.policy_set), Shown(claims.policy_set));
  }
  return holds;
}

}  // namespace

std::optional<token::FlatClaims> CheckFlatToken(std::string_view token, const FlatExpectation& expectation, Time at, CheckLog& log) {
  const std::optional<json::Value> payload = token::SignedPayload(token, expectation.keys, expectation.type, log);
  if (!payload) return std::nullopt;
  Outcome<token::FlatClaims> claims = token::ReadFlat(*payload);
  if (!log.Require(Check::kTokenClaims, claims) || !claims) return std::nullopt;
  bool holds = token::CheckWindow({claims->issued_at, claims->not_before, claims->expires}, expectation.skew, at, log);
  holds &= token::CheckLifetime(claims->issued_at, claims->expires, expectation.longest, log);
  holds &= token::CheckIssuer(claims->issuer, expectation.issuer, log);
  holds &= token::CheckAudience(claims->audience, expectation.audience, log);
  if (expectation.holder) holds &= token::CheckHolder(claims->holder, *expectation.holder, log);
  holds &= CheckAttested(*claims, expectation, log);
  if (!holds) return std::nullopt;
  return std::move(claims).value();
}

}  // namespace assay::relying_party

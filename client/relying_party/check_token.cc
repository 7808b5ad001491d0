#include "client/relying_party/check_token.h"

#include <algorithm>

#include "base/strings.h"
#include "token/signed_payload.h"

namespace assay::relying_party {
namespace {

using token::AtClaim;
using token::EarClaims;
using token::EarSubmodule;
using token::Shown;
using token::Tier;

bool CheckAffirming(const EarClaims& claims, const Expectation& expectation, CheckLog& log) {
  bool holds = true;
  const auto demand = [&](bool satisfied, std::string claim, std::string expected, std::string actual) {
    holds &= log.Require(Check::kTokenAffirming, satisfied,
                         [&] { return AtClaim(Reason::kTokenNotAffirming, Printable(claim), std::move(expected), std::move(actual)); });
  };
  const auto good = [&](Tier tier) { return tier == Tier::kAffirming || (expectation.warnings && tier == Tier::kWarning); };
  const std::string expected = expectation.warnings ? "affirming or warning" : "affirming";
  for (const EarSubmodule& submodule : claims.submodules) {
    const std::string path = Cat("submods.", submodule.label);
    if (expectation.affirming) demand(good(submodule.status), path, expected, std::string(NameOf(submodule.status)));
    for (const std::string& name : expectation.demanded) {
      std::optional<std::int8_t> value;
      for (std::size_t i = 0; i < token::kTrustworthinessClaims; ++i) {
        if (token::TrustworthinessClaimName(i) == name) value = submodule.vector[i];
      }
      demand(value && good(token::TierOf(*value)), Cat(path, ".", name), expected,
             value ? Cat(NameOf(token::TierOf(*value)), " (", int{*value}, ")") : "no such claim");
    }
  }
  if (expectation.affirming && claims.status) demand(good(*claims.status), "status", expected, std::string(NameOf(*claims.status)));
  for (const std::string& label : expectation.submodules) {
    const bool present = std::any_of(claims.submodules.begin(), claims.submodules.end(),
                                     [&](const EarSubmodule& submodule) { return submodule.label == label; });
    demand(present, Cat("submods.", label), "an appraisal under this label", "none");
  }
  return holds;
}

}  // namespace

bool CheckClaims(const EarClaims& claims, const Expectation& expectation, Time at, CheckLog& log) {
  bool holds =
      log.Require(Check::kTokenProfile,
                  std::find(expectation.profiles.begin(), expectation.profiles.end(), claims.profile) != expectation.profiles.end(), [&] {
                    std::vector<std::string> accepted;
                    for (const token::EarProfile profile : expectation.profiles) accepted.emplace_back(token::UriOf(profile));
                    return AtClaim(Reason::kTokenProfileUnknown, "eat_profile",
                                   accepted.empty() ? "a profile that is accepted here: none is" : Join(accepted, " or "),
                                   Shown(token::UriOf(claims.profile)));
                  });
  holds &= token::CheckWindow({claims.issued_at, claims.not_before, claims.expires}, expectation.skew, at, log);
  if (expectation.issuer) holds &= token::CheckIssuer(claims.issuer, *expectation.issuer, log);
  if (expectation.verifier) {
    holds &= log.Require(Check::kTokenIssuer, claims.verifier_developer == *expectation.verifier, [&] {
      return AtClaim(Reason::kTokenIssuerMismatch, "verifier-id.developer", Shown(*expectation.verifier), Shown(claims.verifier_developer));
    });
  }
  if (expectation.audience) holds &= token::CheckAudience(claims.audience, *expectation.audience, log);
  if (expectation.nonce) {
    holds &= log.Require(Check::kTokenNonce, claims.nonce && EqualConstantTime(AsBytes(*claims.nonce), AsBytes(*expectation.nonce)), [&] {
      return AtClaim(Reason::kTokenNonceMismatch, "eat_nonce", "the nonce that was sent", claims.nonce ? "another one" : "none");
    });
  }
  if (expectation.holder) holds &= token::CheckHolder(claims.holder, *expectation.holder, log);
  const std::vector<Finding> contradictions = token::Contradictions(claims);
  holds &= log.Require(Check::kTokenStatus, contradictions.empty(), [&] { return contradictions.front(); });
  for (std::size_t i = 1; i < contradictions.size(); ++i) log.Add(contradictions[i]);
  if (expectation.affirming || !expectation.demanded.empty() || !expectation.submodules.empty()) {
    holds &= CheckAffirming(claims, expectation, log);
  }
  return holds;
}

std::optional<EarClaims> CheckToken(std::string_view token, const Expectation& expectation, Time at, CheckLog& log) {
  const std::optional<json::Value> payload = token::SignedPayload(token, expectation.keys, expectation.type, log);
  if (!payload) return std::nullopt;
  Outcome<EarClaims> claims = token::ReadEar(*payload);
  if (!log.Require(Check::kTokenClaims, claims)) return std::nullopt;
  if (!CheckClaims(*claims, expectation, at, log)) return std::nullopt;
  return std::move(claims).value();
}

}  // namespace assay::relying_party

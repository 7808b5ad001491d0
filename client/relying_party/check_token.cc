#include "client/relying_party/check_token.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/syntax_error.h"
#include "token/jws.h"

namespace assay::relying_party {
namespace {

using token::EarClaims;
using token::EarSubmodule;
using token::Jwk;
using token::Tier;

constexpr json::Limits kPayloadLimits{.bytes = token::kMaxTokenSize, .depth = 16, .values = 4096};

std::string Shown(std::string_view text) { return Cat("'", Printable(text, 128), "'"); }

Finding At(Reason reason, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason, .component = "claims", .claim = std::move(claim), .expected = std::move(expected), .actual = std::move(actual)};
}

// The key that the token names. Without a key id in the token, or in the only key that is configured, that one.
const Jwk* KeyFor(const token::Jws& jws, std::span<const Jwk> keys) {
  if (keys.size() == 1 && (!jws.key_id || keys.front().key_id.empty())) return &keys.front();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Jwk& key) { return jws.key_id && !key.key_id.empty() && key.key_id == *jws.key_id; });
  return found == keys.end() ? nullptr : &*found;
}

std::string Timestamp(std::int64_t seconds) { return FormatTime(Time{Duration{seconds}}); }

bool CheckWindow(const EarClaims& claims, const Expectation& expectation, Time at, CheckLog& log) {
  const std::int64_t now = at.time_since_epoch().count(), skew = expectation.skew.count();
  const auto early = [&](std::string name, std::int64_t from) {
    return log.Require(Check::kTokenWindow, from - skew <= now, [&] { return At(Reason::kTokenNotYetValid, name, Cat("at most ", FormatTime(at)), Timestamp(from)); });
  };
  bool holds = early("iat", claims.issued_at);
  if (claims.not_before) holds &= early("nbf", *claims.not_before);
  if (claims.expires) {  // RFC 7519 section 4.1.4: not on or after
    holds &= log.Require(Check::kTokenWindow, now < *claims.expires + skew,
                         [&] { return At(Reason::kTokenExpired, "exp", Cat("after ", FormatTime(at)), Timestamp(*claims.expires)); });
  }
  return holds;
}

bool CheckAffirming(const EarClaims& claims, const Expectation& expectation, CheckLog& log) {
  bool holds = true;
  const auto demand = [&](bool satisfied, std::string claim, std::string expected, std::string actual) {
    holds &= log.Require(Check::kTokenAffirming, satisfied, [&] { return At(Reason::kTokenNotAffirming, Printable(claim), std::move(expected), std::move(actual)); });
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
      demand(value && good(token::TierOf(*value)), Cat(path, ".", name), expected, value ? Cat(NameOf(token::TierOf(*value)), " (", int{*value}, ")") : "no such claim");
    }
  }
  if (expectation.affirming && claims.status) demand(good(*claims.status), "status", expected, std::string(NameOf(*claims.status)));
  for (const std::string& label : expectation.submodules) {
    const bool present = std::any_of(claims.submodules.begin(), claims.submodules.end(), [&](const EarSubmodule& submodule) { return submodule.label == label; });
    demand(present, Cat("submods.", label), "an appraisal under this label", "none");
  }
  return holds;
}

}  // namespace

bool CheckClaims(const EarClaims& claims, const Expectation& expectation, Time at, CheckLog& log) {
  bool holds = log.Require(Check::kTokenProfile, std::find(expectation.profiles.begin(), expectation.profiles.end(), claims.profile) != expectation.profiles.end(), [&] {
    std::vector<std::string> accepted;
    for (const token::EarProfile profile : expectation.profiles) accepted.emplace_back(token::UriOf(profile));
    return At(Reason::kTokenProfileUnknown, "eat_profile", accepted.empty() ? "a profile that is accepted here: none is" : Join(accepted, " or "), Shown(token::UriOf(claims.profile)));
  });
  holds &= CheckWindow(claims, expectation, at, log);
  if (expectation.issuer) {
    holds &= log.Require(Check::kTokenIssuer, claims.issuer == *expectation.issuer,
                         [&] { return At(Reason::kTokenIssuerMismatch, "iss", Shown(*expectation.issuer), claims.issuer.empty() ? "none" : Shown(claims.issuer)); });
  }
  if (expectation.verifier) {
    holds &= log.Require(Check::kTokenIssuer, claims.verifier_developer == *expectation.verifier,
                         [&] { return At(Reason::kTokenIssuerMismatch, "verifier-id.developer", Shown(*expectation.verifier), Shown(claims.verifier_developer)); });
  }
  if (expectation.audience) {
    holds &= log.Require(Check::kTokenAudience, std::find(claims.audience.begin(), claims.audience.end(), *expectation.audience) != claims.audience.end(), [&] {
      return At(Reason::kTokenAudienceMismatch, "aud", Shown(*expectation.audience), claims.audience.empty() ? "none" : Shown(Join(claims.audience, ", ")));
    });
  }
  if (expectation.nonce) {
    holds &= log.Require(Check::kTokenNonce, claims.nonce && EqualConstantTime(AsBytes(*claims.nonce), AsBytes(*expectation.nonce)),
                         [&] { return At(Reason::kTokenNonceMismatch, "eat_nonce", "the nonce that was sent", claims.nonce ? "another one" : "none"); });
  }
  if (expectation.holder) {
    holds &= log.Require(Check::kTokenHolder, claims.holder && *claims.holder == *expectation.holder,
                         [&] { return At(Reason::kTokenHolderMismatch, "cnf.jwk", "the key of who presents the token", claims.holder ? "another key" : "none"); });
  }
  const std::vector<Finding> contradictions = token::Contradictions(claims);
  holds &= log.Require(Check::kTokenStatus, contradictions.empty(), [&] { return contradictions.front(); });
  for (std::size_t i = 1; i < contradictions.size(); ++i) log.Add(contradictions[i]);
  if (expectation.affirming || !expectation.demanded.empty() || !expectation.submodules.empty()) holds &= CheckAffirming(claims, expectation, log);
  return holds;
}

std::optional<EarClaims> CheckToken(std::string_view token, const Expectation& expectation, Time at, CheckLog& log) {
  const Outcome<token::Jws> jws = token::ParseJws(token);
  if (!log.Require(Check::kTokenForm, jws)) return std::nullopt;
  if (!log.Require(Check::kTokenForm, !expectation.type || jws->type == *expectation.type, [&] {
        return Finding{.reason = Reason::kTokenMalformed, .component = "header.typ", .expected = Shown(*expectation.type), .actual = jws->type.empty() ? "none" : Shown(jws->type)};
      })) {
    return std::nullopt;
  }
  const Jwk* key = KeyFor(*jws, expectation.keys);
  if (!log.Require(Check::kTokenKey, key != nullptr, [&] {
        return Finding{.reason = Reason::kTokenKeyUnknown, .component = "header.kid", .expected = "the id of a configured key", .actual = jws->key_id ? Shown(*jws->key_id) : "none"};
      })) {
    return std::nullopt;
  }
  if (key == nullptr || !token::VerifyJws(*jws, key->key, log)) return std::nullopt;
  // Only now is the payload looked at.
  const Outcome<json::Value> payload = json::Parse(jws->payload, "payload", kPayloadLimits);
  if (!payload) {
    log.Fail(Check::kTokenForm, {.reason = Reason::kTokenMalformed, .component = "payload", .expected = "one JSON object", .actual = codec::MessageOf(payload.findings().front())});
    return std::nullopt;
  }
  Outcome<EarClaims> claims = token::ReadEar(*payload);
  if (!log.Require(Check::kTokenClaims, claims)) return std::nullopt;
  if (!CheckClaims(*claims, expectation, at, log)) return std::nullopt;
  return std::move(claims).value();
}

}  // namespace assay::relying_party

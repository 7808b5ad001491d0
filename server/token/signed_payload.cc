#include "token/signed_payload.h"

#include <algorithm>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "codec/syntax_error.h"

namespace assay::token {
namespace {

constexpr json::Limits kPayloadLimits{.bytes = kMaxTokenSize, .depth = 16, .values = 4096};

// The key that the token names. Without a key id in the token, or in the only key that is configured, that one.
const Jwk* KeyFor(const Jws& jws, std::span<const Jwk> keys) {
  if (keys.size() == 1 && (!jws.key_id || keys.front().key_id.empty())) return &keys.front();
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const Jwk& key) { return jws.key_id && !key.key_id.empty() && key.key_id == *jws.key_id; });
  return found == keys.end() ? nullptr : &*found;
}

std::string Timestamp(std::int64_t seconds) { return FormatTime(Time{Duration{seconds}}); }

}  // namespace

std::string Shown(std::string_view text) { return Cat("'", Printable(text, 128), "'"); }

Finding AtClaim(Reason reason, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason, .component = "claims", .claim = std::move(claim), .expected = std::move(expected), .actual = std::move(actual)};
}

std::optional<json::Value> SignedPayload(std::string_view token, std::span<const Jwk> keys, const std::optional<std::string>& type,
                                         CheckLog& log) {
  const Outcome<Jws> jws = ParseJws(token);
  if (!log.Require(Check::kTokenForm, jws)) return std::nullopt;
  if (!log.Require(Check::kTokenForm, !type || jws->type == *type, [&] {
        return Finding{.reason = Reason::kTokenMalformed,
                       .component = "header.typ",
                       .expected = Shown(*type),
                       .actual = jws->type.empty() ? "none" : Shown(jws->type)};
      })) {
    return std::nullopt;
  }
  const Jwk* key = KeyFor(*jws, keys);
  if (!log.Require(Check::kTokenKey, key != nullptr, [&] {
        return Finding{.reason = Reason::kTokenKeyUnknown,
                       .component = "header.kid",
                       .expected = "the id of a configured key",
                       .actual = jws->key_id ? Shown(*jws->key_id) : "none"};
      })) {
    return std::nullopt;
  }
  if (key == nullptr || !VerifyJws(*jws, key->key, log)) return std::nullopt;
  // Only now is the payload looked at.
  return ReadPayload(*jws, log);
}

std::optional<json::Value> ReadPayload(const Jws& jws, CheckLog& log) {
  Outcome<json::Value> payload = json::Parse(jws.payload, "payload", kPayloadLimits);
  if (!payload) {
    log.Fail(Check::kTokenForm, {.reason = Reason::kTokenMalformed,
                                 .component = "payload",
                                 .expected = "one JSON object",
                                 .actual = codec::MessageOf(payload.findings().front())});
    return std::nullopt;
  }
  return std::move(payload).value();
}

bool CheckWindow(const Window& window, Duration allowed, Time at, CheckLog& log) {
  const std::int64_t now = at.time_since_epoch().count(), skew = allowed.count();
  const auto early = [&](std::string name, std::int64_t from) {
    return log.Require(Check::kTokenWindow, from - skew <= now,
                       [&] { return AtClaim(Reason::kTokenNotYetValid, name, Cat("at most ", FormatTime(at)), Timestamp(from)); });
  };
  bool holds = early("iat", window.issued_at);
  if (window.not_before) holds &= early("nbf", *window.not_before);
  if (window.expires) {  // RFC 7519 section 4.1.4: not on or after
    holds &= log.Require(Check::kTokenWindow, now < *window.expires + skew,
                         [&] { return AtClaim(Reason::kTokenExpired, "exp", Cat("after ", FormatTime(at)), Timestamp(*window.expires)); });
  }
  return holds;
}

bool CheckLifetime(std::int64_t issued_at, std::int64_t expires, Duration longest, CheckLog& log) {
  const std::int64_t lifetime = expires - issued_at;
  return log.Require(Check::kTokenWindow, lifetime > 0 && lifetime <= longest.count(), [&] {
    return AtClaim(Reason::kTokenClaimInvalid, "exp", Cat("1 to ", longest.count(), " s after iat"), Cat(lifetime, " s"));
  });
}

bool CheckIssuer(const std::string& issuer, const std::string& expected, CheckLog& log) {
  return log.Require(Check::kTokenIssuer, issuer == expected, [&] {
    return AtClaim(Reason::kTokenIssuerMismatch, "iss", Shown(expected), issuer.empty() ? "none" : Shown(issuer));
  });
}

bool CheckAudience(const std::vector<std::string>& audience, const std::string& expected, CheckLog& log) {
  return log.Require(Check::kTokenAudience, std::find(audience.begin(), audience.end(), expected) != audience.end(), [&] {
    return AtClaim(Reason::kTokenAudienceMismatch, "aud", Shown(expected), audience.empty() ? "none" : Shown(Join(audience, ", ")));
  });
}

bool CheckHolder(const std::optional<crypto::PublicKey>& holder, const crypto::PublicKey& expected, CheckLog& log) {
  return log.Require(Check::kTokenHolder, holder && *holder == expected, [&] {
    return AtClaim(Reason::kTokenHolderMismatch, "cnf.jwk", "the key of who presents the token", holder ? "another key" : "none");
  });
}

}  // namespace assay::token

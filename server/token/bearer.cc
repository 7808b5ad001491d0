#include "token/bearer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "codec/syntax_error.h"
#include "token/jwk.h"
#include "token/registered_claims.h"
#include "token/signed_payload.h"

namespace assay::token {
namespace {

constexpr json::Limits kSetLimits{.bytes = kMaxProviderKeysSize, .depth = 8, .values = 16'384};
constexpr std::array<std::string_view, 3> kTypes = {"", "JWT", "at+jwt"};
constexpr std::array<JwsAlgorithm, 4> kAlgorithms = {JwsAlgorithm::kEs256, JwsAlgorithm::kEs384, JwsAlgorithm::kRs256,
                                                     JwsAlgorithm::kPs256};

Finding Malformed(std::string component, std::string expected, std::string actual) {
  return {.reason = Reason::kJwkMalformed,
          .component = std::move(component),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = "RFC 7517"};
}

const std::string* TextOf(const json::Value& tree, std::string_view name) {
  const json::Value* value = tree.Find(name);
  return value == nullptr ? nullptr : value->AsString();
}

// Whether the provider means this key for something else: said by use and alg, which ReadJwk would call malformed.
bool IsForSomethingElse(const json::Value& tree) {
  const std::string *use = TextOf(tree, "use"), *algorithm = TextOf(tree, "alg");
  if (use != nullptr && *use != "sig") return true;
  return algorithm != nullptr &&
         std::none_of(kAlgorithms.begin(), kAlgorithms.end(), [&](JwsAlgorithm known) { return *algorithm == NameOf(known); });
}

// The one algorithm that a key is for: what alg says, else the first that fits.
std::optional<JwsAlgorithm> AlgorithmOf(const json::Value& tree, const crypto::PublicKey& key) {
  const std::string* name = TextOf(tree, "alg");
  for (const JwsAlgorithm algorithm : kAlgorithms) {
    if (Fits(algorithm, key) && (name == nullptr || *name == NameOf(algorithm))) return algorithm;
  }
  return std::nullopt;
}

// The key that the kid names, if it names one and no second one.
const ProviderKey* KeyNamed(const std::optional<std::string>& key_id, std::span<const ProviderKey> keys) {
  const auto named = [&](const ProviderKey& key) { return key_id && key.key_id == *key_id; };
  if (std::count_if(keys.begin(), keys.end(), named) != 1) return nullptr;
  return &*std::find_if(keys.begin(), keys.end(), named);
}

struct Claims {
  std::string issuer, subject;
  std::vector<std::string> audience;
  Window window;
};

// `name` at the top of the set, as `form` reads it.
template <typename T, typename Form>
Outcome<T> Claim(const json::Value& set, std::string_view name, std::string_view expected, const Form& form) {
  const json::Value* value = set.Find(name);
  if (value == nullptr) return AtClaim(Reason::kTokenClaimMissing, Printable(name, 64), "the claim", "none");
  std::optional<T> read = form(*value);
  if (read) return *std::move(read);
  return AtClaim(Reason::kTokenClaimInvalid, Printable(name, 64), std::string(expected),
                 value->AsString() != nullptr ? Shown(*value->AsString()) : std::string(value->KindName()));
}

std::optional<std::string> TextFrom(const json::Value& value) {
  return value.AsString() == nullptr || value.AsString()->empty() ? std::nullopt : std::optional(*value.AsString());
}

// It goes into logs, records and other people's terminals.
std::optional<std::string> SubjectFrom(const json::Value& value) {
  auto text = TextFrom(value);
  return text && text->size() <= kMaxSubjectSize && Printable(*text, kMaxSubjectSize) == *text ? text : std::nullopt;
}

Outcome<Claims> ReadClaims(const json::Value& set, const std::string& subject_claim) {
  if (set.AsObject() == nullptr) return AtClaim(Reason::kTokenClaimInvalid, "", "an object", std::string(set.KindName()));
  auto issuer = Claim<std::string>(set, "iss", "a text that is not empty", TextFrom);
  auto subject = Claim<std::string>(set, subject_claim, Cat("printable text of 1 to ", kMaxSubjectSize, " bytes"), SubjectFrom);
  auto audience = Claim<std::vector<std::string>>(set, "aud", kAudienceForm, AudienceFrom);
  const auto issued_at = Claim<std::int64_t>(set, "iat", kDateForm, DateFrom),
             expires = Claim<std::int64_t>(set, "exp", kDateForm, DateFrom);
  std::optional<std::int64_t> not_before;
  if (set.Find("nbf") != nullptr) {
    const auto read = Claim<std::int64_t>(set, "nbf", kDateForm, DateFrom);
    if (!read) return read.findings();
    not_before = *read;
  }
  for (const auto* findings : {&issuer.findings(), &subject.findings(), &audience.findings(), &issued_at.findings(), &expires.findings()}) {
    if (!findings->empty()) return *findings;
  }
  return Claims{*std::move(issuer), *std::move(subject), *std::move(audience), {*issued_at, not_before, *expires}};
}

}  // namespace

Outcome<std::vector<ProviderKey>> ReadProviderKeys(std::string_view text, std::string_view component) {
  const Outcome<json::Value> tree = json::Parse(text, component, kSetLimits);
  if (!tree) return Malformed(std::string(component), "a JWK set", codec::MessageOf(tree.findings().front()));
  const json::Value* set = tree->Find("keys");
  const auto* elements = set == nullptr ? nullptr : set->AsArray();
  if (elements == nullptr || elements->size() > kMostKeys) {
    return Malformed(Cat(component, ".keys"), Cat("a list of at most ", kMostKeys, " keys"),
                     elements != nullptr ? Cat(elements->size())
                     : set == nullptr    ? "no such member"
                                         : std::string(set->KindName()));
  }
  std::vector<ProviderKey> keys;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const json::Value& element = (*elements)[i];
    // A private key that lies open is refused even where it is for something else.
    if (IsForSomethingElse(element) && element.Find("d") == nullptr) continue;
    auto jwk = ReadJwk(element, Cat(component, ".keys[", i, "]"));
    if (!jwk) {
      if (jwk.findings().front().reason != Reason::kKeyUnsupported) return std::move(jwk).findings();
      continue;
    }
    const auto algorithm = AlgorithmOf(element, jwk->key);
    if (algorithm && !jwk->key_id.empty()) keys.push_back({jwk->key, jwk->key_id, *algorithm});
  }
  if (keys.empty()) return Malformed(Cat(component, ".keys"), "at least one key with kid for ES256, ES384, RS256 or PS256", "none");
  return keys;
}

std::optional<Bearer> CheckBearer(std::string_view token, std::span<const ProviderKey> keys, const BearerExpectation& expectation, Time at,
                                  CheckLog& log) {
  if (!log.Require(Check::kTokenForm, token.size() <= kMaxBearerSize,
                   [&] { return codec::OverLimit("token", "bytes", kMaxBearerSize, Cat(token.size())); })) {
    return std::nullopt;
  }
  const Outcome<Jws> jws = ParseJws(token);
  if (!log.Require(Check::kTokenForm, jws)) return std::nullopt;
  // An empty typ is none: ParseJws does not tell them apart, and nothing hangs on it.
  if (!log.Require(Check::kTokenForm, std::find(kTypes.begin(), kTypes.end(), jws->type) != kTypes.end(), [&] {
        return Finding{.reason = Reason::kTokenMalformed,
                       .component = "header.typ",
                       .expected = "JWT, at+jwt or none",
                       .actual = Shown(jws->type),
                       .spec = "RFC 9068 section 4"};
      })) {
    return std::nullopt;
  }
  const ProviderKey* key = KeyNamed(jws->key_id, keys);
  if (!log.Require(Check::kTokenKey, key != nullptr, [&] {
        return Finding{.reason = Reason::kTokenKeyUnknown,
                       .component = "header.kid",
                       .expected = "the id of exactly one key of the provider",
                       .actual = jws->key_id ? Shown(*jws->key_id) : "none"};
      })) {
    return std::nullopt;
  }
  if (key == nullptr || !VerifyJws(*jws, key->key, key->algorithm, log)) return std::nullopt;
  const std::optional<json::Value> payload = ReadPayload(*jws, log);
  if (!payload) return std::nullopt;
  Outcome<Claims> claims = ReadClaims(*payload, expectation.subject_claim);
  if (!log.Require(Check::kTokenClaims, claims) || !claims) return std::nullopt;
  bool holds = CheckIssuer(claims->issuer, expectation.issuer, log);
  holds &= CheckAudience(claims->audience, expectation.audience, log);
  holds &= CheckWindow(claims->window, expectation.skew, at, log);
  holds &= CheckLifetime(claims->window.issued_at, *claims->window.expires, expectation.longest, log);
  if (!holds) return std::nullopt;
  return Bearer{std::move(claims->subject), Time{Duration{*claims->window.expires}} + expectation.skew};
}

}  // namespace assay::token

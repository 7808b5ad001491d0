#include "token/flat_claims.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/digest.h"
#include "token/jwk.h"
#include "token/registered_claims.h"

namespace assay::token {
namespace {

constexpr std::string_view kTrusted = "TRUSTED", kWithWarnings = "TRUSTED_WITH_WARNINGS", kStrengths = "ABCDE";
constexpr std::size_t kMostEvidence = 64, kDigestSize = std::tuple_size_v<crypto::Sha256Digest>;

template <typename T>
struct Named {
  std::string_view name;
  T FlatClaims::*member;
};
constexpr std::array<Named<std::string>, 3> kTexts = {
    {{"iss", &FlatClaims::issuer}, {"sub", &FlatClaims::subject}, {"jti", &FlatClaims::token_id}}};
constexpr std::array<Named<std::int64_t>, 3> kDates = {
    {{"iat", &FlatClaims::issued_at}, {"nbf", &FlatClaims::not_before}, {"exp", &FlatClaims::expires}}};
constexpr std::array<Named<std::string>, 3> kAttestedTexts = {
    {{"platform", &FlatClaims::platform}, {"policy_set", &FlatClaims::policy_set}, {"policy", &FlatClaims::policy}}};
constexpr std::array<Named<Bytes>, 2> kAttestedDigests = {
    {{"node_key_sha256", &FlatClaims::node_key_sha256}, {"appraisal_sha256", &FlatClaims::appraisal_sha256}}};

std::optional<Bytes> DigestFrom(std::string_view text) {
  auto digest = FromHex(text);
  // One digest has one text, or CEL rules that compare texts could be fooled.
  return digest && digest->size() == kDigestSize && ToHex(*digest) == text ? digest : std::nullopt;
}

std::string Quoted(std::string_view text) { return Cat("'", Printable(text, 64), "'"); }

std::string ShownValue(const json::Value& value) {
  if (const std::string* text = value.AsString()) return Quoted(*text);
  if (const auto number = value.AsInt64()) return std::to_string(*number);
  return value.AsOtherNumber() != nullptr ? Printable(*value.AsOtherNumber(), 32) : std::string(value.KindName());
}

// Reads the claims set; the first claim that is wrong stays, everything after it is moot.
class FlatReader {
 public:
  explicit FlatReader(const json::Value& set) : set_(set) {}

  Outcome<FlatClaims> Read() {
    if (set_.AsObject() == nullptr) return Wrong(Reason::kTokenClaimInvalid, "", "an object", std::string(set_.KindName()));
    for (const auto& [name, member] : kTexts) claims_.*member = Text(set_, "", name, "a text that is not empty");
    for (const auto& [name, member] : kDates) claims_.*member = Date(name);
    ReadAudience();
    ReadSubject();
    ReadHolder();
    if (const json::Value* attested = Mandatory(set_, "", "att")) {
      if (attested->AsObject() == nullptr) Invalid("att", "an object", *attested);
      else ReadAttested(*attested);
    }
    if (error_) return *std::move(error_);
    return std::move(claims_);
  }

 private:
  static Finding Wrong(Reason reason, std::string claim, std::string expected, std::string actual) {
    return {.reason = reason,
            .component = "claims",
            .claim = std::move(claim),
            .expected = std::move(expected),
            .actual = std::move(actual),
            .spec = "docs/tokens.md"};
  }
  void Invalid(std::string claim, std::string expected, std::string actual) {
    if (!error_) error_ = Wrong(Reason::kTokenClaimInvalid, std::move(claim), std::move(expected), std::move(actual));
  }
  void Invalid(std::string claim, std::string expected, const json::Value& actual) {
    Invalid(std::move(claim), std::move(expected), ShownValue(actual));
  }
  const json::Value* Mandatory(const json::Value& object, std::string_view path, std::string_view name) {
    const json::Value* value = object.Find(name);
    if (value == nullptr && !error_) error_ = Wrong(Reason::kTokenClaimMissing, Cat(path, name), "the claim", "none");
    return error_ ? nullptr : value;
  }

  std::string Text(const json::Value& object, std::string_view path, std::string_view name, std::string_view expected) {
    const json::Value* value = Mandatory(object, path, name);
    if (value == nullptr) return {};
    if (value->AsString() != nullptr && !value->AsString()->empty()) return *value->AsString();
    Invalid(Cat(path, name), std::string(expected), *value);
    return {};
  }

  std::int64_t Date(std::string_view name) {
    const json::Value* value = Mandatory(set_, "", name);
    if (value == nullptr) return 0;
    const auto date = DateFrom(*value);
    if (!date) Invalid(std::string(name), std::string(kDateForm), *value);
    return date.value_or(0);
  }

  void ReadAudience() {
    const json::Value* value = Mandatory(set_, "", "aud");
    if (value == nullptr) return;
    auto audience = AudienceFrom(*value);
    if (!audience) Invalid("aud", std::string(kAudienceForm), *value);
    claims_.audience = std::move(audience).value_or(std::vector<std::string>{});
  }

  void ReadSubject() {
    const std::string_view subject = claims_.subject;
    if (error_ || (subject.starts_with(kFlatSubjectPrefix) && DigestFrom(subject.substr(kFlatSubjectPrefix.size())))) return;
    Invalid("sub", Cat(kFlatSubjectPrefix, " and 64 hexadecimal digits"), Quoted(subject));
  }

  void ReadHolder() {
    const json::Value* confirmation = set_.Find("cnf");
    if (error_ || confirmation == nullptr) return;
    // Another kind of confirmation would be left unchecked.
    const json::Value* jwk = confirmation->Find("jwk");
    if (jwk == nullptr) return Invalid("cnf", "a member jwk", *confirmation);
    const Outcome<Jwk> key = ReadJwk(*jwk, "cnf.jwk");
    if (key) claims_.holder = key->key;
    else
      error_ = Wrong(Reason::kTokenClaimInvalid, key.findings().front().component, key.findings().front().expected,
                     key.findings().front().actual);
  }

  void ReadAttested(const json::Value& attested) {
    const std::string verdict = Text(attested, "att.", "verdict", "a verdict that trusts the node");
    if (!error_ && verdict != kTrusted && verdict != kWithWarnings) {
      Invalid("att.verdict", Cat(kTrusted, " or ", kWithWarnings), Quoted(verdict));
    }
    claims_.warnings = verdict == kWithWarnings;
    for (const auto& [name, member] : kAttestedTexts) claims_.*member = Text(attested, "att.", name, "a text that is not empty");
    const std::string strength = Text(attested, "att.", "strength", "a strength");
    if (!error_ && (strength.size() != 1 || kStrengths.find(strength) == std::string_view::npos)) {
      Invalid("att.strength", "A, B, C, D or E", Quoted(strength));
    }
    if (!error_) claims_.strength = strength.front();
    if (const json::Value* simulated = Mandatory(attested, "att.", "simulated")) {
      if (!simulated->AsBool()) Invalid("att.simulated", "true or false", *simulated);
      claims_.simulated = simulated->AsBool().value_or(true);
    }
    for (const auto& [name, member] : kAttestedDigests) {
      if (const json::Value* value = Mandatory(attested, "att.", name)) claims_.*member = Digest(*value, Cat("att.", name));
    }
    const json::Value* evidence = Mandatory(attested, "att.", "evidence_sha256");
    if (evidence == nullptr) return;
    const auto* list = evidence->AsArray();
    if (list == nullptr) return Invalid("att.evidence_sha256", "a list", *evidence);
    if (list->empty() || list->size() > kMostEvidence) {
      return Invalid("att.evidence_sha256", Cat("1 to ", kMostEvidence, " digests"), Cat(list->size()));
    }
    for (const json::Value& each : *list) claims_.evidence.push_back(Digest(each, "att.evidence_sha256"));
  }

  Bytes Digest(const json::Value& value, std::string claim) {
    auto digest = value.AsString() == nullptr ? std::nullopt : DigestFrom(*value.AsString());
    if (!digest) Invalid(std::move(claim), "64 hexadecimal digits, lower case", value);
    return std::move(digest).value_or(Bytes{});
  }

  const json::Value& set_;
  FlatClaims claims_;
  std::optional<Finding> error_;
};

}  // namespace

Outcome<FlatClaims> ReadFlat(const json::Value& claims_set) { return FlatReader(claims_set).Read(); }

json::Value WriteFlat(const FlatClaims& claims) {
  using json::Value;
  Value set = Value::MakeObject();
  for (const auto& [name, member] : kTexts) set.Add(name, Value::String(claims.*member));
  for (const auto& [name, member] : kDates) set.Add(name, Value::Integer(claims.*member));
  if (claims.audience.size() == 1) {
    set.Add("aud", Value::String(claims.audience.front()));
  } else {
    Value& list = set.Add("aud", Value::MakeArray());
    for (const std::string& audience : claims.audience) list.Append(Value::String(audience));
  }
  if (claims.holder) set.Add("cnf", Value::MakeObject()).Add("jwk", ToJwk(*claims.holder, ""));
  Value& attested = set.Add("att", Value::MakeObject());
  attested.Add("verdict", Value::String(claims.warnings ? kWithWarnings : kTrusted));
  for (const auto& [name, member] : kAttestedTexts) attested.Add(name, Value::String(claims.*member));
  attested.Add("strength", Value::String(std::string(1, claims.strength)));
  attested.Add("simulated", Value::Bool(claims.simulated));
  for (const auto& [name, member] : kAttestedDigests) attested.Add(name, Value::String(ToHex(claims.*member)));
  Value& evidence = attested.Add("evidence_sha256", Value::MakeArray());
  for (const Bytes& digest : claims.evidence) evidence.Append(Value::String(ToHex(digest)));
  return set;
}

}  // namespace assay::token

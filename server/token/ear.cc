#include "token/ear.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "token/jwk.h"

namespace assay::token {
namespace {

constexpr std::string_view kClaimNames[kTrustworthinessClaims] = {"instance-identity", "configuration",  "executables",    "file-system",
                                                                  "hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};

constexpr std::array<EarProfileEntry, 3> kProfiles = {{
    {EarProfile::kVeraison2023, "tag:github.com,2023:veraison/ear", "veraison"},
    {EarProfile::kTrustee2024, "tag:github.com,2024:confidential-containers/Trustee", "trustee"},
    {EarProfile::kIetf03, "tag:ietf.org,2026:rats/ear#03", "ietf-03"},
}};

// How each dialect spells what both say.
struct Names {
  std::string_view status, vector, policy_ids, verifier_id, raw_evidence, key_attestation, inputs;
  bool one_policy_id;       // a text instead of a list
  std::size_t least_nonce;  // characters
};
constexpr Names kDeployed = {"ear.status",
                             "ear.trustworthiness-vector",
                             "ear.appraisal-policy-id",
                             "ear.verifier-id",
                             "ear.raw-evidence",
                             "ear.veraison.key-attestation",
                             "ear.assay.inputs",
                             true,
                             8};
constexpr Names kDraft = {"ear_status",
                          "ear_trustworthiness_vector",
                          "ear_appraisal_policy_ids",
                          "ear_verifier_id",
                          "ear_raw_evidence",
                          "ear_veraison_key_attestation",
                          "ear_assay_inputs",
                          false,
                          12};
constexpr std::size_t kMostNonce = 88;
constexpr std::int64_t kYear9999 = 253'402'300'799;  // so that sums with a skew, and dates as text, are always possible
constexpr std::size_t kMostSubmodules = 32, kMostAudiences = 16;

const Names& NamesOf(EarProfile profile) { return profile == EarProfile::kIetf03 ? kDraft : kDeployed; }

// The number that a JSON number with fraction or exponent is, if it is whole, not negative and below 10^15. Exact: no
// floating-point number comes into it.
std::optional<std::int64_t> WholeNumber(std::string_view text) {
  constexpr std::size_t kMostDigits = 15;
  const std::size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
  std::string digits(text.substr(0, exponent_at));
  std::int64_t exponent = 0;
  if (exponent_at < text.size()) {
    std::string_view given = text.substr(exponent_at + 1);
    const bool negative = given.starts_with('-');
    if (negative || given.starts_with('+')) given.remove_prefix(1);
    if (given.size() > 3) return std::nullopt;
    for (const char c : given) exponent = exponent * 10 + (c - '0');
    if (negative) exponent = -exponent;
  }
  if (const std::size_t point = digits.find('.'); point != std::string::npos) {
    exponent -= static_cast<std::int64_t>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  for (; exponent < 0 && digits.size() > 1 && digits.back() == '0'; ++exponent) digits.pop_back();
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (digits.starts_with('-') || exponent < 0 || exponent > static_cast<std::int64_t>(kMostDigits) ||
      digits.size() + static_cast<std::size_t>(exponent) > kMostDigits) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  for (const char c : digits) number = number * 10 + (c - '0');
  for (; exponent > 0; --exponent) number *= 10;
  return number;
}

// Reads one object; the first claim that is wrong stays, everything after it is moot.
class ClaimsReader {
 public:
  ClaimsReader(const json::Value& object, std::string path, std::optional<Finding>& error)
      : object_(object), path_(std::move(path)), error_(error) {
    if (object.AsObject() == nullptr) Invalid(path_, "an object", std::string(object.KindName()));
  }

  std::string PathOf(std::string_view name) const { return path_.empty() ? std::string(name) : Cat(path_, ".", name); }

  const json::Value* Optional(std::string_view name) const { return object_.Find(name); }
  const json::Value* Mandatory(std::string_view name) {
    const json::Value* value = object_.Find(name);
    if (value == nullptr && !error_) {
      error_ = Finding{.reason = Reason::kTokenClaimMissing,
                       .component = "claims",
                       .claim = Printable(PathOf(name)),
                       .expected = "the claim",
                       .actual = "none",
                       .spec = "draft-ietf-rats-ear section 3"};
    }
    return value;
  }

  void Invalid(std::string claim, std::string expected, std::string actual) {
    if (!error_) {
      error_ = Finding{.reason = Reason::kTokenClaimInvalid,
                       .component = "claims",
                       .claim = Printable(claim),
                       .expected = std::move(expected),
                       .actual = std::move(actual),
                       .spec = "draft-ietf-rats-ear section 3"};
    }
  }

  std::string Text(std::string_view name, const json::Value* value) {
    if (value == nullptr) return {};
    if (const std::string* text = value->AsString()) return *text;
    Invalid(PathOf(name), "a text", std::string(value->KindName()));
    return {};
  }
  std::string OptionalText(std::string_view name) { return Text(name, Optional(name)); }

  // NumericDate. The draft demands integers; tokens of the deployed profile may spell one with fraction or exponent.
  std::optional<std::int64_t> Date(std::string_view name, const json::Value* value, bool integer_only) {
    if (value == nullptr) return std::nullopt;
    std::optional<std::int64_t> date = value->AsInt64();
    if (const std::string* text = value->AsOtherNumber(); text != nullptr && !integer_only) date = WholeNumber(*text);
    if (!date || *date < 0 || *date > kYear9999) {
      Invalid(PathOf(name), "seconds since 1970 as a whole number, up to the year 9999",
              value->AsOtherNumber() != nullptr ? Printable(*value->AsOtherNumber(), 32)
              : date                            ? std::to_string(*date)
                                                : std::string(value->KindName()));
      return std::nullopt;
    }
    return date;
  }

  // A tier by name, by number, or by number as text (veraison/ear writes all three).
  Tier Status(std::string_view name, const json::Value* value) {
    if (value == nullptr) return Tier::kNone;
    for (const Tier tier : {Tier::kNone, Tier::kAffirming, Tier::kWarning, Tier::kContraindicated}) {
      const auto number = static_cast<std::uint64_t>(tier);
      const std::string* text = value->AsString();
      if (value->AsUint64() == number || (text != nullptr && (*text == NameOf(tier) || *text == std::to_string(number)))) return tier;
    }
    const std::string* text = value->AsString();
    Invalid(PathOf(name), "none, affirming, warning or contraindicated (0, 2, 32, 96)",
            text != nullptr    ? Cat("'", Printable(*text, 32), "'")
            : value->AsInt64() ? std::to_string(*value->AsInt64())
                               : std::string(value->KindName()));
    return Tier::kContraindicated;
  }

 private:
  const json::Value& object_;
  const std::string path_;
  std::optional<Finding>& error_;
};

std::optional<std::size_t> ClaimIndex(std::string_view name) {
  for (std::size_t i = 0; i < kTrustworthinessClaims; ++i) {
    if (kClaimNames[i] == name) return i;
  }
  return std::nullopt;
}

void ReadVector(const json::Value& value, const std::string& path, EarSubmodule& submodule, std::optional<Finding>& error) {
  ClaimsReader reader(value, path, error);
  if (error) return;
  submodule.has_vector = true;
  for (const json::Member& member : *value.AsObject()) {
    const std::optional<std::int64_t> number = member.value.AsInt64();
    if (!number || *number < -128 || *number > 127) {
      return reader.Invalid(reader.PathOf(member.name), "a whole number from -128 to 127",
                            number ? std::to_string(*number) : std::string(member.value.KindName()));
    }
    if (const auto index = ClaimIndex(member.name)) submodule.vector[*index] = static_cast<std::int8_t>(*number);
    else submodule.other_claims.emplace_back(member.name, static_cast<std::int8_t>(*number));
  }
}

EarSubmodule ReadSubmodule(const json::Member& member, const Names& names, std::optional<Finding>& error) {
  const std::string path = Cat("submods.", member.name);
  EarSubmodule submodule{.label = member.name};
  ClaimsReader reader(member.value, path, error);
  if (error) return submodule;
  submodule.status = reader.Status(names.status, reader.Mandatory(names.status));
  if (const json::Value* vector = reader.Optional(names.vector)) ReadVector(*vector, reader.PathOf(names.vector), submodule, error);
  if (const json::Value* policies = reader.Optional(names.policy_ids)) {
    if (names.one_policy_id) {
      submodule.policy_ids.push_back(reader.Text(names.policy_ids, policies));
    } else if (policies->AsArray() == nullptr || policies->AsArray()->empty()) {
      reader.Invalid(reader.PathOf(names.policy_ids), "a list of at least one text",
                     policies->AsArray() == nullptr ? std::string(policies->KindName()) : "an empty list");
    } else {
      for (const json::Value& id : *policies->AsArray()) submodule.policy_ids.push_back(reader.Text(names.policy_ids, &id));
    }
  }
  if (const json::Value* attestation = reader.Optional(names.key_attestation)) {
    const json::Value* key = attestation->Find("akpub");  // may be absent: then no key is attested
    const std::string* text = key == nullptr ? nullptr : key->AsString();
    submodule.attested_key = text == nullptr ? std::nullopt : codec::FromBase64Url(*text);
    if (text != nullptr && !submodule.attested_key) {
      reader.Invalid(reader.PathOf(names.key_attestation), "akpub in unpadded base64url", "something else");
    }
  }
  return submodule;
}

void ReadAudience(ClaimsReader& reader, EarClaims& claims) {
  const json::Value* audience = reader.Optional("aud");
  if (audience == nullptr) return;
  if (const auto* list = audience->AsArray()) {  // RFC 7519 section 4.1.3: a text, or a list of texts
    if (list->size() > kMostAudiences) return reader.Invalid("aud", Cat("at most ", kMostAudiences, " texts"), Cat(list->size()));
    for (const json::Value& each : *list) claims.audience.push_back(reader.Text("aud", &each));
  } else {
    claims.audience.push_back(reader.Text("aud", audience));
  }
}

void ReadHolder(ClaimsReader& reader, EarClaims& claims) {
  const json::Value* confirmation = reader.Optional("cnf");
  const json::Value* jwk = confirmation == nullptr ? nullptr : confirmation->Find("jwk");
  if (jwk == nullptr) return;
  const Outcome<Jwk> key = ReadJwk(*jwk, "cnf.jwk");
  if (key) claims.holder = key->key;
  else reader.Invalid(key.findings().front().component, key.findings().front().expected, key.findings().front().actual);
}

}  // namespace

std::string_view NameOf(Tier tier) {
  switch (tier) {
    case Tier::kNone: return "none";
    case Tier::kAffirming: return "affirming";
    case Tier::kWarning: return "warning";
    case Tier::kContraindicated: return "contraindicated";
  }
  return "none";
}

// AR4SI section 2.3.3: standard values are positive, a verifier's own negative.
Tier TierOf(std::int8_t value) {
  if (value >= -1 && value <= 1) return Tier::kNone;
  if (value >= -32 && value <= 31) return Tier::kAffirming;
  if (value >= -96 && value <= 95) return Tier::kWarning;
  return Tier::kContraindicated;
}

bool WorseThan(Tier a, Tier b) { return static_cast<int>(a) > static_cast<int>(b); }

std::string_view TrustworthinessClaimName(std::size_t index) { return kClaimNames[index]; }

std::array<EarProfileEntry, 3> AllEarProfiles() { return kProfiles; }
std::string_view UriOf(EarProfile profile) { return kProfiles[static_cast<std::size_t>(profile)].uri; }

Outcome<EarClaims> ReadEar(const json::Value& claims_set) {
  std::optional<Finding> error;
  ClaimsReader reader(claims_set, "", error);
  EarClaims claims;
  const std::string uri = error ? "" : reader.Text("eat_profile", reader.Mandatory("eat_profile"));
  if (error) return *std::move(error);
  const auto known = std::find_if(kProfiles.begin(), kProfiles.end(), [&](const EarProfileEntry& entry) { return entry.uri == uri; });
  if (known == kProfiles.end()) {
    return Finding{.reason = Reason::kTokenProfileUnknown,
                   .component = "claims",
                   .claim = "eat_profile",
                   .expected = Cat(kProfiles[0].uri, ", ", kProfiles[1].uri, " or ", kProfiles[2].uri),
                   .actual = Cat("'", Printable(uri, 64), "'"),
                   .spec = "draft-ietf-rats-ear section 3"};
  }
  claims.profile = known->profile;
  const Names& names = NamesOf(claims.profile);

  const bool integer_only = claims.profile == EarProfile::kIetf03;
  claims.issued_at = reader.Date("iat", reader.Mandatory("iat"), integer_only).value_or(0);
  claims.expires = reader.Date("exp", reader.Optional("exp"), integer_only);
  claims.not_before = reader.Date("nbf", reader.Optional("nbf"), integer_only);
  claims.issuer = reader.OptionalText("iss");
  claims.subject = reader.OptionalText("sub");
  claims.token_id = reader.OptionalText("jti");
  ReadAudience(reader, claims);
  ReadHolder(reader, claims);
  if (const json::Value* verifier = reader.Mandatory(names.verifier_id)) {
    ClaimsReader id(*verifier, std::string(names.verifier_id), error);
    if (error) return *std::move(error);
    claims.verifier_developer = id.Text("developer", id.Mandatory("developer"));
    claims.verifier_build = id.Text("build", id.Mandatory("build"));
    for (const json::Member& member : *verifier->AsObject()) {
      if (member.name != "developer" && member.name != "build") {
        id.Invalid(id.PathOf(member.name), "developer and build only", "another member");
      }
    }
  }
  if (const json::Value* nonce = reader.Optional("eat_nonce")) {
    claims.nonce = reader.Text("eat_nonce", nonce);
    if (!error && (claims.nonce->size() < names.least_nonce || claims.nonce->size() > kMostNonce)) {
      reader.Invalid("eat_nonce", Cat(names.least_nonce, " to ", kMostNonce, " characters"), Cat(claims.nonce->size()));
    }
  }
  if (const json::Value* status = reader.Optional(names.status)) claims.status = reader.Status(names.status, status);
  reader.OptionalText(names.raw_evidence);
  if (const json::Value* submodules = reader.Mandatory("submods")) {
    const auto* members = submodules->AsObject();
    if (members == nullptr || members->empty() || members->size() > kMostSubmodules) {
      reader.Invalid("submods", Cat("an object with 1 to ", kMostSubmodules, " appraisals"),
                     members == nullptr ? std::string(submodules->KindName()) : Cat(members->size()));
    } else {
      for (const json::Member& member : *members) claims.submodules.push_back(ReadSubmodule(member, names, error));
    }
  }
  if (error) return *std::move(error);
  return claims;
}

json::Value WriteEar(const EarClaims& claims) {
  using json::Value;
  const Names& names = NamesOf(claims.profile);
  Value set = Value::MakeObject();
  set.Add("eat_profile", Value::String(UriOf(claims.profile)));
  set.Add("iat", Value::Integer(claims.issued_at));
  if (claims.expires) set.Add("exp", Value::Integer(*claims.expires));
  if (claims.not_before) set.Add("nbf", Value::Integer(*claims.not_before));
  for (const auto& [name, text] :
       {std::pair("iss", &claims.issuer), std::pair("sub", &claims.subject), std::pair("jti", &claims.token_id)}) {
    if (!text->empty()) set.Add(name, Value::String(*text));
  }
  if (claims.audience.size() == 1) {
    set.Add("aud", Value::String(claims.audience.front()));
  } else if (!claims.audience.empty()) {
    Value& list = set.Add("aud", Value::MakeArray());
    for (const std::string& audience : claims.audience) list.Append(Value::String(audience));
  }
  Value& verifier = set.Add(names.verifier_id, Value::MakeObject());
  verifier.Add("developer", Value::String(claims.verifier_developer));
  verifier.Add("build", Value::String(claims.verifier_build));
  if (claims.nonce) set.Add("eat_nonce", Value::String(*claims.nonce));
  if (claims.status) set.Add(names.status, Value::String(NameOf(*claims.status)));
  if (claims.holder) set.Add("cnf", Value::MakeObject()).Add("jwk", ToJwk(*claims.holder, ""));
  if (claims.inputs) {
    Value& inputs = set.Add(names.inputs, Value::MakeObject());
    inputs.Add("alg", Value::String("sha-256"));
    Value& evidence = inputs.Add("evidence", Value::MakeArray());
    for (const Bytes& digest : claims.inputs->evidence) evidence.Append(Value::String(ToHex(digest)));
    inputs.Add("collateral", Value::String(ToHex(claims.inputs->collateral)));
    inputs.Add("policy", Value::String(ToHex(claims.inputs->policy)));
    inputs.Add("appraisal", Value::String(ToHex(claims.inputs->appraisal)));
  }
  Value& submodules = set.Add("submods", Value::MakeObject());
  for (const EarSubmodule& submodule : claims.submodules) {
    Value& appraisal = submodules.Add(submodule.label, Value::MakeObject());
    appraisal.Add(names.status, Value::String(NameOf(submodule.status)));
    if (submodule.has_vector) {
      Value& vector = appraisal.Add(names.vector, Value::MakeObject());
      for (std::size_t i = 0; i < kTrustworthinessClaims; ++i) {
        if (submodule.vector[i]) vector.Add(kClaimNames[i], Value::Integer(*submodule.vector[i]));
      }
      for (const auto& [name, value] : submodule.other_claims) vector.Add(name, Value::Integer(value));
    }
    if (names.one_policy_id && !submodule.policy_ids.empty()) {
      appraisal.Add(names.policy_ids, Value::String(submodule.policy_ids.front()));
    } else if (!submodule.policy_ids.empty()) {
      Value& ids = appraisal.Add(names.policy_ids, Value::MakeArray());
      for (const std::string& id : submodule.policy_ids) ids.Append(Value::String(id));
    }
    if (submodule.attested_key) {
      appraisal.Add(names.key_attestation, Value::MakeObject()).Add("akpub", Value::String(codec::ToBase64Url(*submodule.attested_key)));
    }
  }
  return set;
}

std::vector<Finding> Contradictions(const EarClaims& claims) {
  std::vector<Finding> findings;
  const auto contradict = [&](std::string claim, Tier at_best, Tier actual) {
    findings.push_back({.reason = Reason::kTokenStatusInconsistent,
                        .component = "claims",
                        .claim = Printable(claim),
                        .expected = Cat(NameOf(at_best), " or worse"),
                        .actual = std::string(NameOf(actual)),
                        .spec = "draft-ietf-rats-ear section 3"});
  };
  Tier worst_submodule = Tier::kNone;
  for (const EarSubmodule& submodule : claims.submodules) {
    Tier worst = Tier::kNone;
    const auto look = [&](std::int8_t value) { worst = WorseThan(TierOf(value), worst) ? TierOf(value) : worst; };
    for (const auto& value : submodule.vector) {
      if (value) look(*value);
    }
    for (const auto& [name, value] : submodule.other_claims) look(value);
    if (WorseThan(worst, submodule.status)) contradict(Cat("submods.", submodule.label), worst, submodule.status);
    if (WorseThan(submodule.status, worst_submodule)) worst_submodule = submodule.status;
  }
  if (claims.status && WorseThan(worst_submodule, *claims.status)) contradict("status", worst_submodule, *claims.status);
  return findings;
}

}  // namespace assay::token

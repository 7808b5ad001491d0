// The CBOR form of an EAR: the same claims under integer keys. It is rewritten into the JSON form, which is then read as any
// other: two readers could disagree, one can't.
#include <algorithm>
#include <iterator>

#include "base/strings.h"
#include "codec/base64.h"
#include "token/ear.h"

namespace assay::token {
namespace {

using json::Value;

enum class Level : std::uint8_t { kToken, kSubmodules, kSubmodule, kVerifierId, kVector, kKeyAttestation };

struct Key {
  Level level;
  std::int64_t number;
  std::string_view deployed, draft;
  std::optional<Level> inner = {};  // what the value's own keys mean
};
// RFC 8392 section 4, RFC 9711 section 10, draft-ietf-rats-ear section 3.
constexpr Key kKeys[] = {
    {Level::kToken, 1, "iss", "iss"},
    {Level::kToken, 2, "sub", "sub"},
    {Level::kToken, 3, "aud", "aud"},
    {Level::kToken, 4, "exp", "exp"},
    {Level::kToken, 5, "nbf", "nbf"},
    {Level::kToken, 6, "iat", "iat"},
    {Level::kToken, 7, "jti", "jti"},
    {Level::kToken, 10, "eat_nonce", "eat_nonce"},
    {Level::kToken, 265, "eat_profile", "eat_profile"},
    {Level::kToken, 266, "submods", "submods", Level::kSubmodules},
    {Level::kToken, 1000, "ear.status", "ear_status"},
    {Level::kToken, 1002, "ear.raw-evidence", "ear_raw_evidence"},
    {Level::kToken, 1004, "ear.verifier-id", "ear_verifier_id", Level::kVerifierId},
    {Level::kSubmodule, 1000, "ear.status", "ear_status"},
    {Level::kSubmodule, 1001, "ear.trustworthiness-vector", "ear_trustworthiness_vector", Level::kVector},
    {Level::kSubmodule, 1003, "ear.appraisal-policy-id", "ear_appraisal_policy_ids"},
    {Level::kSubmodule, -70002, "ear.veraison.key-attestation", "ear_veraison_key_attestation", Level::kKeyAttestation},
    {Level::kVerifierId, 0, "developer", "developer"},
    {Level::kVerifierId, 1, "build", "build"},
    {Level::kVector, 0, "instance-identity", "instance-identity"},
    {Level::kVector, 1, "configuration", "configuration"},
    {Level::kVector, 2, "executables", "executables"},
    {Level::kVector, 3, "file-system", "file-system"},
    {Level::kVector, 4, "hardware", "hardware"},
    {Level::kVector, 5, "runtime-opaque", "runtime-opaque"},
    {Level::kVector, 6, "storage-opaque", "storage-opaque"},
    {Level::kVector, 7, "sourced-data", "sourced-data"},
};

class Rewriter {
 public:
  explicit Rewriter(bool draft) : draft_(draft) {}

  Value Map(const cbor::Value::Map& map, Level level) {
    Value object = Value::MakeObject(map.size());
    for (const cbor::Entry& entry : map) {
      std::string name;
      std::optional<Level> inner;
      if (const std::string* text = entry.key.AsString()) {
        // A text key at a level of integer keys is a private claim; it can't stand in for a registered one.
        if (level != Level::kSubmodules && IsName(level, *text)) continue;
        name = *text;
        if (level == Level::kSubmodules) inner = Level::kSubmodule;
      } else {
        const std::int64_t number = *entry.key.AsInt64();
        const auto key = std::find_if(std::begin(kKeys), std::end(kKeys),
                                      [&](const Key& known) { return known.level == level && known.number == number; });
        name = key == std::end(kKeys) ? Cat("cbor:", number) : std::string(draft_ ? key->draft : key->deployed);
        if (key != std::end(kKeys)) inner = key->inner;
      }
      if (object.Find(name) == nullptr) object.Add(name, Any(entry.value, inner));
    }
    return object;
  }

 private:
  bool IsName(Level level, std::string_view name) const {
    return std::any_of(std::begin(kKeys), std::end(kKeys),
                       [&](const Key& key) { return key.level == level && (draft_ ? key.draft : key.deployed) == name; });
  }

  // What is not known is ignored later; null stands for what JSON has no word for.
  Value Any(const cbor::Value& value, std::optional<Level> inner) {
    if (const auto* map = value.AsMap()) return inner ? Map(*map, *inner) : Value::MakeObject();
    if (const auto* array = value.AsArray()) {
      Value list = Value::MakeArray(array->size());
      for (const cbor::Value& element : *array) list.Append(Any(element, std::nullopt));
      return list;
    }
    if (const Bytes* bytes = value.AsBytes()) return Value::String(codec::ToBase64Url(*bytes));
    if (const std::string* text = value.AsString()) return Value::String(*text);
    if (const auto number = value.AsInt64()) return Value::Integer(*number);
    if (const auto number = value.AsUint64()) return Value::Integer(*number);
    if (const auto flag = value.AsBool()) return Value::Bool(*flag);
    return Value::Null();
  }

  const bool draft_;
};

constexpr std::int64_t kEatProfile = 265;

}  // namespace

Outcome<EarClaims> ReadEar(const cbor::Value& claims_set) {
  if (claims_set.AsMap() == nullptr) {
    return Finding{
        .reason = Reason::kTokenClaimInvalid, .component = "claims", .expected = "a map", .actual = std::string(claims_set.KindName())};
  }
  const cbor::Value* profile = claims_set.Find(kEatProfile);
  const bool draft = profile != nullptr && profile->AsString() != nullptr && *profile->AsString() == UriOf(EarProfile::kIetf03);
  return ReadEar(Rewriter(draft).Map(*claims_set.AsMap(), Level::kToken));
}

}  // namespace assay::token

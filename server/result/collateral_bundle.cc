#include "result/collateral_bundle.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "token/jws.h"

namespace assay::result {
namespace {

constexpr std::string_view kType = "assay-collateral-bundle", kComponent = "bundle";
constexpr std::size_t kMostHeadBytes = 4096, kLongestText = 256, kMostFloors = 16'384;

// Reads members by name; whatever is wrong first is remembered.
class Members {
 public:
  Members(const json::Value& value, std::initializer_list<std::string_view> names, std::string where, std::string& wrong)
      : value_(value), where_(std::move(where)), wrong_(wrong) {
    const json::Value::Object* object = value.AsObject();
    if (object == nullptr) Say("", "an object", value.KindName());
    else
      for (const json::Member& member : *object) {
        if (std::find(names.begin(), names.end(), member.name) == names.end()) Say(Printable(member.name, 64), "no such member", "one");
      }
  }

  std::string Text(std::string_view name) {
    const json::Value* member = value_.Find(name);
    const std::string* text = member == nullptr ? nullptr : member->AsString();
    if (text == nullptr) return Say(name, "a string", member == nullptr ? "none" : member->KindName()), std::string();
    if (text->size() > kLongestText || Printable(*text, kLongestText) != *text) {
      return Say(name, Cat("at most ", kLongestText, " bytes of printable text"), Cat(text->size(), " bytes")), std::string();
    }
    return *text;
  }
  Bytes Octets(std::string_view name) {
    const json::Value* member = value_.Find(name);
    const std::string* text = member == nullptr ? nullptr : member->AsString();
    std::optional<Bytes> octets = text == nullptr ? std::nullopt : codec::FromBase64(*text);
    if (!octets || octets->empty()) {
      return Say(name, "base64 of at least one byte", text == nullptr ? "no string" : "something else"), Bytes();
    }
    return *std::move(octets);
  }
  std::uint64_t Number(std::string_view name) {
    const json::Value* member = value_.Find(name);
    const auto number = member == nullptr ? std::nullopt : member->AsUint64();
    if (!number) return Say(name, "an integer that is not negative", member == nullptr ? "none" : member->KindName()), 0;
    return *number;
  }
  Time At(std::string_view name) {
    const std::string text = Text(name);
    const auto time = ParseTime(text);
    if (!time && wrong_.empty()) Say(name, "a time", text);
    return time.value_or(Time{});
  }
  const json::Value::Array* Array(std::string_view name, std::size_t most) {
    const json::Value* member = value_.Find(name);
    const json::Value::Array* array = member == nullptr ? nullptr : member->AsArray();
    if (array == nullptr) return Say(name, "an array", member == nullptr ? "none" : member->KindName()), nullptr;
    if (array->size() > most) return Say(name, Cat("at most ", most, " elements"), std::to_string(array->size())), nullptr;
    return array;
  }
  void Say(std::string_view name, std::string_view expected, std::string_view actual) {
    if (wrong_.empty()) {
      wrong_ = Cat(where_, name.empty() || where_.empty() ? "" : ".", name, ": expected ", expected, ", actual ", Printable(actual, 64));
    }
  }

 private:
  const json::Value& value_;
  const std::string where_;
  std::string& wrong_;
};

trust::CollateralKey ReadKey(Members& members, std::string& wrong, std::string_view where) {
  trust::CollateralKey key{members.Text("kind"), members.Text("scope"), members.Text("detail")};
  if (key.kind.empty() && wrong.empty()) wrong = Cat(where, ".kind: expected a kind of collateral, actual nothing");
  return key;
}

trust::Channel ReadChannel(Members& members) {
  const std::string name = members.Text("channel");
  const auto channel = trust::ChannelNamed(name);
  if (!channel) members.Say("channel", "standard or early", name);
  return channel.value_or(trust::Channel::kStandard);
}

void WriteKey(const trust::CollateralKey& key, trust::Channel channel, json::Value& object) {
  object.Add("kind", json::Value::String(key.kind));
  object.Add("scope", json::Value::String(key.scope));
  object.Add("detail", json::Value::String(key.detail));
  object.Add("channel", json::Value::String(trust::NameOf(channel)));
}

std::string BodyOf(const CollateralBundle& bundle) {
  json::Value documents = json::Value::MakeArray(bundle.documents.size()), floors = json::Value::MakeArray(bundle.floors.size());
  for (const BundleDocument& document : bundle.documents) {
    json::Value object = json::Value::MakeObject(6);
    WriteKey(document.key, document.channel, object);
    object.Add("obtained", json::Value::String(FormatTime(document.obtained)));
    object.Add("body", json::Value::String(codec::ToBase64(document.body)));
    documents.Append(std::move(object));
  }
  for (const trust::Floor& floor : bundle.floors) {
    json::Value object = json::Value::MakeObject(6);
    WriteKey(floor.edition.series, floor.channel, object);
    // As text: numbers of lists may be larger than what JSON's readers agree on.
    object.Add("number", json::Value::String(std::to_string(floor.edition.number)));
    object.Add("issued", json::Value::String(FormatTime(floor.edition.issued)));
    floors.Append(std::move(object));
  }
  json::Value body = json::Value::MakeObject(2);
  body.Add("documents", std::move(documents));
  body.Add("floors", std::move(floors));
  return *json::Canonical(body);
}

std::optional<std::uint64_t> Decimal(std::string_view text) {
  if (text.empty() || text.size() > 20 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    const auto value = static_cast<std::uint64_t>(digit - '0');
    if (number > (~std::uint64_t{0} - value) / 10) return std::nullopt;
    number = number * 10 + value;
  }
  return number;
}

// What is wrong with it first; empty: nothing.
std::string ReadBody(const json::Value& tree, CollateralBundle& bundle) {
  std::string wrong;
  Members body(tree, {"documents", "floors"}, "", wrong);
  std::set<std::pair<trust::CollateralKey, trust::Channel>> seen, floors_seen;
  if (const auto* documents = body.Array("documents", kMostBundleDocuments)) {
    for (std::size_t i = 0; i < documents->size() && wrong.empty(); ++i) {
      const std::string where = Cat("documents[", i, "]");
      Members members((*documents)[i], {"kind", "scope", "detail", "channel", "obtained", "body"}, where, wrong);
      BundleDocument document{ReadKey(members, wrong, where), ReadChannel(members), members.At("obtained"), members.Octets("body")};
      if (!seen.emplace(document.key, document.channel).second) {
        members.Say("", "each document once", Cat(document.key.ToString(), " twice"));
      }
      bundle.documents.push_back(std::move(document));
    }
  }
  if (const auto* floors = body.Array("floors", kMostFloors)) {
    for (std::size_t i = 0; i < floors->size() && wrong.empty(); ++i) {
      const std::string where = Cat("floors[", i, "]");
      Members members((*floors)[i], {"kind", "scope", "detail", "channel", "number", "issued"}, where, wrong);
      trust::Floor floor{{ReadKey(members, wrong, where), 0, {}}, ReadChannel(members)};
      const auto number = Decimal(members.Text("number"));
      if (!number) members.Say("number", "a decimal of 64 bits", "something else");
      floor.edition.number = number.value_or(0);
      floor.edition.issued = members.At("issued");
      if (!floors_seen.emplace(floor.edition.series, floor.channel).second) {
        members.Say("", "each floor once", Cat(floor.edition.series.ToString(), " twice"));
      }
      bundle.floors.push_back(std::move(floor));
    }
  }
  return wrong;
}

}  // namespace

std::optional<std::string> SignBundle(const CollateralBundle& bundle, const SigningKey& key) {
  const std::string body = BodyOf(bundle);
  json::Value head = json::Value::MakeObject(3);
  head.Add("number", json::Value::Integer(bundle.number));
  head.Add("made", json::Value::String(FormatTime(bundle.made)));
  head.Add("sha256", json::Value::String(ToHex(crypto::Sha256(AsBytes(body)))));
  std::string file = Cat(token::SignJws(*json::Canonical(head), key.id(), kType, key.key()), "\n", body);
  if (file.size() > kMostBundleBytes || bundle.documents.size() > kMostBundleDocuments) return std::nullopt;
  return file;
}

std::optional<SignedBundle> OpenBundle(std::string_view file, std::span<const token::Jwk> keys, CheckLog& log) {
  const auto malformed = [&](std::string claim, std::string expected, std::string actual) {
    log.Require(Check::kBundleForm, false, [&] {
      return Finding{.reason = Reason::kBundleMalformed,
                     .component = std::string(kComponent),
                     .claim = std::move(claim),
                     .expected = std::move(expected),
                     .actual = std::move(actual)};
    });
  };
  if (file.size() > kMostBundleBytes) {
    return malformed("size", Cat("at most ", kMostBundleBytes, " bytes"), Cat(file.size(), " bytes")), std::nullopt;
  }
  const std::size_t end = file.substr(0, kMostHeadBytes).find('\n');
  if (end == std::string_view::npos) return malformed("head", "a signed head, and a line feed behind it", "none"), std::nullopt;
  const Outcome<token::Jws> jws = token::ParseJws(file.substr(0, end));
  if (!jws) return malformed("head", "a JWS", Cat(jws.findings().front().claim, " ", jws.findings().front().actual)), std::nullopt;
  if (jws->type != kType) return malformed("head.typ", std::string(kType), Printable(jws->type, 64)), std::nullopt;

  const auto key = std::find_if(keys.begin(), keys.end(), [&](const token::Jwk& candidate) {
    return jws->key_id && token::AlgorithmFor(candidate.key) == "ES256" && token::Thumbprint(candidate.key) == *jws->key_id;
  });
  if (!log.Require(Check::kBundleKey, key != keys.end(),
                   [&] {
                     return Finding{.reason = Reason::kBundleKeyUnknown,
                                    .component = std::string(kComponent),
                                    .claim = "head.kid",
                                    .expected = Cat("one of the ", keys.size(), " keys configured for import"),
                                    .actual = Printable(jws->key_id.value_or("none"), 64)};
                   }) ||
      key == keys.end()) {
    return std::nullopt;
  }
  const auto refuse = [&](Check check, std::string claim, std::string expected, std::string actual) {
    return [&log, check, claim = std::move(claim), expected = std::move(expected), actual = std::move(actual)](bool holds) {
      return log.Require(check, holds, [&] {
        return Finding{.reason = Reason::kBundleNotAuthentic,
                       .component = std::string(kComponent),
                       .claim = claim,
                       .expected = expected,
                       .actual = actual};
      });
    };
  };
  CheckLog of_jws;
  if (!refuse(Check::kBundleSignature, "head", "a signature by that key",
              "one that does not verify")(token::VerifyJws(*jws, key->key, of_jws))) {
    return std::nullopt;
  }

  SignedBundle opened{.bundle = {}, .key_id = *jws->key_id, .sha256 = crypto::Sha256(AsBytes(file))};
  const Outcome<json::Value> head = json::Parse(jws->payload);
  if (!head) return malformed("head", "a JSON object", "something else"), std::nullopt;
  std::string wrong;
  Members members(*head, {"number", "made", "sha256"}, "head", wrong);
  const std::uint64_t number = members.Number("number");
  if (number == 0 || number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    members.Say("number", "1 to 2^63-1", std::to_string(number));
  }
  opened.bundle.number = static_cast<std::int64_t>(number);
  opened.bundle.made = members.At("made");
  const std::string sha256 = members.Text("sha256");
  if (!wrong.empty()) return malformed("", "a head as it is written", wrong), std::nullopt;
  const std::string_view body = file.substr(end + 1);
  const std::string actual = ToHex(crypto::Sha256(AsBytes(body)));
  if (!refuse(Check::kBundleDigest, "sha256", sha256, actual)(sha256 == actual)) return std::nullopt;

  const Outcome<json::Value> tree = json::Parse(body, kComponent, {.bytes = kMostBundleBytes});
  if (!tree) return malformed("body", "one JSON object", tree.findings().front().actual), std::nullopt;
  if (std::string bad = ReadBody(*tree, opened.bundle); !bad.empty()) {
    return malformed("body", "what a verifier writes", std::move(bad)), std::nullopt;
  }
  log.Pass(Check::kBundleForm);
  return opened;
}

}  // namespace assay::result

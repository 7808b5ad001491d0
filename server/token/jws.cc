#include "token/jws.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "codec/syntax_error.h"
#include "crypto/signature.h"

namespace assay::token {
namespace {

constexpr std::string_view kSpec = "RFC 7515";
constexpr json::Limits kHeaderLimits{.bytes = 16 * 1024, .depth = 8, .values = 256};

Finding Malformed(std::string component, std::string expected, std::string actual) {
  return {.reason = Reason::kTokenMalformed, .component = std::move(component), .expected = std::move(expected), .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

// A string member; nullopt and a finding if it is of another kind. "" if it is absent.
std::optional<std::string> TextMember(const json::Value& header, std::string_view name, std::optional<Finding>& error) {
  const json::Value* value = header.Find(name);
  if (value == nullptr) return "";
  if (const std::string* text = value->AsString()) return *text;
  error = Malformed(Cat("header.", name), "a string", std::string(value->KindName()));
  return std::nullopt;
}

}  // namespace

Outcome<Jws> ParseJws(std::string_view token) {
  if (token.size() > kMaxTokenSize) return codec::OverLimit("token", "bytes", kMaxTokenSize, std::to_string(token.size()));
  // Counted before anything is split: a token of nothing but dots costs one pass.
  const auto dots = std::count(token.begin(), token.end(), '.');
  if (dots != 2) return Malformed("token", "three parts with two dots between them", Cat(dots, dots == 1 ? " dot" : " dots"));
  const std::size_t first = token.find('.'), second = token.find('.', first + 1);

  Jws jws;
  jws.signing_input = std::string(token.substr(0, second));
  const auto header = codec::FromBase64Url(token.substr(0, first));
  auto payload = codec::FromBase64Url(token.substr(first + 1, second - first - 1));
  auto signature = codec::FromBase64Url(token.substr(second + 1));
  for (const auto& [decoded, name] : {std::pair(header.has_value(), "header"), std::pair(payload.has_value(), "payload"),
                                      std::pair(signature.has_value(), "signature")}) {
    if (!decoded) return Malformed(name, "unpadded base64url", "other characters, padding or spare bits");
  }
  Outcome<json::Value> tree = json::Parse(AsText(*header), "header", kHeaderLimits);
  if (!tree) return Malformed("header", "one JSON object", codec::MessageOf(tree.findings().front()));
  if (tree->AsObject() == nullptr) return Malformed("header", "a JSON object", std::string(tree->KindName()));
  for (const std::string_view name : {"crit", "b64"}) {
    if (tree->Find(name) != nullptr) {
      return Finding{.reason = Reason::kTokenAlgorithmRefused, .component = Cat("header.", name), .expected = "no critical extension", .actual = "one", .spec = "RFC 7515 section 4.1.11"};
    }
  }
  std::optional<Finding> error;
  const auto algorithm = TextMember(*tree, "alg", error), key_id = TextMember(*tree, "kid", error), type = TextMember(*tree, "typ", error);
  if (error) return *std::move(error);
  if (algorithm->empty()) return Malformed("header.alg", "the name of an algorithm", "none");
  jws.algorithm = *algorithm;
  if (tree->Find("kid") != nullptr) jws.key_id = *key_id;
  jws.type = *type;
  jws.header = std::move(tree).value();
  jws.payload = std::string(AsText(*payload));
  jws.signature = *std::move(signature);
  return jws;
}

std::string_view AlgorithmFor(const crypto::PublicKey& key) {
  switch (key.kind()) {
    case crypto::KeyKind::kEcP256: return "ES256";
    case crypto::KeyKind::kEcP384: return "ES384";
    case crypto::KeyKind::kRsa: return "";
  }
  return "";
}

bool VerifyJws(const Jws& jws, const crypto::PublicKey& key, CheckLog& log) {
  const std::string_view algorithm = AlgorithmFor(key);
  if (!log.Require(Check::kTokenAlgorithm, !algorithm.empty() && jws.algorithm == algorithm, [&] {
        return Finding{.reason = Reason::kTokenAlgorithmRefused, .component = "header.alg",
                       .expected = algorithm.empty() ? Cat("an EC key, actual key: ", NameOf(key.kind())) : std::string(algorithm),
                       .actual = Cat("'", Printable(jws.algorithm, 32), "'"), .spec = "RFC 8725 section 3.1"};
      })) {
    return false;
  }
  const crypto::HashAlgorithm hash = key.kind() == crypto::KeyKind::kEcP384 ? crypto::HashAlgorithm::kSha384 : crypto::HashAlgorithm::kSha256;
  return log.Require(Check::kTokenSignature, crypto::VerifyEcdsaP1363(key, hash, AsBytes(jws.signing_input), jws.signature), [&] {
    return Finding{.reason = Reason::kTokenSignatureInvalid, .component = "signature", .expected = Cat("a signature by the configured ", NameOf(key.kind()), " key"),
                   .actual = jws.signature.empty() ? "none" : "one that does not verify", .spec = "RFC 7518 section 3.4"};
  });
}

std::string SignJws(std::string_view payload, std::string_view key_id, std::string_view type, const crypto::PrivateKey& key) {
  json::Value header = json::Value::MakeObject(3);
  header.Add("alg", json::Value::String("ES256"));
  header.Add("kid", json::Value::String(key_id));
  header.Add("typ", json::Value::String(type));
  const Outcome<std::string> text = json::Canonical(header);
  std::string input = Cat(codec::ToBase64Url(AsBytes(*text)), ".", codec::ToBase64Url(AsBytes(payload)));
  return Cat(input, ".", codec::ToBase64Url(key.SignP1363(AsBytes(input))));
}

}  // namespace assay::token

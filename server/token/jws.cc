#include "token/jws.h"

#include <algorithm>
#include <utility>

#include "base/absl_bridge.h"
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
  return {.reason = Reason::kTokenMalformed,
          .component = std::move(component),
          .expected = std::move(expected),
          .actual = std::move(actual),
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

struct Algorithm {
  std::string_view name;
  crypto::KeyKind kind;
};
constexpr Algorithm kAlgorithms[] = {  // in the order of JwsAlgorithm
    {"ES256", crypto::KeyKind::kEcP256},
    {"ES384", crypto::KeyKind::kEcP384},
    {"RS256", crypto::KeyKind::kRsa},
    {"PS256", crypto::KeyKind::kRsa}};

bool Verifies(JwsAlgorithm algorithm, const crypto::PublicKey& key, ByteView message, ByteView signature) {
  using crypto::HashAlgorithm;
  constexpr int kPs256Salt = 32;  // RFC 7518 section 3.5: of the hash's size
  switch (algorithm) {
    case JwsAlgorithm::kEs256: return crypto::VerifyEcdsaP1363(key, HashAlgorithm::kSha256, message, signature);
    case JwsAlgorithm::kEs384: return crypto::VerifyEcdsaP1363(key, HashAlgorithm::kSha384, message, signature);
    case JwsAlgorithm::kRs256: return crypto::VerifyRsaPkcs1(key, HashAlgorithm::kSha256, message, signature);
    case JwsAlgorithm::kPs256:
      return crypto::VerifyRsaPss(key, HashAlgorithm::kSha256, HashAlgorithm::kSha256, kPs256Salt, message, signature);
  }
  return false;
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
      return Finding{.reason = Reason::kTokenAlgorithmRefused,
                     .component = Cat("header.", name),
                     .expected = "no critical extension",
                     .actual = "one",
                     .spec = "RFC 7515 section 4.1.11"};
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
    case crypto::KeyKind::kEcP256: return NameOf(JwsAlgorithm::kEs256);
    case crypto::KeyKind::kEcP384: return NameOf(JwsAlgorithm::kEs384);
    case crypto::KeyKind::kRsa: return "";
  }
  return "";
}

std::string_view NameOf(JwsAlgorithm algorithm) { return kAlgorithms[static_cast<std::size_t>(algorithm)].name; }

bool Fits(JwsAlgorithm algorithm, const crypto::PublicKey& key) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)].kind == key.kind();
}

bool VerifyJws(const Jws& jws, const crypto::PublicKey& key, CheckLog& log) {
  for (const JwsAlgorithm algorithm : {JwsAlgorithm::kEs256, JwsAlgorithm::kEs384}) {
    if (Fits(algorithm, key)) return VerifyJws(jws, key, algorithm, log);
  }
  log.Require(Check::kTokenAlgorithm, false, [&] {
    return Finding{.reason = Reason::kTokenAlgorithmRefused,
                   .component = "header.alg",
                   .expected = Cat("an EC key, actual key: ", crypto::NameOf(key.kind())),
                   .actual = Cat("'", Printable(jws.algorithm, 32), "'"),
                   .spec = "RFC 8725 section 3.1"};
  });
  return false;
}

bool VerifyJws(const Jws& jws, const crypto::PublicKey& key, JwsAlgorithm algorithm, CheckLog& log) {
  if (!log.Require(Check::kTokenAlgorithm, Fits(algorithm, key) && jws.algorithm == NameOf(algorithm), [&] {
        return Finding{.reason = Reason::kTokenAlgorithmRefused,
                       .component = "header.alg",
                       .expected = std::string(NameOf(algorithm)),
                       .actual = Cat("'", Printable(jws.algorithm, 32), "'"),
                       .spec = "RFC 8725 section 3.1"};
      })) {
    return false;
  }
  return log.Require(Check::kTokenSignature, Verifies(algorithm, key, AsBytes(jws.signing_input), jws.signature), [&] {
    return Finding{.reason = Reason::kTokenSignatureInvalid,
                   .component = "signature",
                   .expected = Cat("a signature by the configured ", crypto::NameOf(key.kind()), " key"),
                   .actual = jws.signature.empty() ? "none" : "one that does not verify",
                   .spec = "RFC 7518 section 3"};
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

#include "token/jwk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "codec/pem.h"
#include "codec/syntax_error.h"
#include "crypto/digest.h"
#include "crypto/path.h"
#include "token/jws.h"

namespace assay::token {
namespace {

constexpr json::Limits kLimits{.bytes = 256 * 1024, .depth = 8, .values = 4096};

Finding Malformed(std::string component, std::string expected, std::string actual) {
  return {.reason = Reason::kJwkMalformed,
          .component = std::move(component),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = "RFC 7517"};
}

struct Curve {
  std::string_view name;  // RFC 7518 section 6.2.1.1
  crypto::KeyKind kind;
  std::size_t size;  // of a coordinate
};
constexpr Curve kCurves[] = {{"P-256", crypto::KeyKind::kEcP256, 32}, {"P-384", crypto::KeyKind::kEcP384, 48}};

const Curve* CurveOf(const crypto::PublicKey& key) {
  for (const Curve& curve : kCurves) {
    if (curve.kind == key.kind()) return &curve;
  }
  return nullptr;
}

std::string TextOf(const json::Value& tree, std::string_view name) {
  const json::Value* value = tree.Find(name);
  const std::string* text = value == nullptr ? nullptr : value->AsString();
  return text == nullptr ? std::string() : *text;
}

// The affine coordinates: a canonical SubjectPublicKeyInfo of an EC key ends in 0x04 || x || y (RFC 5480 section 2.2).
std::pair<std::string, std::string> Coordinates(const crypto::PublicKey& key, std::size_t size) {
  const ByteView point = key.spki().last(2 * size);
  return {codec::ToBase64Url(point.first(size)), codec::ToBase64Url(point.last(size))};
}

// The key parameters of RFC 7518 sections 6.2.1 and 6.3.1.
Outcome<crypto::PublicKey> KeyOf(const json::Value& tree, std::string_view component) {
  const auto at = [&](std::string_view name) { return Cat(component, ".", name); };
  const auto unsupported = [&](std::string_view name, std::string expected) {
    return Finding{.reason = Reason::kKeyUnsupported,
                   .component = at(name),
                   .expected = std::move(expected),
                   .actual = tree.Find(name) == nullptr ? "none" : Cat("'", Printable(TextOf(tree, name), 32), "'"),
                   .spec = "RFC 7518"};
  };
  const auto octets = [&](std::string_view name) {
    return tree.Find(name) == nullptr ? std::nullopt : codec::FromBase64Url(TextOf(tree, name));
  };
  const auto misshapen = [&](std::string_view name, const std::optional<Bytes>& found, std::string expected) {
    return Malformed(at(name), Cat(expected, " in unpadded base64url"), found ? Cat(found->size(), " bytes") : "no such text");
  };
  if (TextOf(tree, "kty") == "RSA") {
    const auto modulus = octets("n"), exponent = octets("e");
    if (!modulus || modulus->empty()) return misshapen("n", modulus, "the modulus");
    if (!exponent || exponent->empty()) return misshapen("e", exponent, "the exponent");
    return crypto::PublicKey::FromRsa(*modulus, *exponent);
  }
  if (TextOf(tree, "kty") != "EC") return unsupported("kty", "EC or RSA");
  const auto curve =
      std::find_if(std::begin(kCurves), std::end(kCurves), [&](const Curve& known) { return known.name == TextOf(tree, "crv"); });
  if (curve == std::end(kCurves)) return unsupported("crv", "P-256 or P-384");
  const auto x = octets("x"), y = octets("y");
  const std::string size = Cat(curve->size, " bytes");
  if (!x || x->size() != curve->size) return misshapen("x", x, size);
  if (!y || y->size() != curve->size) return misshapen("y", y, size);
  auto key = crypto::PublicKey::FromEcPoint(curve->kind, *x, *y);
  if (!key) return Malformed(at("x"), Cat("a point on ", curve->name), "one that is not");
  return key;
}

}  // namespace

Outcome<Jwk> ReadJwk(const json::Value& tree, std::string_view component) {
  const auto at = [&](std::string_view name) { return Cat(component, ".", name); };
  if (tree.AsObject() == nullptr) return Malformed(std::string(component), "a JSON object", std::string(tree.KindName()));
  if (tree.Find("d") != nullptr) return Malformed(at("d"), "a public key", "a private one, which must never be handed out");
  const Outcome<crypto::PublicKey> key = KeyOf(tree, component);
  if (!key) return key.findings();
  if (tree.Find("use") != nullptr && TextOf(tree, "use") != "sig") {
    return Malformed(at("use"), "sig", Cat("'", Printable(TextOf(tree, "use"), 32), "'"));
  }
  if (tree.Find("alg") != nullptr && !AlgorithmFor(*key).empty() && TextOf(tree, "alg") != AlgorithmFor(*key)) {
    return Malformed(at("alg"), std::string(AlgorithmFor(*key)), Cat("'", Printable(TextOf(tree, "alg"), 32), "'"));
  }
  Jwk jwk{*key, TextOf(tree, "kid"), {}};
  if (const json::Value* chain = tree.Find("x5c")) {
    const auto* elements = chain->AsArray();
    if (elements == nullptr || elements->empty() || elements->size() > kMostCertificates) {
      return Malformed(at("x5c"), Cat("a list of 1 to ", kMostCertificates, " certificates"),
                       elements == nullptr ? std::string(chain->KindName()) : Cat(elements->size()));
    }
    for (const json::Value& element : *elements) {
      const std::string* text = element.AsString();
      const auto der = text == nullptr ? std::nullopt : codec::FromBase64(*text);
      if (!der) return Malformed(at("x5c"), "certificates in padded base64", "something else");
      auto certificate = crypto::Certificate::FromDer(*der, at("x5c"));
      if (!certificate) return std::move(certificate).findings();
      jwk.certificates.push_back(std::move(certificate).value());
    }
  }
  return jwk;
}

Outcome<std::vector<Jwk>> ReadKeys(std::string_view text, std::string_view component) {
  std::vector<Jwk> keys;
  if (text.find("-----BEGIN PUBLIC KEY-----") != std::string_view::npos) {
    const auto blocks = codec::ParsePem(text, component, {.blocks = 1});
    if (!blocks) return blocks.findings();
    const auto key = crypto::PublicKey::FromSpki(blocks->front().der);
    if (!key) return key.findings();
    keys.push_back({*key, "", {}});
    return keys;
  }
  const Outcome<json::Value> tree = json::Parse(text, component, kLimits);
  if (!tree) return Malformed(std::string(component), "a JWK, a JWK set, or a PEM public key", codec::MessageOf(tree.findings().front()));
  const json::Value* set = tree->Find("keys");
  if (set == nullptr) {
    auto jwk = ReadJwk(*tree, component);
    if (!jwk) return std::move(jwk).findings();
    keys.push_back(std::move(jwk).value());
    return keys;
  }
  const auto* elements = set->AsArray();
  if (elements == nullptr || elements->size() > kMostKeys) {
    return Malformed(Cat(component, ".keys"), Cat("a list of at most ", kMostKeys, " keys"),
                     elements == nullptr ? std::string(set->KindName()) : Cat(elements->size()));
  }
  for (std::size_t i = 0; i < elements->size(); ++i) {
    auto jwk = ReadJwk((*elements)[i], Cat(component, ".keys[", i, "]"));
    if (jwk) keys.push_back(std::move(jwk).value());
    else if (jwk.findings().front().reason != Reason::kKeyUnsupported) return std::move(jwk).findings();
  }
  if (keys.empty()) return Malformed(Cat(component, ".keys"), "at least one key of a kind that is supported", "none");
  return keys;
}

json::Value ToJwk(const crypto::PublicKey& key, std::string_view key_id) {
  const Curve* curve = CurveOf(key);
  ASSAY_CHECK(curve != nullptr);
  const auto [x, y] = Coordinates(key, curve->size);
  json::Value jwk = json::Value::MakeObject(7);
  jwk.Add("kty", json::Value::String("EC"));
  jwk.Add("crv", json::Value::String(curve->name));
  jwk.Add("x", json::Value::String(x));
  jwk.Add("y", json::Value::String(y));
  jwk.Add("use", json::Value::String("sig"));
  jwk.Add("alg", json::Value::String(AlgorithmFor(key)));
  if (!key_id.empty()) jwk.Add("kid", json::Value::String(key_id));
  return jwk;
}

std::string Thumbprint(const crypto::PublicKey& key) {
  const Curve* curve = CurveOf(key);
  ASSAY_CHECK(curve != nullptr);
  const auto [x, y] = Coordinates(key, curve->size);
  return codec::ToBase64Url(crypto::Sha256(AsBytes(Cat(R"({"crv":")", curve->name, R"(","kty":"EC","x":")", x, R"(","y":")", y, R"("})"))));
}

bool CheckEndorsement(const Jwk& jwk, std::span<const crypto::Certificate> trusted, Time at, CheckLog& log) {
  if (jwk.certificates.empty()) {
    return log.Require(Check::kJwkCertified, false, [] {
      return Finding{.reason = Reason::kCertificateMissing,
                     .component = "jwk.x5c",
                     .expected = "the certificate chain of the key",
                     .actual = "none",
                     .spec = "RFC 7517 section 4.7",
                     .remedy = "Use a key set that carries x5c, or configure the key itself."};
    });
  }
  const crypto::Certificate& leaf = jwk.certificates.front();
  if (!log.Require(Check::kJwkCertified, leaf.public_key() == jwk.key, [&] {
        return Finding{.reason = Reason::kTokenKeyNotCertified,
                       .component = "jwk.x5c[0]",
                       .expected = "a certificate for the key of the JWK",
                       .actual = Cat("one for another key: ", Printable(leaf.SubjectText())),
                       .spec = "RFC 7517 section 4.7"};
      })) {
    return false;
  }
  const auto path = crypto::BuildPath(leaf, std::span(jwk.certificates).subspan(1), trusted);
  if (!log.Require(Check::kJwkCertified, path)) return false;
  for (const crypto::Certificate& certificate : path->certificates) {
    const bool early = at < certificate.not_before();
    if (!log.Require(Check::kJwkWindow, !early && at <= certificate.not_after(), [&] {
          return Finding{.reason = early ? Reason::kNotYetValid : Reason::kExpired,
                         .component = Printable(certificate.SubjectText()),
                         .claim = early ? "notBefore" : "notAfter",
                         .expected = Cat(early ? "at most " : "at least ", FormatTime(at)),
                         .actual = FormatTime(early ? certificate.not_before() : certificate.not_after())};
        })) {
      return false;
    }
  }
  return true;
}

}  // namespace assay::token

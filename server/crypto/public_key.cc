#include "crypto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/der.h"
#include "crypto/openssl_handles.h"

namespace assay::crypto {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;

// An EC key has exactly one DER form that is accepted (RFC 5480: named curve, uncompressed point), and all of it but the
// coordinates is constant: comparing it leaves explicit parameters and hybrid points no way in, and saves OpenSSL's
// decoder, which costs more than a P-256 verification.
constexpr auto kP256Prefix =
    std::to_array<std::uint8_t>({0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06,
                                 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04});
constexpr auto kP384Prefix = std::to_array<std::uint8_t>({0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02,
                                                          0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04});
constexpr auto kRsaAlgorithm =
    std::to_array<std::uint8_t>({0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00});
constexpr auto kExponent65537 = std::to_array<std::uint8_t>({0x01, 0x00, 0x01});

// X.690: tag, definite length in its shortest form, content of less than 64 KiB.
Bytes DerOf(std::uint8_t tag, ByteView content) {
  Bytes der;
  der.reserve(content.size() + 4);
  der.push_back(tag);
  if (content.size() >= 0x100) {
    der.push_back(0x82);
    der.push_back(static_cast<std::uint8_t>(content.size() >> 8U));
  } else if (content.size() >= 0x80) {
    der.push_back(0x81);
  }
  der.push_back(static_cast<std::uint8_t>(content.size() & 0xFFU));
  Append(der, content);
  return der;
}

// The content of an INTEGER that is not negative.
Bytes Positive(ByteView magnitude) {
  Bytes content;
  if (magnitude.front() >= 0x80) content.push_back(0);
  Append(content, magnitude);
  return content;
}

struct Curve {
  KeyKind kind;
  std::size_t field_size;
  ByteView prefix;
  const char* group;
};
constexpr auto kCurves = std::to_array<Curve>({{KeyKind::kEcP256, 32, kP256Prefix, "P-256"}, {KeyKind::kEcP384, 48, kP384Prefix, "P-384"}});

using ParamBld = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using Bignum = std::unique_ptr<BIGNUM, Freer<BN_free>>;

Finding Unsupported(std::string expected, std::string actual) {
  return {.reason = Reason::kKeyUnsupported,
          .component = "public key",
          .claim = "subjectPublicKeyInfo",
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = "RFC 5280 4.1.2.7"};
}

EvpPkey FromParams(const char* type, const OSSL_PARAM* params) {
  const EvpPkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* pkey = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &pkey, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)) != 1) {
    return nullptr;
  }
  return EvpPkey(pkey);
}

// `point`: 0x04, x, y. OpenSSL refuses coordinates that are not below the prime, and points off the curve.
EvpPkey FromPoint(const Curve& curve, Bytes point) {
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve.group), 0),
                               OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                               OSSL_PARAM_construct_end()};
  return FromParams("EC", params);
}

EvpPkey FromModulus(ByteView modulus) {
  const Bignum n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const Bignum e(BN_bin2bn(kExponent65537.data(), static_cast<int>(kExponent65537.size()), nullptr));
  const ParamBld builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  return params == nullptr ? nullptr : FromParams("RSA", params.get());
}

struct Decoded {
  EvpPkey pkey;
  KeyKind kind;
  int bits;
};

Outcome<Decoded> DecodeEc(const Curve& curve, ByteView spki) {
  EvpPkey pkey = FromPoint(curve, ToBytes(spki.subspan(curve.prefix.size() - 1)));
  if (pkey == nullptr) return Unsupported(Cat("a point on ", curve.group), "coordinates that are no such point");
  return Decoded{std::move(pkey), curve.kind, static_cast<int>(curve.field_size * 8)};
}

// RFC 8017 A.1.1: RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
Outcome<Decoded> DecodeRsa(ByteView bit_string) {
  const auto malformed = [] { return Unsupported("one DER RSAPublicKey", "something else"); };
  if (bit_string.empty() || bit_string[0] != 0) return malformed();
  const ByteView encoded = bit_string.subspan(1);
  if (!IsDer(encoded)) return malformed();
  DerReader outer(encoded);
  DerReader fields(outer.Take(der::kSequence).value_or(ByteView{}));
  const auto modulus = fields.Take(der::kInteger);
  const auto exponent = fields.Take(der::kInteger);
  if (!modulus || !exponent || !fields.AtEnd() || (*modulus)[0] >= 0x80) return malformed();

  if (!Equal(*exponent, kExponent65537)) return Unsupported("RSA exponent 65537", Cat("0x", ToHexBounded(*exponent, 16)));
  const ByteView magnitude = (*modulus)[0] == 0 ? modulus->subspan(1) : *modulus;
  const int bits = magnitude.empty() ? 0 : static_cast<int>(magnitude.size()) * 8 - std::countl_zero(magnitude[0]);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return Unsupported(Cat("RSA modulus of ", kMinRsaBits, " to ", kMaxRsaBits, " bits"), Cat(bits, " bits"));
  }
  if ((magnitude.back() & 1) == 0) return Unsupported("an odd RSA modulus", "an even one");
  EvpPkey pkey = FromModulus(magnitude);
  if (pkey == nullptr) return malformed();
  return Decoded{std::move(pkey), KeyKind::kRsa, bits};
}

Outcome<Decoded> Decode(ByteView spki) {
  for (const Curve& curve : kCurves) {
    if (spki.size() == curve.prefix.size() + 2 * curve.field_size && Equal(spki.first(curve.prefix.size()), curve.prefix)) {
      return DecodeEc(curve, spki);
    }
  }
  if (!IsDer(spki)) return Unsupported("one DER SubjectPublicKeyInfo", Cat(spki.size(), " bytes that are none"));
  DerReader outer(spki);
  DerReader fields(outer.Take(der::kSequence).value_or(ByteView{}));
  const auto algorithm = fields.Next(der::kSequence);
  const auto key = fields.Take(der::kBitString);
  if (!algorithm || !key || !fields.AtEnd()) return Unsupported("one DER SubjectPublicKeyInfo", "another DER structure");
  if (!Equal(algorithm->whole, kRsaAlgorithm)) {
    return Unsupported("EC on named curve P-256 or P-384 with uncompressed point, or rsaEncryption",
                       Cat("algorithm ", ToHexBounded(algorithm->content, 32)));
  }
  return DecodeRsa(*key);
}

}  // namespace

std::string_view NameOf(KeyKind kind) {
  switch (kind) {
    case KeyKind::kEcP256: return "EC P-256";
    case KeyKind::kEcP384: return "EC P-384";
    case KeyKind::kRsa: break;
  }
  return "RSA";
}

Outcome<PublicKey> PublicKey::FromSpki(ByteView der) {
  const ErrorQueueGuard guard;
  Outcome<Decoded> decoded = Decode(der);
  if (!decoded) return decoded.findings();
  Decoded key = std::move(decoded).value();
  return PublicKey(std::make_shared<const Handle>(
      Handle{.pkey = std::move(key.pkey), .kind = key.kind, .bits = key.bits, .spki = ToBytes(der), .spki_sha256 = Sha256(der)}));
}

Outcome<PublicKey> PublicKey::FromEcPoint(KeyKind kind, ByteView x, ByteView y) {
  const auto curve = std::find_if(kCurves.begin(), kCurves.end(), [kind](const Curve& each) { return each.kind == kind; });
  if (curve == kCurves.end()) return Unsupported("an EC curve", std::string(NameOf(kind)));
  if (x.size() != curve->field_size || y.size() != curve->field_size) {
    return Unsupported(Cat("coordinates of ", curve->field_size, " bytes"), Cat(x.size(), " and ", y.size(), " bytes"));
  }
  Bytes spki = ToBytes(curve->prefix);
  Append(spki, x);
  Append(spki, y);
  return FromSpki(spki);
}

Outcome<PublicKey> PublicKey::FromRsa(ByteView modulus, ByteView exponent) {
  constexpr std::size_t kMaxRsaBytes = kMaxRsaBits / 8;
  if (modulus.empty() || modulus.front() == 0 || modulus.size() > kMaxRsaBytes) {
    return Unsupported(Cat("a modulus of at most ", kMaxRsaBytes, " bytes without leading zeros"), Cat(modulus.size(), " bytes"));
  }
  if (!Equal(exponent, kExponent65537)) return Unsupported("the exponent 65537", "another one");
  // RFC 8017 appendix A.1.1 in RFC 5280's SubjectPublicKeyInfo.
  Bytes key = DerOf(der::kInteger, Positive(modulus));
  Append(key, DerOf(der::kInteger, exponent));
  Bytes bits(1);  // 0: no unused bits
  Append(bits, DerOf(der::kSequence, key));
  Bytes spki = ToBytes(kRsaAlgorithm);
  Append(spki, DerOf(der::kBitString, bits));
  return FromSpki(DerOf(der::kSequence, spki));
}

KeyKind PublicKey::kind() const { return handle_->kind; }
int PublicKey::bits() const { return handle_->bits; }
ByteView PublicKey::spki() const { return handle_->spki; }
const Sha256Digest& PublicKey::spki_sha256() const { return handle_->spki_sha256; }

}  // namespace assay::crypto

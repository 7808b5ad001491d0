#include "tests/softtee/key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/bug.h"

namespace assay::softtee {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using NumberContext = std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>>;
using Group = std::unique_ptr<EC_GROUP, Deleter<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Deleter<EC_POINT_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using ParamsBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

std::shared_ptr<void> Owned(EVP_PKEY* key) {
  ASSAY_CHECK(key != nullptr);
  return {key, [](void* object) { EVP_PKEY_free(static_cast<EVP_PKEY*>(object)); }};
}
EVP_PKEY* Raw(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }

Bytes Digest(const EVP_MD* algorithm, ByteView message) {
  Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(algorithm)));
  ASSAY_CHECK(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, algorithm, nullptr) == 1);
  return digest;
}

std::string TextOf(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Key Key::GenerateRsa(unsigned bits) { return Key(Owned(EVP_RSA_gen(bits))); }
Key Key::GenerateP256() { return Key(Owned(EVP_EC_gen("P-256"))); }

Key Key::Derive(ByteView seed, Curve curve) {
  const bool p384 = curve == Curve::kP384;
  const Group group(EC_GROUP_new_by_curve_name(p384 ? NID_secp384r1 : NID_X9_62_prime256v1));
  const NumberContext context(BN_CTX_new());
  // 64 bytes of digest modulo n - 1, plus one: in 1 to n - 1, as FIPS 186-5 A.2.1 does it.
  const Bytes wide = Digest(EVP_sha512(), seed);
  const Number scalar(BN_bin2bn(wide.data(), static_cast<int>(wide.size()), nullptr));
  const Number bound(BN_dup(EC_GROUP_get0_order(group.get())));
  const Point point(EC_POINT_new(group.get()));
  Bytes encoded(p384 ? 97 : 65);
  ASSAY_CHECK(BN_sub_word(bound.get(), 1) == 1 && BN_mod(scalar.get(), scalar.get(), bound.get(), context.get()) == 1 &&
              BN_add_word(scalar.get(), 1) == 1);
  ASSAY_CHECK(EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, context.get()) == 1 &&
              EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(), encoded.size(), context.get()) ==
                  encoded.size());

  const ParamsBuilder builder(OSSL_PARAM_BLD_new());
  ASSAY_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, p384 ? "P-384" : "P-256", 0) == 1 &&
              OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()) == 1 &&
              OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) == 1);
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext maker(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  ASSAY_CHECK(EVP_PKEY_fromdata_init(maker.get()) == 1 && EVP_PKEY_fromdata(maker.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1);
  return Key(Owned(key));
}

absl::StatusOr<Key> Key::FromPem(std::string_view pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr);
  if (key == nullptr) return absl::InvalidArgumentError("not an unencrypted private key in PEM");
  return Key(Owned(key));
}

std::string Key::ToPem() const {
  const Memory memory(BIO_new(BIO_s_mem()));
  ASSAY_CHECK(PEM_write_bio_PKCS8PrivateKey(memory.get(), Raw(key_), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TextOf(memory.get());
}

unsigned Key::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(Raw(key_))); }

Bytes Key::SubjectPublicKeyInfo() const {
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(Raw(key_), &der);
  ASSAY_CHECK(size > 0);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

Bytes Key::Identifier() const {
  std::uint8_t* der = nullptr;
  const int size = i2d_PublicKey(Raw(key_), &der);
  ASSAY_CHECK(size > 0);
  const Bytes digest = Sha1({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

Bytes Key::Sign(SignatureStyle style, ByteView message) const {
  const bool sha256 = style == SignatureStyle::kPssSha256 || style == SignatureStyle::kEcdsaSha256 ||
                      style == SignatureStyle::kPkcs1Sha256 || style == SignatureStyle::kPssSha256MostSalt;
  const bool pss = style == SignatureStyle::kPssSha384 || style == SignatureStyle::kPssSha384Salt20 ||
                   style == SignatureStyle::kPssSha256 || style == SignatureStyle::kPssSha256MostSalt;
  const EVP_MD* digest = style == SignatureStyle::kPkcs1Sha1 ? EVP_sha1() : sha256 ? EVP_sha256() : EVP_sha384();
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  ASSAY_CHECK(EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, Raw(key_)) == 1);
  if (pss) {
    const int salt = style == SignatureStyle::kPssSha384Salt20     ? 20
                     : style == SignatureStyle::kPssSha256MostSalt ? RSA_PSS_SALTLEN_MAX
                                                                   : EVP_MD_get_size(digest);
    ASSAY_CHECK(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, digest) == 1);
  }
  std::size_t size = 0;
  ASSAY_CHECK(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
  Bytes signature(size);
  ASSAY_CHECK(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  return signature;
}

EcdsaSignature Key::SignP384Sha384(ByteView message) const {
  const DigestContext context(EVP_MD_CTX_new());
  ASSAY_CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr, Raw(key_)) == 1);
  std::size_t size = 0;
  ASSAY_CHECK(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
  Bytes der(size);
  ASSAY_CHECK(EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) == 1);
  const std::uint8_t* at = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  ASSAY_CHECK(signature != nullptr);
  EcdsaSignature out;
  ASSAY_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.r.data(), 48) == 48 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.s.data(), 48) == 48);
  return out;
}

Bytes Key::Modulus() const {
  BIGNUM* raw = nullptr;
  ASSAY_CHECK(EVP_PKEY_get_bn_param(Raw(key_), OSSL_PKEY_PARAM_RSA_N, &raw) == 1);
  const Number modulus(raw);
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(modulus.get())));
  BN_bn2bin(modulus.get(), bytes.data());
  return bytes;
}

Bytes Key::Coordinates() const {
  const int size = (EVP_PKEY_get_bits(Raw(key_)) + 7) / 8;
  Bytes point;
  for (const char* name : {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y}) {
    BIGNUM* raw = nullptr;
    ASSAY_CHECK(EVP_PKEY_get_bn_param(Raw(key_), name, &raw) == 1);
    const Number coordinate(raw);
    Bytes bytes(static_cast<std::size_t>(size));
    ASSAY_CHECK(BN_bn2binpad(coordinate.get(), bytes.data(), size) == size);
    Append(point, bytes);
  }
  return point;
}

Bytes Key::DecryptOaep(ByteView label, ByteView ciphertext) const {
  const PkeyContext context(EVP_PKEY_CTX_new(Raw(key_), nullptr));
  std::uint8_t* copy = static_cast<std::uint8_t*>(OPENSSL_memdup(label.data(), label.size()));  // the context's
  ASSAY_CHECK(EVP_PKEY_decrypt_init(context.get()) == 1 && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy, static_cast<int>(label.size())) == 1);
  Bytes plain(1024);
  std::size_t size = plain.size();
  if (EVP_PKEY_decrypt(context.get(), plain.data(), &size, ciphertext.data(), ciphertext.size()) != 1) return {};
  plain.resize(size);
  return plain;
}

Bytes Key::SharedX(ByteView point) const {
  Bytes encoded = {4};
  Append(encoded, point);
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>("P-256"), 0),
                               OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
                               OSSL_PARAM_construct_end()};
  const PkeyContext maker(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &raw, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)) != 1) {
    return {};
  }
  const std::shared_ptr<void> peer = Owned(raw);
  const PkeyContext context(EVP_PKEY_CTX_new(Raw(key_), nullptr));
  Bytes shared(32);
  std::size_t size = shared.size();
  if (EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), raw) != 1 ||
      EVP_PKEY_derive(context.get(), shared.data(), &size) != 1) {
    return {};
  }
  shared.resize(size);
  return shared;
}

Bytes Sha256(ByteView message) { return Digest(EVP_sha256(), message); }
Bytes Sha1(ByteView message) { return Digest(EVP_sha1(), message); }

ByteArray<48> OrderOfP384() {
  const Group group(EC_GROUP_new_by_curve_name(NID_secp384r1));
  ByteArray<48> order{};
  ASSAY_CHECK(BN_bn2binpad(EC_GROUP_get0_order(group.get()), order.data(), 48) == 48);
  return order;
}

Bytes RandomBytes(std::size_t count) {
  Bytes bytes(count);
  ASSAY_CHECK(RAND_bytes(bytes.data(), static_cast<int>(count)) == 1);
  return bytes;
}

std::string ToBase64(ByteView bytes) {
  Bytes text(4 * ((bytes.size() + 2) / 3) + 1);
  const int size = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  return std::string(AsText({text.data(), static_cast<std::size_t>(size)}));
}

std::string ToPem(std::string_view label, ByteView der) {
  const std::string base64 = ToBase64(der);
  std::string pem = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) pem += base64.substr(at, 64) + "\n";
  return pem + "-----END " + std::string(label) + "-----\n";
}

}  // namespace assay::softtee

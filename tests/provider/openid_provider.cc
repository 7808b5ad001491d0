#include "tests/provider/openid_provider.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/bug.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"

namespace assay::provider {
namespace {

Bytes BytesOf(const BIGNUM* number, int size) {
  Bytes bytes(static_cast<std::size_t>(size));
  ASSAY_CHECK(BN_bn2binpad(number, bytes.data(), size) == size);
  return bytes;
}

std::string Quoted(std::string_view text) { return *json::Canonical(json::Value::String(text)); }

}  // namespace

struct Key::Handle {
  EVP_PKEY* pkey = nullptr;
  ~Handle() { EVP_PKEY_free(pkey); }
  // A number of the key, big-endian; `size` 0: as long as it is.
  std::string Number(const char* name, int size = 0) const {
    BIGNUM* number = nullptr;
    ASSAY_CHECK(EVP_PKEY_get_bn_param(pkey, name, &number) == 1);
    const Bytes bytes = BytesOf(number, size == 0 ? BN_num_bytes(number) : size);
    BN_free(number);
    return codec::ToBase64Url(bytes);
  }
};

Key::Key(std::string kind, std::unique_ptr<Handle> handle) : kind_(std::move(kind)), handle_(std::move(handle)) {}
Key::~Key() = default;
Key::Key(Key&&) noexcept = default;
Key& Key::operator=(Key&&) noexcept = default;

Key Key::Make(std::string_view kind) {
  auto handle = std::make_unique<Handle>();
  if (kind == "ES256") handle->pkey = EVP_EC_gen("P-256");
  else if (kind == "ES384") handle->pkey = EVP_EC_gen("P-384");
  else if (kind == "p521") handle->pkey = EVP_EC_gen("P-521");
  else if (kind == "rsa1024") handle->pkey = EVP_RSA_gen(1024);
  else if (kind == "RS256" || kind == "PS256") handle->pkey = EVP_RSA_gen(2048);
  else if (kind == "rsa-exponent-3") {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr);
    BIGNUM* three = BN_new();
    ASSAY_CHECK(BN_set_word(three, 3) == 1 && EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1 &&
                EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, three) == 1 && EVP_PKEY_generate(context, &handle->pkey) == 1);
    BN_free(three);
    EVP_PKEY_CTX_free(context);
  }
  ASSAY_CHECK(handle->pkey != nullptr);
  return Key(std::string(kind), std::move(handle));
}

std::string Key::Jwk(std::string_view key_id, std::string_view more) const {
  std::string jwk = Cat(R"({"kid":)", Quoted(key_id), more.empty() ? "" : ",", more);
  if (EVP_PKEY_get_base_id(handle_->pkey) == EVP_PKEY_RSA) {
    jwk +=
        Cat(R"(,"kty":"RSA","n":")", handle_->Number(OSSL_PKEY_PARAM_RSA_N), R"(","e":")", handle_->Number(OSSL_PKEY_PARAM_RSA_E), R"("})");
  } else {
    const int size = (EVP_PKEY_get_bits(handle_->pkey) + 7) / 8;
    jwk += Cat(R"(,"kty":"EC","crv":"P-)", EVP_PKEY_get_bits(handle_->pkey), R"(","x":")", handle_->Number(OSSL_PKEY_PARAM_EC_PUB_X, size),
               R"(","y":")", handle_->Number(OSSL_PKEY_PARAM_EC_PUB_Y, size), R"("})");
  }
  return jwk;
}

std::string Key::Sign(std::string_view header, std::string_view payload, std::string_view algorithm) const {
  const std::string input = Cat(codec::ToBase64Url(AsBytes(header)), ".", codec::ToBase64Url(AsBytes(payload)));
  const bool pss = (algorithm.empty() ? std::string_view(kind_) : algorithm) == "PS256";
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  const EVP_MD* hash = kind_ == "ES384" ? EVP_sha384() : kind_ == "p521" ? EVP_sha512() : EVP_sha256();
  ASSAY_CHECK(EVP_DigestSignInit(context, &parameters, hash, nullptr, handle_->pkey) == 1);
  if (pss) {
    ASSAY_CHECK(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32) == 1);
  }
  const ByteView message = AsBytes(input);
  std::size_t size = 0;
  ASSAY_CHECK(EVP_DigestSign(context, nullptr, &size, message.data(), message.size()) == 1);
  Bytes signature(size);
  ASSAY_CHECK(EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  if (EVP_PKEY_get_base_id(handle_->pkey) == EVP_PKEY_EC) {  // RFC 7518 section 3.4: r || s
    const unsigned char* at = signature.data();
    ECDSA_SIG* parts = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size()));
    const int half = (EVP_PKEY_get_bits(handle_->pkey) + 7) / 8;
    Bytes raw = BytesOf(ECDSA_SIG_get0_r(parts), half);
    Append(raw, BytesOf(ECDSA_SIG_get0_s(parts), half));
    ECDSA_SIG_free(parts);
    signature = std::move(raw);
  }
  return Cat(input, ".", codec::ToBase64Url(signature));
}

std::string KeySet(std::string_view jwks) { return Cat(R"({"keys":[)", jwks, "]}"); }

std::string Header(std::string_view algorithm, std::string_view key_id, std::string_view more) {
  return Cat(R"({"alg":)", Quoted(algorithm), R"(,"kid":)", Quoted(key_id), more.empty() ? "" : ",", more, "}");
}

ClaimsSet ClaimsAt(Time now) {
  const std::int64_t seconds = now.time_since_epoch().count();
  return {.issued_at = seconds, .expires = seconds + 600};
}

std::string ClaimsSet::Text() const {
  std::string text = "{";
  const auto add = [&](std::string_view name, const std::string& json) {
    text += Cat(text.size() == 1 ? "" : ",", "\"", name, "\":", json);
  };
  const auto add_text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) add(name, value.find_first_of("{[\"") == 0 ? value : Quoted(value));
  };
  add_text("iss", issuer);
  add_text("sub", subject);
  add_text("aud", audience);
  for (const auto& [name, date] : {std::pair("iat", issued_at), std::pair("exp", expires), std::pair("nbf", not_before)}) {
    if (date != 0) add(name, Cat(date));
  }
  if (!more.empty()) text += Cat(text.size() == 1 ? "" : ",", more);
  return text + "}";
}

}  // namespace assay::provider

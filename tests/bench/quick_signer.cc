#include "tests/bench/quick_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include <string>

#include "base/bug.h"

namespace assay::bench {
namespace {

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using NumberContext = std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)>;

Number New() { return {BN_new(), &BN_free}; }
NumberContext Context() { return {BN_CTX_new(), &BN_CTX_free}; }

ByteArray<48> BigEndian(const BIGNUM* number) {
  ByteArray<48> bytes{};
  ASSAY_CHECK(BN_bn2binpad(number, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()));
  return bytes;
}

Number SecretOf(const softtee::Key& key) {
  const std::string pem = key.ToPem();
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> decoded(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr),
                                                                    &EVP_PKEY_free);
  BIGNUM* secret = nullptr;
  ASSAY_CHECK(decoded != nullptr && EVP_PKEY_get_bn_param(decoded.get(), OSSL_PKEY_PARAM_PRIV_KEY, &secret) == 1);
  return {secret, &BN_free};
}

}  // namespace

// FIPS 186-5 6.4.1: s = k^-1 (e + r d) mod n. Only e depends on the message.
struct QuickSigner::Numbers {
  Number order = New(), inverse_of_k = New(), inverse_of_k_r_d = New();
  ByteArray<48> r{};
};

QuickSigner::QuickSigner(const softtee::Key& p384_key) {
  const NumberContext context = Context();
  const std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(EC_GROUP_new_by_curve_name(NID_secp384r1), &EC_GROUP_free);
  const std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)> point(EC_POINT_new(group.get()), &EC_POINT_free);
  auto numbers = std::make_unique<Numbers>();
  const Number secret = SecretOf(p384_key), k = New(), r = New(), product = New();
  BIGNUM* order = numbers->order.get();
  ASSAY_CHECK(BN_copy(order, EC_GROUP_get0_order(group.get())) != nullptr);
  do { ASSAY_CHECK(BN_rand_range(k.get(), order) == 1); } while (BN_is_zero(k.get()));
  ASSAY_CHECK(EC_POINT_mul(group.get(), point.get(), k.get(), nullptr, nullptr, context.get()) == 1 &&
              EC_POINT_get_affine_coordinates(group.get(), point.get(), r.get(), nullptr, context.get()) == 1 &&
              BN_nnmod(r.get(), r.get(), order, context.get()) == 1 &&
              BN_mod_inverse(numbers->inverse_of_k.get(), k.get(), order, context.get()) != nullptr &&
              BN_mod_mul(product.get(), r.get(), secret.get(), order, context.get()) == 1 &&
              BN_mod_mul(numbers->inverse_of_k_r_d.get(), product.get(), numbers->inverse_of_k.get(), order, context.get()) == 1);
  numbers->r = BigEndian(r.get());
  numbers_ = std::move(numbers);
}

QuickSigner::~QuickSigner() = default;
QuickSigner::QuickSigner(QuickSigner&&) noexcept = default;

softtee::EcdsaSignature QuickSigner::Sign(ByteView message) const {
  ByteArray<48> digest{};
  ASSAY_CHECK(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha384(), nullptr) == 1);
  const NumberContext context = Context();
  const Number e(BN_bin2bn(digest.data(), static_cast<int>(digest.size()), nullptr), &BN_free), s = New();
  const BIGNUM* order = numbers_->order.get();
  ASSAY_CHECK(BN_mod_mul(s.get(), e.get(), numbers_->inverse_of_k.get(), order, context.get()) == 1 &&
              BN_mod_add(s.get(), s.get(), numbers_->inverse_of_k_r_d.get(), order, context.get()) == 1);
  return {numbers_->r, BigEndian(s.get())};
}

}  // namespace assay::bench

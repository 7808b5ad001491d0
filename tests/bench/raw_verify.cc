#include "tests/bench/raw_verify.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bug.h"
#include "tests/softtee/snp_report.h"

namespace assay::bench {

struct RawVerify::Decoded {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{nullptr, &EVP_PKEY_free};
  explicit Decoded(const char* hash) : digest(EVP_MD_fetch(nullptr, hash, nullptr), &EVP_MD_free) {}
  // r and s as numbers, which it takes.
  void TakeSignature(BIGNUM* r, BIGNUM* s) {
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> both(ECDSA_SIG_new(), &ECDSA_SIG_free);
    ECDSA_SIG_set0(both.get(), r, s);
    unsigned char* der = nullptr;
    const int der_size = i2d_ECDSA_SIG(both.get(), &der);
    ASSAY_CHECK(der_size > 0);
    signature.assign(der, der + der_size);
    OPENSSL_free(der);
  }

  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> digest;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  Bytes message, signature;
};

RawVerify::RawVerify(const Bytes& report, const Bytes& spki) : decoded_(new Decoded("SHA384")) {
  ASSAY_CHECK(report.size() == softtee::kReportSize);
  TakeKey(spki);
  decoded_->TakeSignature(BN_lebin2bn(&report[softtee::kSignatureR], 48, nullptr), BN_lebin2bn(&report[softtee::kSignatureS], 48, nullptr));
  decoded_->message.assign(report.begin(), report.begin() + softtee::kSignedSize);
}

RawVerify::RawVerify(const Bytes& message, const Bytes& signature, const Bytes& spki) : decoded_(new Decoded("SHA256")) {
  TakeKey(spki);
  if (signature.size() == 64) decoded_->TakeSignature(BN_bin2bn(&signature[0], 32, nullptr), BN_bin2bn(&signature[32], 32, nullptr));
  else decoded_->signature = signature;
  decoded_->message = message;
}

void RawVerify::TakeKey(const Bytes& spki) {
  const unsigned char* cursor = spki.data();
  decoded_->key.reset(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size())));
  ASSAY_CHECK(decoded_->key != nullptr && decoded_->digest != nullptr && decoded_->context != nullptr);
}

RawVerify::~RawVerify() = default;

bool RawVerify::Once() {
  EVP_MD_CTX* context = decoded_->context.get();
  EVP_MD_CTX_reset(context);
  return EVP_DigestVerifyInit(context, nullptr, decoded_->digest.get(), nullptr, decoded_->key.get()) == 1 &&
         EVP_DigestVerify(context, decoded_->signature.data(), decoded_->signature.size(), decoded_->message.data(),
                          decoded_->message.size()) == 1;
}

}  // namespace assay::bench

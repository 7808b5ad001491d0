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
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> sha384{EVP_MD_fetch(nullptr, "SHA384", nullptr), &EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  Bytes message, signature;
};

RawVerify::RawVerify(const Bytes& report, const Bytes& spki) : decoded_(new Decoded) {
  ASSAY_CHECK(report.size() == softtee::kReportSize);
  const unsigned char* cursor = spki.data();
  decoded_->key.reset(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size())));
  ASSAY_CHECK(decoded_->key != nullptr && decoded_->sha384 != nullptr && decoded_->context != nullptr);
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(ECDSA_SIG_new(), &ECDSA_SIG_free);
  ECDSA_SIG_set0(signature.get(), BN_lebin2bn(&report[softtee::kSignatureR], 48, nullptr),
                 BN_lebin2bn(&report[softtee::kSignatureS], 48, nullptr));
  unsigned char* der = nullptr;
  const int der_size = i2d_ECDSA_SIG(signature.get(), &der);
  ASSAY_CHECK(der_size > 0);
  decoded_->signature.assign(der, der + der_size);
  OPENSSL_free(der);
  decoded_->message.assign(report.begin(), report.begin() + softtee::kSignedSize);
}

RawVerify::~RawVerify() = default;

bool RawVerify::Once() {
  EVP_MD_CTX* context = decoded_->context.get();
  EVP_MD_CTX_reset(context);
  return EVP_DigestVerifyInit(context, nullptr, decoded_->sha384.get(), nullptr, decoded_->key.get()) == 1 &&
         EVP_DigestVerify(context, decoded_->signature.data(), decoded_->signature.size(), decoded_->message.data(),
                          decoded_->message.size()) == 1;
}

}  // namespace assay::bench

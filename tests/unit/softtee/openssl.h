// OpenSSL's own view of what the software TEE wrote: the second opinion of these tests.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace assay::softtee {

template <auto Free>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using X509Handle = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using CrlHandle = std::unique_ptr<X509_CRL, OpensslDeleter<X509_CRL_free>>;

// nullptr unless `der` is exactly one certificate.
inline X509Handle ReadCertificate(ByteView der) {
  const std::uint8_t* at = der.data();
  X509Handle certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return certificate && at == der.data() + der.size() ? std::move(certificate) : nullptr;
}
inline CrlHandle ReadCrl(ByteView der) {
  const std::uint8_t* at = der.data();
  CrlHandle list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  return list && at == der.data() + der.size() ? std::move(list) : nullptr;
}

inline std::string OneLine(const X509_NAME* name) {
  const std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_ONELINE);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// The values of all extensions with that OID.
inline std::vector<Bytes> ExtensionsOf(const X509* certificate, const std::string& oid) {
  std::vector<Bytes> values;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    char text[80];
    OBJ_obj2txt(text, sizeof text, X509_EXTENSION_get_object(extension), 1);
    if (text != oid) continue;
    const ASN1_OCTET_STRING* data = X509_EXTENSION_get_data(extension);
    values.emplace_back(ASN1_STRING_get0_data(data), ASN1_STRING_get0_data(data) + ASN1_STRING_length(data));
  }
  return values;
}

inline bool Signed(X509* certificate, const X509* issuer) { return X509_verify(certificate, X509_get0_pubkey(issuer)) == 1; }

// Leaf, intermediate and root form a path that OpenSSL accepts at `time`; otherwise its error in words.
inline std::string VerifyPath(X509* leaf, X509* intermediate, X509* root, Time time) {
  const std::unique_ptr<X509_STORE, OpensslDeleter<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root);
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> untrusted(sk_X509_new_null(),
                                                                             [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  sk_X509_push(untrusted.get(), intermediate);
  const std::unique_ptr<X509_STORE_CTX, OpensslDeleter<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf, untrusted.get());
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), time.time_since_epoch().count());
  if (X509_verify_cert(context.get()) == 1) return "OK";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

// The report's signature: r and s little-endian at 0x2A0 and 0x2E8, over bytes 0x000 to 0x29F.
inline bool ReportVerifies(ByteView report, EVP_PKEY* key) {
  if (report.size() < 0x318) return false;
  Bytes r(report.begin() + 0x2A0, report.begin() + 0x2E8);
  Bytes s(report.begin() + 0x2E8, report.begin() + 0x330);
  std::reverse(r.begin(), r.end());
  std::reverse(s.begin(), s.end());
  const std::unique_ptr<ECDSA_SIG, OpensslDeleter<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(r.data(), static_cast<int>(r.size()), nullptr),
                 BN_bin2bn(s.data(), static_cast<int>(s.size()), nullptr));
  std::uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  const std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  const bool verifies = EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha384(), nullptr, key) == 1 &&
                        EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), report.data(), 0x2A0) == 1;
  OPENSSL_free(der);
  return verifies;
}

}  // namespace assay::softtee

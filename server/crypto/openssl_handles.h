// What the opaque handles of this folder's headers are made of. Included by crypto/*.cc only.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/public_key.h"

namespace assay::crypto {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using EvpPkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using EvpPkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using EvpMdCtx = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using X509NamePtr = std::unique_ptr<X509_NAME, Freer<X509_NAME_free>>;

// Empties OpenSSL's error queue when a function of ours ends, however it ends.
struct ErrorQueueGuard {
  ErrorQueueGuard() = default;
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

const EVP_MD* Md(HashAlgorithm algorithm);  // fetched once per process

// The DER that one of OpenSSL's i2d functions writes for `object`; empty if it fails.
template <auto Encode, typename T>
Bytes DerOf(T* object) {
  unsigned char* encoded = nullptr;
  const int size = Encode(object, &encoded);
  if (size <= 0) return {};
  Bytes der(encoded, encoded + size);
  OPENSSL_free(encoded);
  return der;
}

struct PublicKey::Handle {
  EvpPkey pkey;
  KeyKind kind;
  int bits;
  Bytes spki;
  Sha256Digest spki_sha256;
};

struct Certificate::Data {
  X509Ptr x509;  // extension cache filled, so that sharing it between threads needs no lock
  Bytes der;
  Sha256Digest sha256{};
  int version = 0;
  Bytes serial;
  std::vector<NameAttribute> subject;
  std::vector<NameAttribute> issuer;
  std::string common_name;
  Time not_before{};
  Time not_after{};
  std::optional<PublicKey> key;
  SignatureAlgorithm algorithm;
  bool algorithms_agree = false;
  std::vector<Extension> extensions;
  bool is_ca = false;
  std::optional<int> path_length;
  std::optional<std::uint16_t> key_usage;
  // Into der.
  ByteView subject_der;
  ByteView issuer_der;
  ByteView tbs;
  ByteView signature;
};

}  // namespace assay::crypto

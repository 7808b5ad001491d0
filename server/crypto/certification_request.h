// PKCS #10 certification requests (RFC 2986), as a node sends one beside its evidence.
//
// Promises: the bytes are exactly one DER request of version 1, at most 4 KiB, for a key that this build accepts. Does not
// promise: that this key signed it (IsSignedByItsKey tells), or that anybody may have the subject or the attributes that it
// asks for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/certificate.h"
#include "crypto/public_key.h"

namespace assay::crypto {

inline constexpr std::size_t kMaxCertificationRequestSize = 4 * 1024;

class CertificationRequest {
 public:
  // size_over_limit, certificate_malformed or key_unsupported; `component` names the request in findings.
  static Outcome<CertificationRequest> FromDer(ByteView der, std::string_view component = "csr");

  ByteView der() const { return der_; }
  const std::vector<NameAttribute>& subject() const { return subject_; }
  const PublicKey& public_key() const { return key_; }
  bool IsSignedByItsKey() const;  // proof of possession (RFC 2986 section 4.2); by the algorithm in it

 private:
  CertificationRequest(Bytes der, std::vector<NameAttribute> subject, PublicKey key)
      : der_(std::move(der)), subject_(std::move(subject)), key_(std::move(key)) {}

  Bytes der_;
  std::vector<NameAttribute> subject_;
  PublicKey key_;
};

}  // namespace assay::crypto

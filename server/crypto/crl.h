// Certificate revocation lists (RFC 5280 section 5): decoded once, immutable, cheap to copy.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/outcome.h"
#include "crypto/certificate.h"

namespace assay::crypto {

inline constexpr std::size_t kMaxCrlSize = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxCrlEntries = 500'000;

class CertificateList {
 public:
  // crl_malformed or size_over_limit. Exactly one DER CertificateList. Refused as well: no nextUpdate (a list that never
  // ends says nothing), unknown critical extensions of list or entry, delta CRLs, indirect CRLs, an issuing distribution
  // point that narrows the scope.
  static Outcome<CertificateList> FromDer(ByteView der, std::string_view component = "crl");

  ByteView der() const;
  const Sha256Digest& sha256() const;
  std::string IssuerText() const;
  Time this_update() const;
  Time next_update() const;
  std::optional<Bytes> number() const;                // cRLNumber, content octets of the INTEGER
  const std::vector<Bytes>& revoked_serials() const;  // INTEGER contents, sorted
  bool Revokes(const Bytes& serial) const;
  const SignatureAlgorithm& signature_algorithm() const;

  // Issuer name equals `issuer`'s subject byte for byte, `issuer` may sign CRLs (keyUsage cRLSign), signature verifies.
  bool IsIssuedBy(const Certificate& issuer) const;

  struct Data;

 private:
  explicit CertificateList(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

}  // namespace assay::crypto

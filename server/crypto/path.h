// Certification paths. OpenSSL builds and verifies the path (strict mode off: genuine vendor leaves would fail it);
// what it leaves open, a profile checks: `rfc5280` here, each vendor's own beside its format.
//
// Time is not judged here: windows are facts that authentication reports and appraisal judges.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/outcome.h"
#include "crypto/certificate.h"

namespace assay::crypto {

inline constexpr std::size_t kMaxPathLength = 8;  // certificates, leaf and anchor included

struct CertificatePath {
  std::vector<Certificate> certificates;  // leaf first, anchor last; at least two unless the leaf is the anchor itself

  const Certificate& leaf() const { return certificates.front(); }
  const Certificate& anchor() const { return certificates.back(); }
};

// A path from `leaf` over any of `intermediates` to one of `anchors` (trusted as they are, self-signed or not): names
// chained, every signature verified, CA bits, pathLenConstraint and critical extensions honoured.
// Findings: chain_incomplete (an issuer is missing), root_not_pinned (a path exists, but ends in a self-signed certificate
// that is not among the anchors), chain_broken (a signature or CA constraint fails), size_over_limit.
Outcome<CertificatePath> BuildPath(const Certificate& leaf, std::span<const Certificate> intermediates,
                                   std::span<const Certificate> anchors);

// RFC 5280's own demands that OpenSSL does not enforce, for chains of ordinary CAs: positive serial of at most 20 octets,
// version 3, AKI/SKI present and non-critical as section 4.2.1 demands, basicConstraints critical in CAs, keyCertSign
// with CA and only with CA, no name constraints outside CAs, non-empty issuer, algorithms agree and are not weak.
// Empty = conforms. Not for AMD (serial 0, no AKI) or Nitro.
std::vector<Finding> CheckRfc5280(const CertificatePath& path);

}  // namespace assay::crypto

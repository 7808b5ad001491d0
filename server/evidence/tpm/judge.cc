#include "evidence/tpm/judge.h"

#include <string>

#include "base/strings.h"
#include "crypto/digest.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/claims.h"

namespace assay::tpm {

void Judge(const trust::AuthenticatedClaims& claims, const evidence::JudgeContext&, CheckLog& log) {
  const auto* hash = claims.Get<std::string>(kSignatureHashClaim);
  if (hash == nullptr) return;  // no quote in this bundle
  // Genuine, but worth nothing: pcrDigest is by the same hash, and with another set of values of the same digest it would be as genuine.
  log.Require(Check::kTpmWeakHash, *hash != crypto::NameOf(crypto::HashAlgorithm::kSha1), [&] {
    return Finding{.reason = Reason::kWeakHash,
                   .component = std::string(kQuoteComponent),
                   .claim = std::string(kSignatureHashClaim),
                   .expected = "SHA-256, SHA-384 or SHA-512",
                   .actual = *hash};
  });
  if (const auto* production = claims.Get<bool>(kGceProductionClaim)) {
    log.Require(Check::kTpmGceProduction, *production, [&] {
      return Finding{.reason = Reason::kNotProduction,
                     .component = std::string(kAkCertificateComponent),
                     .claim = std::string(kGceProductionClaim),
                     .expected = "true",
                     .actual = "false"};
    });
  }
}

}  // namespace assay::tpm

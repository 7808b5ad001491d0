// Revocation lists against the issuer that should have signed them.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "trust/claims.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"

namespace assay::trust {

struct Revocation {
  // The newest authentic list (by CRL number, then thisUpdate), for its window; nullptr: there is none.
  std::shared_ptr<const crypto::CertificateList> newest;
  // The first of the subjects that some authentic list names, whether or not it is the newest; nullptr: none.
  const crypto::Certificate* revoked = nullptr;
};

// Looks the subjects up in those of the candidate lists that `issuer` signed. A list that it did not sign is logged under
// `signature_check`: as a note if an authentic one exists, else as a rejection. Windows are not judged. `subjects` outlive the result.
Revocation CheckRevocation(const crypto::Certificate& issuer, std::span<const crypto::Certificate> subjects,
                           std::span<const CollateralItem> candidates, Check signature_check, std::string_view component,
                           FactCaches* caches, CheckLog& log);

// By CRL number and thisUpdate. A list without a number counts as its issuer's first.
Edition EditionOf(const crypto::CertificateList& list, CollateralKey series);
// Its window, as the edition of that series.
ValidityWindow WindowOf(const crypto::CertificateList& list, std::string_view component, CollateralKey series);

}  // namespace assay::trust

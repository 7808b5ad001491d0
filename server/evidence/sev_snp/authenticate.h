// From a parsed report to an authenticated one: certificate of the signing key, chain to the pinned ARK, revocation,
// extensions against the report's fields, signature. Cheap comparisons first, the signature last.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/check_log.h"
#include "crypto/crl.h"
#include "evidence/format.h"
#include "evidence/sev_snp/endorsement.h"
#include "evidence/sev_snp/report.h"
#include "trust/authenticated.h"
#include "trust/chain.h"

namespace assay::sev_snp {

inline constexpr trust::ChainProfile kAmdProfile{
    .vendor = "amd",
    .chain_check = Check::kSnpChain,
    .root_check = Check::kSnpRootPinned,
    .profile_check = Check::kSnpProfile,
    .conformance = &CheckAmdProfile,
};

class ReportAuthenticator {
 public:
  // nullopt: the log says why. Validity windows of leaf, ASK or ASVK, ARK and revocation list are reported with the
  // result, not judged.
  static std::optional<trust::Authenticated<Report>> Authenticate(trust::Parsed<Report> report,
                                                                  const evidence::AuthenticationContext& context, CheckLog& log);
};

// The newest (by CRL number, then thisUpdate) of those revocation lists in `collateral` that `ark` issued; nullptr if there
// is none. A list that claims this product but is not authentic is logged: as a note if an authentic one exists, else as
// a rejection. Every authentic list counts for revocation, the newest for the window.
struct Revocation {
  std::shared_ptr<const crypto::CertificateList> newest;
  bool revoked = false;  // some authentic list names the serial
};
Revocation CheckRevocation(const crypto::Certificate& ark, const crypto::Certificate& intermediate, Product product,
                           const evidence::AuthenticationContext& context, CheckLog& log);

}  // namespace assay::sev_snp

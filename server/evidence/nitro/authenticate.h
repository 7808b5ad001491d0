// From a parsed document to an authenticated one: its certificate, the cabundle to the pinned root, the module, the date, the signature.
// Cheap comparisons first, signatures last.
#pragma once

#include <optional>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/nitro/document.h"
#include "evidence/nitro/endorsement.h"
#include "trust/authenticated.h"
#include "trust/chain.h"

namespace assay::nitro {

inline constexpr trust::ChainProfile kAwsProfile{
    .vendor = kVendor,
    .chain_check = Check::kNitroChain,
    .root_check = Check::kNitroRootPinned,
    .profile_check = Check::kNitroProfile,
    .conformance = &CheckAwsProfile,
};

class DocumentAuthenticator {
 public:
  // nullopt: the log says why. Validity windows of every certificate of the path are reported with the result, and judged at the time of
  // appraisal, not at that of the document. Revocation is not: AWS has these chains verified without their lists, and replaces issuers
  // every day to every three weeks.
  static std::optional<trust::Authenticated<Document>> Authenticate(trust::Parsed<Document> parsed,
                                                                    const evidence::AuthenticationContext& context, CheckLog& log);
};

}  // namespace assay::nitro

// From a certificate to a pinned anchor.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "crypto/certificate.h"
#include "crypto/path.h"
#include "trust/anchors.h"
#include "trust/claims.h"

namespace assay::trust {

// A path whose last certificate holds a pinned key and whose every certificate conforms to its vendor's profile. Only
// VerifyChain makes one.
class VerifiedChain {
 public:
  const crypto::CertificatePath& path() const { return path_; }
  const crypto::Certificate& leaf() const { return path_.leaf(); }
  const crypto::Certificate& anchor() const { return path_.anchor(); }

 private:
  friend class ChainVerifier;
  explicit VerifiedChain(crypto::CertificatePath path) : path_(std::move(path)) {}
  crypto::CertificatePath path_;
};

// The certificate's validity, with the key by which operators ban it: a window that is made otherwise would escape their bans.
ValidityWindow WindowOf(const crypto::Certificate& certificate, std::string_view component);

// What a vendor's chains look like, and under which names its checks are reported.
struct ChainProfile {
  std::string_view vendor;  // of the anchors
  Check chain_check;
  Check root_check;
  Check profile_check;
  // What the vendor's certificates must be beyond a sound path; empty = conforms.
  std::vector<Finding> (*conformance)(const crypto::CertificatePath& path);
};

class ChainVerifier {
 public:
  // Builds a path from `leaf` over `pool` to a certificate of `pool` that `anchors` pins for `product`. nullopt: the log
  // says why. Time and revocation are not judged here.
  static std::shared_ptr<const VerifiedChain> Verify(const crypto::Certificate& leaf, std::span<const crypto::Certificate> pool,
                                                     const AnchorSet& anchors, std::string_view product, const ChainProfile& profile,
                                                     CheckLog& log);
};

}  // namespace assay::trust

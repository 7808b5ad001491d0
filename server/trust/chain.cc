#include "trust/chain.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"

namespace assay::trust {

ValidityWindow WindowOf(const crypto::Certificate& certificate, std::string_view component) {
  return {.component = std::string(component),
          .not_before = certificate.not_before(),
          .not_after = certificate.not_after(),
          .key = certificate.public_key().spki_sha256()};
}

std::shared_ptr<const VerifiedChain> ChainVerifier::Verify(const crypto::Certificate& leaf, std::span<const crypto::Certificate> pool,
                                                           const AnchorSet& anchors, std::string_view product, const ChainProfile& profile,
                                                           CheckLog& log) {
  const auto pinned = [&](const crypto::Certificate& certificate) {
    return anchors.Pins(profile.vendor, product, certificate.public_key().spki_sha256());
  };
  std::vector<crypto::Certificate> roots;
  std::vector<crypto::Certificate> intermediates;
  for (const crypto::Certificate& certificate : pool) {
    (pinned(certificate) || SwitchedOff(profile.root_check) ? roots : intermediates).push_back(certificate);
  }

  Outcome<crypto::CertificatePath> path = crypto::BuildPath(leaf, intermediates, roots);
  if (!path) {
    // Which check failed follows from the reason: a sound chain to another root is not a broken chain.
    for (const Finding& finding : path.findings()) {
      const bool wrong_root = finding.reason == Reason::kRootNotPinned;
      log.Fail(wrong_root ? profile.root_check : profile.chain_check, finding);
    }
    return nullptr;
  }
  log.Pass(profile.chain_check);
  // BuildPath only ends in a certificate of `roots`, all of them pinned; said again here because everything hangs on it.
  if (!log.Require(profile.root_check, pinned(path->anchor()), [&] {
        return Finding{.reason = Reason::kRootNotPinned,
                       .component = path->anchor().SubjectText(),
                       .expected = Cat("the key pinned for ", profile.vendor, " ", product),
                       .actual = ToHex(path->anchor().public_key().spki_sha256())};
      })) {
    return nullptr;
  }
  const std::vector<Finding> deviations = profile.conformance(*path);
  if (deviations.empty()) log.Pass(profile.profile_check);
  bool conforms = true;
  for (const Finding& deviation : deviations) {
    conforms = log.Require(profile.profile_check, false, [&] { return deviation; }) && conforms;
  }
  if (!conforms) return nullptr;
  return std::shared_ptr<const VerifiedChain>(new VerifiedChain(std::move(path).value()));
}

}  // namespace assay::trust

#include "trust/cached_chain.h"

#include "crypto/digest.h"

namespace assay::trust {
namespace {

crypto::Sha256Digest NameOfFact(const crypto::Certificate& leaf, std::span<const crypto::Certificate> pool, const AnchorSet& anchors,
                                std::string_view product, const ChainProfile& profile) {
  Bytes depends_on;
  depends_on.reserve(32 * (pool.size() + 4));
  for (const std::string_view text : {profile.vendor, NameOf(profile.profile_check), product}) {
    AppendU32Be(depends_on, static_cast<std::uint32_t>(text.size()));
    Append(depends_on, AsBytes(text));
  }
  Append(depends_on, anchors.Digest());
  Append(depends_on, leaf.sha256());
  for (const crypto::Certificate& certificate : pool) Append(depends_on, certificate.sha256());
  return crypto::Sha256(depends_on);
}

}  // namespace

std::shared_ptr<const VerifiedChain> VerifyChain(const crypto::Certificate& leaf, std::span<const crypto::Certificate> pool,
                                                 const AnchorSet& anchors, std::string_view product, const ChainProfile& profile,
                                                 FactCaches* caches, CheckLog& log) {
  if (caches == nullptr) return ChainVerifier::Verify(leaf, pool, anchors, product, profile, log);
  const crypto::Sha256Digest fact = NameOfFact(leaf, pool, anchors, product, profile);
  if (auto known = caches->chains.Find(fact)) {
    for (const Check check : {profile.chain_check, profile.root_check, profile.profile_check}) log.Pass(check);
    return known;
  }
  auto chain = ChainVerifier::Verify(leaf, pool, anchors, product, profile, log);
  if (chain != nullptr) {
    caches->chains.Insert(fact, chain);
    for (const crypto::Certificate& certificate : chain->path().certificates) {
      caches->certificates.Insert(certificate.sha256(), std::make_shared<const crypto::Certificate>(certificate));
    }
  }
  return chain;
}

}  // namespace assay::trust

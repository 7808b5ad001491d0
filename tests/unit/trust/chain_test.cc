#include "trust/chain.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/trust/parts.h"

namespace assay::trust {
namespace {

using softtee::Fault;
using softtee::Product;
using test::kProfile;

// The certificates of one piece of evidence: leaf, and the rest as the pool.
struct Chain {
  crypto::Certificate leaf;
  std::vector<crypto::Certificate> pool;
};
Chain Minted(std::optional<Fault> fault = std::nullopt) {
  const auto evidence = softtee::MintSnp(softtee::SnpPki::Shared(), {.with_crl = false, .fault = fault});
  ASSAY_CHECK(evidence.ok());
  std::optional<crypto::Certificate> leaf;
  std::vector<crypto::Certificate> pool;
  for (const softtee::Endorsement& endorsement : evidence->endorsements) {
    crypto::Certificate certificate = crypto::Certificate::FromDer(endorsement.der).value();
    if (endorsement.name == "vcek") leaf = std::move(certificate);
    else if (endorsement.name != "crl") pool.push_back(std::move(certificate));
  }
  return {leaf.value(), std::move(pool)};
}
crypto::Certificate AuthorityCertificate(softtee::Authority authority, Product product) {
  return crypto::Certificate::FromDer(softtee::SnpPki::Shared().CertificateOf(authority, product)).value();
}
AnchorSet AllAnchors() {
  std::vector<Anchor> anchors;
  for (const Product product : softtee::kProducts) {
    anchors.push_back({"amd", std::string(softtee::NameOf(product)), test::AnchorDigest(product)});
  }
  return AnchorSet(std::move(anchors), true);
}

TEST(ChainVerifierTest, LeadsFromTheLeafToThePinnedRoot) {
  const Chain chain = Minted();
  CheckLog log;
  const auto verified = ChainVerifier::Verify(chain.leaf, chain.pool, AllAnchors(), "Milan", kProfile, log);
  ASSERT_NE(verified, nullptr);
  EXPECT_EQ(verified->path().certificates.size(), 3U);
  EXPECT_EQ(verified->leaf().sha256(), chain.leaf.sha256());
  EXPECT_EQ(verified->anchor().CommonName(), "ARK-Milan");
  EXPECT_TRUE(log.findings().empty());
  ASSERT_EQ(log.records().size(), 3U);
  for (const CheckRecord& record : log.records()) EXPECT_EQ(record.result, CheckResult::kPassed) << NameOf(record.check);
}

TEST(ChainVerifierTest, TheOrderOfThePoolAndItsOtherContentsDoNotMatter) {
  Chain chain = Minted();
  for (const Product product : {Product::kGenoa, Product::kTurin}) {
    for (const softtee::Authority authority : {softtee::Authority::kArk, softtee::Authority::kAsk, softtee::Authority::kAsvk}) {
      chain.pool.push_back(AuthorityCertificate(authority, product));
    }
  }
  chain.pool.push_back(chain.leaf);
  for (const bool reversed : {false, true}) {
    if (reversed) std::reverse(chain.pool.begin(), chain.pool.end());
    CheckLog log;
    const auto verified = ChainVerifier::Verify(chain.leaf, chain.pool, AllAnchors(), "Milan", kProfile, log);
    ASSERT_NE(verified, nullptr);
    EXPECT_EQ(verified->anchor().CommonName(), "ARK-Milan");
  }
}

struct Refused {
  const char* name;
  std::optional<Fault> fault;
  AnchorSet anchors;
  const char* product;
  Reason reason;
  Check check;
};

TEST(ChainVerifierTest, RefusesByTheCheckThatFailed) {
  const auto pinning = [](std::string vendor, std::string product, const crypto::Sha256Digest& digest) {
    return AnchorSet({{std::move(vendor), std::move(product), digest}}, true);
  };
  const crypto::Sha256Digest milan = test::AnchorDigest(Product::kMilan), genoa = test::AnchorDigest(Product::kGenoa);
  for (const Refused& refused : std::vector<Refused>{
           {"Attack010_RootMadeByTheAttacker", Fault::kRootSelfMade, AllAnchors(), "Milan", Reason::kRootNotPinned, Check::kSnpRootPinned},
           {"Attack010_RootOfAnotherProduct", Fault::kChainOfOtherProduct, AllAnchors(), "Milan", Reason::kRootNotPinned,
            Check::kSnpRootPinned},
           {"Attack010_PinnedForAnotherProductOnly", {}, AllAnchors(), "Genoa", Reason::kRootNotPinned, Check::kSnpRootPinned},
           {"Attack010_PinnedUnderAnotherName", {}, pinning("amd", "Genoa", milan), "Milan", Reason::kRootNotPinned, Check::kSnpRootPinned},
           {"Attack010_PinnedOfAnotherVendor",
            {},
            pinning("intel", "Milan", milan),
            "Milan",
            Reason::kRootNotPinned,
            Check::kSnpRootPinned},
           {"Attack010_TheRightNameWithAnotherKey",
            {},
            pinning("amd", "Milan", genoa),
            "Milan",
            Reason::kRootNotPinned,
            Check::kSnpRootPinned},
           {"Attack038_NoAnchorsAtAll", {}, AnchorSet({}, true), "Milan", Reason::kRootNotPinned, Check::kSnpRootPinned},
           {"no product", {}, AllAnchors(), "", Reason::kRootNotPinned, Check::kSnpRootPinned},
           {"the intermediate is missing", Fault::kIntermediateMissing, AllAnchors(), "Milan", Reason::kChainIncomplete, Check::kSnpChain},
           {"the root is missing", Fault::kRootMissing, AllAnchors(), "Milan", Reason::kChainIncomplete, Check::kSnpChain},
           {"the leaf's signer is another", Fault::kLeafOtherIssuerKey, AllAnchors(), "Milan", Reason::kChainBroken, Check::kSnpChain},
           {"the intermediate's signer is another", Fault::kIntermediateOtherIssuerKey, AllAnchors(), "Milan", Reason::kChainBroken,
            Check::kSnpChain},
           {"Attack031_TheIntermediateIsNoAuthority", Fault::kIntermediateNotCa, AllAnchors(), "Milan", Reason::kChainBroken,
            Check::kSnpChain},
           {"Attack063_NoPathLength", Fault::kIntermediateNoPathLength, AllAnchors(), "Milan", Reason::kCertificateProfile,
            Check::kSnpProfile},
           {"Attack063_NoKeyUsage", Fault::kIntermediateNoKeyUsage, AllAnchors(), "Milan", Reason::kCertificateProfile, Check::kSnpProfile},
           {"Attack067_AnotherSaltLength", Fault::kLeafSalt20, AllAnchors(), "Milan", Reason::kCertificateProfile, Check::kSnpProfile},
           {"Attack067_AnotherAlgorithm", Fault::kLeafPkcs1, AllAnchors(), "Milan", Reason::kCertificateProfile, Check::kSnpProfile},
           {"a leaf under the root itself", Fault::kLeafIssuedByRoot, AllAnchors(), "Milan", Reason::kCertificateProfile,
            Check::kSnpProfile},
       }) {
    SCOPED_TRACE(refused.name);
    const Chain chain = Minted(refused.fault);
    CheckLog log;
    EXPECT_EQ(ChainVerifier::Verify(chain.leaf, chain.pool, refused.anchors, refused.product, kProfile, log), nullptr);
    ASSERT_FALSE(log.findings().empty());
    EXPECT_TRUE(log.HasRejection());
    EXPECT_EQ(NameOf(log.findings()[0].reason), NameOf(refused.reason)) << Describe(log.findings()[0]);
    const auto failed = std::find_if(log.records().begin(), log.records().end(),
                                     [](const CheckRecord& record) { return record.result == CheckResult::kFailed; });
    ASSERT_NE(failed, log.records().end());
    EXPECT_EQ(NameOf(failed->check), NameOf(refused.check));
  }
}

// Attack 72: a second root appended to the chain moves the real one away from the place where it was looked for.
TEST(ChainVerifierTest, Attack072_AppendedRootsChangeNothing) {
  const crypto::Certificate real_root = AuthorityCertificate(softtee::Authority::kArk, Product::kMilan);
  Chain forged = Minted(Fault::kRootSelfMade);
  for (const std::size_t copies : {std::size_t{1}, std::size_t{3}}) {
    forged.pool.insert(forged.pool.end(), copies, real_root);
    CheckLog log;
    EXPECT_EQ(ChainVerifier::Verify(forged.leaf, forged.pool, AllAnchors(), "Milan", kProfile, log), nullptr);
    EXPECT_TRUE(log.HasRejection());
  }
  // And the other way round: forged roots and intermediates beside a sound chain do not spoil it.
  Chain sound = Minted();
  sound.pool.insert(sound.pool.begin(), forged.pool.begin(), forged.pool.end());
  CheckLog log;
  const auto verified = ChainVerifier::Verify(sound.leaf, sound.pool, AllAnchors(), "Milan", kProfile, log);
  ASSERT_NE(verified, nullptr);
  EXPECT_EQ(verified->anchor().public_key().spki_sha256(), test::AnchorDigest(Product::kMilan));
}

TEST(ChainVerifierTest, AnAuthorityIsNoLeaf) {
  const Chain chain = Minted();
  for (const crypto::Certificate& authority : chain.pool) {
    CheckLog log;
    EXPECT_EQ(ChainVerifier::Verify(authority, chain.pool, AllAnchors(), "Milan", kProfile, log), nullptr) << authority.CommonName();
    EXPECT_TRUE(log.HasRejection());
  }
}

TEST(ChainVerifierTest, ADeviationRefusesWhateverItsEffect) {
  const Chain chain = Minted();
  ChainProfile strange = kProfile;
  strange.conformance = [](const crypto::CertificatePath&) {
    return std::vector<Finding>{{.reason = Reason::kCertificateProfile, .effect = Effect::kNote}, {.reason = Reason::kCertificateProfile}};
  };
  CheckLog log;
  EXPECT_EQ(ChainVerifier::Verify(chain.leaf, chain.pool, AllAnchors(), "Milan", strange, log), nullptr);
  EXPECT_EQ(log.findings().size(), 2U) << "all deviations are named";
}

}  // namespace
}  // namespace assay::trust

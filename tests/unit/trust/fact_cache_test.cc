#include "trust/fact_cache.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "evidence/sev_snp/format.h"
#include "tests/softtee/snp_evidence.h"
#include "trust/anchors.h"
#include "trust/challenge.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"

namespace assay::trust {
namespace {

crypto::Sha256Digest Name(std::uint32_t number) {
  Bytes encoded;
  AppendU32Be(encoded, number);
  return crypto::Sha256(encoded);
}

std::shared_ptr<const int> Fact(int value) { return std::make_shared<const int>(value); }

TEST(FactCache, KnowsOnlyWhatWasInserted) {
  FactCache<int> cache(10);
  EXPECT_EQ(cache.Find(Name(1)), nullptr);
  cache.Insert(Name(1), Fact(11));
  ASSERT_NE(cache.Find(Name(1)), nullptr);
  EXPECT_EQ(*cache.Find(Name(1)), 11);
  EXPECT_EQ(cache.Find(Name(2)), nullptr);
}

TEST(FactCache, KeepsTheFirstFactOfAName) {
  FactCache<int> cache(10);
  cache.Insert(Name(1), Fact(11));
  cache.Insert(Name(1), Fact(12));
  EXPECT_EQ(*cache.Find(Name(1)), 11);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(FactCache, NeverHoldsMoreThanItsCapacity) {
  for (const std::size_t capacity : {std::size_t{2}, std::size_t{3}, std::size_t{10}, std::size_t{64}}) {
    SCOPED_TRACE(capacity);
    FactCache<int> cache(capacity);
    for (std::uint32_t i = 0; i < 500; ++i) {
      cache.Insert(Name(i), Fact(1));
      if (i % 2 == 0) cache.Find(Name(i));  // half of them become protected
      EXPECT_LE(cache.size(), capacity);
    }
  }
}

TEST(FactCache, AFactOutlivesItsEviction) {
  FactCache<int> cache(2);
  cache.Insert(Name(1), Fact(11));
  const std::shared_ptr<const int> held = cache.Find(Name(1));
  for (std::uint32_t i = 2; i < 50; ++i) {
    cache.Insert(Name(i), Fact(1));
    cache.Find(Name(i));
  }
  EXPECT_EQ(cache.Find(Name(1)), nullptr);
  EXPECT_EQ(*held, 11);
}

TEST(FactCache, OneOffFactsEvictOnlyOneOffs) {
  constexpr std::uint32_t kGood = 40;
  FactCache<int> cache(64);
  for (std::uint32_t i = 0; i < kGood; ++i) {
    cache.Insert(Name(i), Fact(static_cast<int>(i)));
    cache.Find(Name(i));  // second use: protected from now on
  }
  for (std::uint32_t i = 0; i < 100'000; ++i) cache.Insert(Name(1'000'000 + i), Fact(-1));
  for (std::uint32_t i = 0; i < kGood; ++i) {
    const auto fact = cache.Find(Name(i));
    ASSERT_NE(fact, nullptr) << i;
    EXPECT_EQ(*fact, static_cast<int>(i));
  }
  EXPECT_LE(cache.size(), 64u);
}

TEST(FactCache, AmongProtectedFactsTheLeastRecentlyUsedGoesFirst) {
  FactCache<int> cache(10);
  const auto insert_and_use = [&](std::uint32_t name) {
    cache.Insert(Name(name), Fact(1));
    cache.Find(Name(name));
  };
  for (std::uint32_t i = 0; i < 7; ++i) insert_and_use(i);
  cache.Find(Name(0));
  for (std::uint32_t i = 100; i < 104; ++i) insert_and_use(i);
  EXPECT_NE(cache.Find(Name(0)), nullptr);
  EXPECT_EQ(cache.Find(Name(1)), nullptr);
}

// The same through authentication: what is kept between requests is what was proven, and nothing else.
class FactCachesTest : public ::testing::Test {
 protected:
  bool Authenticate(const softtee::Evidence& evidence) {
    std::vector<evidence::Item> items;
    std::vector<CollateralItem> recognised;
    for (const softtee::Item& item : evidence.items) {
      items.push_back({item.media_type, UntrustedBytes(item.body)});
      for (auto& one : sev_snp::kFormat.recognise(items.back().body, CollateralSource::kNode, &caches_)) {
        recognised.push_back(std::move(one));
      }
    }
    const CollateralSnapshot collateral(std::move(recognised));
    CheckLog log;
    return sev_snp::AuthenticateReport(items, {.anchors = anchors_, .collateral = collateral, .challenge = challenge_, .caches = &caches_},
                                       log)
        .has_value();
  }
  static softtee::Evidence Mint(std::uint8_t chip, std::optional<softtee::Fault> fault = std::nullopt) {
    softtee::SnpOptions options;
    options.chip_id = softtee::kDefaultChipId;
    options.chip_id->front() = chip;
    options.delivery = softtee::SnpOptions::Delivery::kSeparateItems;
    options.fault = fault;
    return softtee::MintSnp(softtee::SnpPki::Shared(), options).value();
  }
  static crypto::Sha256Digest LeafOf(const softtee::Evidence& evidence) {
    for (const softtee::Item& item : evidence.items) {
      if (item.media_type != softtee::kCertificateType) continue;
      const auto certificate = crypto::Certificate::FromDer(item.body);
      if (certificate.ok() && certificate->CommonName() == "SEV-VCEK") return certificate->sha256();
    }
    ADD_FAILURE() << "no leaf";
    return {};
  }
  static AnchorSet Anchors() {
    const Bytes digest = softtee::SnpPki::Shared().AnchorOf(softtee::Product::kMilan);
    Anchor anchor{"amd", "Milan", {}};
    std::copy(digest.begin(), digest.end(), anchor.spki_sha256.begin());
    return AnchorSet({anchor}, /*simulated=*/true);
  }

  static constexpr std::size_t kCapacity = 10;
  FactCaches caches_{kCapacity};
  const AnchorSet anchors_ = Anchors();
  const Challenge challenge_ = Challenge::NotDemanded(/*accepted=*/true);
};

TEST_F(FactCachesTest, UnprovenChainsLeaveNoTrace) {
  const softtee::Evidence good = Mint(1);
  ASSERT_TRUE(Authenticate(good));
  ASSERT_TRUE(Authenticate(good));
  const std::size_t chains = caches_.chains.size(), certificates = caches_.certificates.size(), lists = caches_.revocation_lists.size();
  EXPECT_EQ(chains, 1u);
  for (const softtee::Fault fault :
       {softtee::Fault::kLeafOtherIssuerKey, softtee::Fault::kLeafWrongIntermediate, softtee::Fault::kIntermediateOtherIssuerKey,
        softtee::Fault::kRootSelfMade, softtee::Fault::kLeafGarbage}) {
    for (std::uint8_t chip = 2; chip < 8; ++chip) EXPECT_FALSE(Authenticate(Mint(chip, fault))) << softtee::EntryOf(fault).name;
  }
  softtee::Evidence forged_list = good;  // the chain stays the proven one
  for (softtee::Item& item : forged_list.items) {
    if (item.media_type == softtee::kCrlType) item.body = *Mint(1, softtee::Fault::kCrlOtherIssuerKey).Find(softtee::kCrlType);
  }
  EXPECT_FALSE(Authenticate(forged_list));
  EXPECT_EQ(caches_.chains.size(), chains);
  EXPECT_EQ(caches_.certificates.size(), certificates);
  EXPECT_EQ(caches_.revocation_lists.size(), lists);
}

TEST_F(FactCachesTest, ProvenOneOffsDoNotEvictACertificateInUse) {
  const softtee::Evidence good = Mint(1);
  ASSERT_TRUE(Authenticate(good));
  ASSERT_TRUE(Authenticate(good));
  const softtee::Evidence first_one_off = Mint(2);
  ASSERT_TRUE(Authenticate(first_one_off));
  for (std::uint8_t chip = 3; chip < 34; ++chip) {
    ASSERT_TRUE(Authenticate(Mint(chip)));
    EXPECT_LE(caches_.chains.size(), kCapacity);
    EXPECT_LE(caches_.certificates.size(), kCapacity);
  }
  EXPECT_NE(caches_.certificates.Find(LeafOf(good)), nullptr);
  EXPECT_EQ(caches_.certificates.Find(LeafOf(first_one_off)), nullptr);
}

}  // namespace
}  // namespace assay::trust

#include "trust/anchors.h"

#include <gtest/gtest.h>

#include "evidence/sev_snp/endorsement.h"
#include "tests/unit/trust/parts.h"

namespace assay::trust {
namespace {

crypto::Sha256Digest DigestOf(std::string_view text) { return crypto::Sha256(AsBytes(text)); }

const Anchor kMilan{"amd", "Milan", DigestOf("milan")};
const Anchor kGenoa{"amd", "Genoa", DigestOf("genoa")};

TEST(AnchorSetTest, PinsExactlyWhatItWasGiven) {
  const AnchorSet anchors({kMilan, kGenoa}, false);
  EXPECT_TRUE(anchors.Pins("amd", "Milan", kMilan.spki_sha256));
  EXPECT_TRUE(anchors.Pins("amd", "Genoa", kGenoa.spki_sha256));
  EXPECT_TRUE(anchors.HasAnchorFor("amd", "Milan"));
  EXPECT_FALSE(anchors.simulated());
}

TEST(AnchorSetTest, SeveralKeysMayBePinnedForOneProduct) {
  const AnchorSet anchors({kMilan, {"amd", "Milan", DigestOf("next")}}, false);
  EXPECT_TRUE(anchors.Pins("amd", "Milan", kMilan.spki_sha256));
  EXPECT_TRUE(anchors.Pins("amd", "Milan", DigestOf("next")));
}

// Attacks 10 and 119: a root counts for what it is pinned for, and for nothing else.
TEST(AnchorSetTest, Attack010_PinsNothingElse) {
  const AnchorSet anchors({kMilan, kGenoa}, false);
  struct Asked {
    const char* vendor;
    const char* product;
    crypto::Sha256Digest digest;
  };
  for (const Asked& asked : std::vector<Asked>{
           {"amd", "Milan", kGenoa.spki_sha256},
           {"amd", "Genoa", kMilan.spki_sha256},
           {"amd", "Turin", kMilan.spki_sha256},
           {"amd", "milan", kMilan.spki_sha256},
           {"amd", "Mila", kMilan.spki_sha256},
           {"amd", "Milan ", kMilan.spki_sha256},
           {"amd", "", kMilan.spki_sha256},
           {"AMD", "Milan", kMilan.spki_sha256},
           {"intel", "Milan", kMilan.spki_sha256},
           {"", "", kMilan.spki_sha256},
           {"amd", "Milan", crypto::Sha256Digest{}},
       }) {
    EXPECT_FALSE(anchors.Pins(asked.vendor, asked.product, asked.digest)) << asked.vendor << ' ' << asked.product;
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    crypto::Sha256Digest other = kMilan.spki_sha256;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(anchors.Pins("amd", "Milan", other)) << bit;
  }
  EXPECT_FALSE(anchors.HasAnchorFor("amd", "Turin"));
  EXPECT_FALSE(anchors.HasAnchorFor("intel", "Milan"));
}

// Attack 38: nothing to compare with is not a match.
TEST(AnchorSetTest, Attack038_TheEmptySetPinsNothing) {
  const AnchorSet none({}, false);
  EXPECT_FALSE(none.Pins("amd", "Milan", kMilan.spki_sha256));
  EXPECT_FALSE(none.Pins("", "", {}));
  EXPECT_FALSE(none.HasAnchorFor("amd", "Milan"));
  EXPECT_TRUE(none.anchors().empty());
}

TEST(AnchorSetTest, DigestDependsOnContentAndNotOnOrder) {
  const AnchorSet anchors({kMilan, kGenoa}, false);
  EXPECT_EQ(AnchorSet({kGenoa, kMilan}, false).Digest(), anchors.Digest());
  struct Other {
    const char* name;
    AnchorSet set;
  };
  for (const Other& other : std::vector<Other>{
           {"simulated", AnchorSet({kMilan, kGenoa}, true)},
           {"one less", AnchorSet({kMilan}, false)},
           {"none", AnchorSet({}, false)},
           {"one twice", AnchorSet({kMilan, kGenoa, kGenoa}, false)},
           {"keys exchanged", AnchorSet({{"amd", "Milan", kGenoa.spki_sha256}, {"amd", "Genoa", kMilan.spki_sha256}}, false)},
           {"another vendor", AnchorSet({{"intel", "Milan", kMilan.spki_sha256}, kGenoa}, false)},
           {"another product", AnchorSet({{"amd", "Turin", kMilan.spki_sha256}, kGenoa}, false)},
       }) {
    EXPECT_NE(other.set.Digest(), anchors.Digest()) << other.name;
  }
  // Attack 3: fields are framed, so text cannot wander from one to the next.
  EXPECT_NE(AnchorSet({{"amdM", "ilan", kMilan.spki_sha256}}, false).Digest(), AnchorSet({kMilan}, false).Digest());
  EXPECT_NE(AnchorSet({}, true).Digest(), AnchorSet({}, false).Digest());
}

// Attack 101 the other way round: what tests mint must mean nothing to a real verifier.
TEST(AnchorSetTest, ProductionPinsAreNotThoseOfTheSoftwareTee) {
  const auto pins = sev_snp::AmdAnchors();
  const AnchorSet production({pins.begin(), pins.end()}, false);
  EXPECT_EQ(pins.size(), 3U);
  for (const softtee::Product product : softtee::kProducts) {
    EXPECT_TRUE(production.HasAnchorFor("amd", softtee::NameOf(product)));
    EXPECT_FALSE(production.Pins("amd", softtee::NameOf(product), test::AnchorDigest(product)));
  }
}

}  // namespace
}  // namespace assay::trust

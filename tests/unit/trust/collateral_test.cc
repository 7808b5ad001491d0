#include "trust/collateral.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace assay::trust {
namespace {

CollateralItem Item(CollateralKey key, std::string_view body, CollateralSource source = CollateralSource::kSupplied) {
  UntrustedBytes bytes(ToBytes(AsBytes(body)));
  const crypto::Sha256Digest digest = bytes.Sha256();
  return {std::move(key), std::move(bytes), digest, source};
}
std::string BodyOf(const CollateralItem& item) { return std::string(AsText(item.body.Read().TakeRest())); }

const std::vector<CollateralItem> kSome{
    Item({"amd.vcek", "Milan", "chip2/tcb"}, "two"),   Item({"amd.vcek", "Milan", "chip1/tcb"}, "one"),
    Item({"amd.vcek", "Genoa", "chip1/tcb"}, "genoa"), Item({"amd.ark", "Milan", ""}, "ark"),
    Item({"amd.crl", "Milan", ""}, "list a"),          Item({"amd.crl", "Milan", ""}, "list b"),
};

TEST(CollateralSnapshotTest, CandidatesAreOfThatKindAndScopeWhateverTheirDetail) {
  const CollateralSnapshot snapshot(kSome);
  EXPECT_EQ(snapshot.items().size(), 6U);
  const auto leaves = snapshot.Candidates("amd.vcek", "Milan");
  ASSERT_EQ(leaves.size(), 2U);
  EXPECT_EQ(BodyOf(leaves[0]), "one");
  EXPECT_EQ(BodyOf(leaves[1]), "two");
  EXPECT_EQ(snapshot.Candidates("amd.crl", "Milan").size(), 2U) << "two lists under one key are two candidates";
  EXPECT_EQ(snapshot.CandidatesOfKind("amd.vcek").size(), 3U);
}

// Attacks 46 and 75: names are compared whole.
TEST(CollateralSnapshotTest, Attack046_NothingIsFoundUnderANeighbouringName) {
  const CollateralSnapshot snapshot(kSome);
  for (const auto& [kind, scope] : std::vector<std::pair<std::string, std::string>>{
           {"amd.vcek", "Turin"},
           {"amd.vcek", ""},
           {"amd.vcek", "Mila"},
           {"amd.vcek", "Milan0"},
           {"amd.vcek", "milan"},
           {"amd.vce", "Milan"},
           {"amd.vcek0", "Milan"},
           {"", "Milan"},
           {"", ""},
           {"amd.vcek/Milan", ""},
           {"amd.ark", "Genoa"},
           {"amd.vlek", "Milan"},
       }) {
    EXPECT_TRUE(snapshot.Candidates(kind, scope).empty()) << kind << '/' << scope;
  }
  for (const char* kind : {"", "amd", "amd.vce", "amd.vcek0", "amd.vlek", "zzz"}) {
    EXPECT_TRUE(snapshot.CandidatesOfKind(kind).empty()) << kind;
  }
  EXPECT_TRUE(CollateralSnapshot().Candidates("amd.vcek", "Milan").empty());
  EXPECT_TRUE(CollateralSnapshot().CandidatesOfKind("amd.vcek").empty());
}

TEST(CollateralSnapshotTest, OrderAndRepetitionChangeNothing) {
  const CollateralSnapshot snapshot(kSome);
  std::vector<std::size_t> order{0, 1, 2, 3, 4, 5};
  std::size_t permutations = 0;
  do {
    std::vector<CollateralItem> items;
    for (const std::size_t i : order) items.push_back(kSome[i]);
    items.push_back(kSome[order[0]]);
    const CollateralSnapshot other(std::move(items));
    ASSERT_EQ(other.Digest(), snapshot.Digest());
    ASSERT_EQ(other.items().size(), snapshot.items().size());
    for (std::size_t i = 0; i < other.items().size(); ++i) ASSERT_EQ(other.items()[i].sha256, snapshot.items()[i].sha256);
    ++permutations;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(permutations, 720U);
}

TEST(CollateralSnapshotTest, WhoseCopyItIsDoesNotMatter) {
  const CollateralSnapshot node({Item({"amd.ark", "Milan", ""}, "ark", CollateralSource::kNode)});
  const CollateralSnapshot both(
      {Item({"amd.ark", "Milan", ""}, "ark", CollateralSource::kVendor), Item({"amd.ark", "Milan", ""}, "ark", CollateralSource::kNode)});
  EXPECT_EQ(both.Digest(), node.Digest());
  ASSERT_EQ(both.items().size(), 1U);
  EXPECT_EQ(both.items()[0].source, CollateralSource::kNode);
}

TEST(CollateralSnapshotTest, DigestChangesWithEveryPart) {
  const auto digest = [](CollateralKey key, std::string_view body) { return CollateralSnapshot({Item(std::move(key), body)}).Digest(); };
  const crypto::Sha256Digest base = digest({"kind", "scope", "detail"}, "body");
  EXPECT_NE(digest({"kinds", "scope", "detail"}, "body"), base);
  EXPECT_NE(digest({"kind", "scopes", "detail"}, "body"), base);
  EXPECT_NE(digest({"kind", "scope", "details"}, "body"), base);
  EXPECT_NE(digest({"kind", "scope", ""}, "body"), base);
  EXPECT_NE(digest({"kind", "scope", "detail"}, "body2"), base);
  EXPECT_NE(CollateralSnapshot().Digest(), base);
  EXPECT_NE(CollateralSnapshot({Item({"kind", "scope", "detail"}, "body"), Item({"kind", "scope", "detail"}, "more")}).Digest(), base);
}

// Attack 3: no text wanders from one field into the next.
TEST(CollateralSnapshotTest, Attack003_FieldsAreFramed) {
  const auto digest = [](CollateralKey key) { return CollateralSnapshot({Item(std::move(key), "body")}).Digest(); };
  const crypto::Sha256Digest base = digest({"a", "b", "c"});
  EXPECT_NE(digest({"a", "b/c", ""}), base);
  EXPECT_NE(digest({"a/b", "c", ""}), base);
  EXPECT_NE(digest({"a/b/c", "", ""}), base);
  EXPECT_NE(digest({"ab", "", "c"}), base);
  EXPECT_NE(digest({"", "ab", "c"}), base);
}

TEST(CollateralKeyTest, ShowsWhatItHas) {
  EXPECT_EQ((CollateralKey{"amd.ark", "Milan", ""}).ToString(), "amd.ark/Milan");
  EXPECT_EQ((CollateralKey{"amd.vcek", "Milan", "01/02"}).ToString(), "amd.vcek/Milan/01/02");
  EXPECT_EQ(NameOf(CollateralSource::kNode), "node");
  EXPECT_EQ(NameOf(CollateralSource::kVendor), "vendor");
}

}  // namespace
}  // namespace assay::trust

#include "collateral/memory_shelf.h"

#include <gtest/gtest.h>

#include <string_view>

#include "collateral/document_kinds.h"
#include "collateral/keeper.h"
#include "collateral/transport.h"
#include "evidence/dcap/collateral_kinds.h"
#include "evidence/sev_snp/endorsement.h"

namespace assay::collateral {
namespace {

KeptItem Item(const trust::CollateralKey& key, std::uint8_t body, trust::Channel channel = trust::Channel::kStandard) {
  return {.key = key, .channel = channel, .body = {body}};
}
const trust::CollateralKey kCrl{"amd.crl", "Milan", ""}, kVcek{"amd.vcek", "Milan", "00/01"};

TEST(MemoryShelf, ReplacesWhatIsOfTheSameKeyAndChannel) {
  MemoryShelf shelf;
  const KeptItem first[] = {Item(kCrl, 1), Item(kCrl, 2, trust::Channel::kEarly)}, second[] = {Item(kCrl, 3)};
  ASSERT_TRUE(shelf.Put(first).ok());
  ASSERT_TRUE(shelf.Put(second).ok());
  const auto found = shelf.Find(kCrl);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0].body, Bytes{3});
  EXPECT_EQ((*found)[1].body, Bytes{2});
}

TEST(MemoryShelf, LoadsEverythingButLeaves) {
  MemoryShelf shelf;
  const KeptItem items[] = {Item(kCrl, 1), Item(kVcek, 2)};
  ASSERT_TRUE(shelf.Put(items).ok());
  const auto all = shelf.Load();
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().key, kCrl);
  EXPECT_EQ(shelf.Find(kVcek)->size(), 1U);
}

TEST(MemoryShelf, AFloorNeverFalls) {
  MemoryShelf shelf;
  const auto floor = [](std::uint64_t number) { return trust::Floor{{kCrl, number, Time()}, trust::Channel::kStandard}; };
  for (const std::uint64_t number : {std::uint64_t{3}, std::uint64_t{2}}) {
    const trust::Floor floors[] = {floor(number)};
    ASSERT_TRUE(shelf.RaiseFloors(floors).ok());
  }
  const auto floors = shelf.LoadFloors();
  ASSERT_TRUE(floors.ok());
  ASSERT_EQ(floors->size(), 1U);
  EXPECT_EQ(floors->front().edition.number, 3U);
}

TEST(DocumentKinds, AreThoseOfTheFormats) {
  for (const std::string_view kind : {sev_snp::kVcekKind, sev_snp::kVlekKind, sev_snp::kAskKind, sev_snp::kAsvkKind, sev_snp::kArkKind,
                                      sev_snp::kCrlKind, dcap::kPckCaKind, dcap::kRootKind, dcap::kTcbSigningKind, dcap::kRootCrlKind,
                                      dcap::kPckCrlKind, dcap::kTcbInfoKind, dcap::kQeIdentityKind, dcap::kEvaluationNumbersKind}) {
    EXPECT_NE(FindKind(kind), nullptr) << kind;
  }
  EXPECT_EQ(FindKind("amd.nothing"), nullptr);
}

}  // namespace
}  // namespace assay::collateral

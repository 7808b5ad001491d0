#include "tests/softtee/cert_table.h"

#include <gmock/gmock.h>

#include "base/hex.h"
#include "base/reader.h"

namespace assay::softtee {
namespace {

const CertTable kTable{{{guid::kVcek, Bytes(3, 0xAA)}, {guid::kAsk, Bytes(5, 0xBB)}}};

struct RowBytes {
  std::string guid;
  std::uint32_t offset;
  std::uint32_t length;
};
RowBytes RowAt(const Bytes& table, std::size_t index) {
  Reader reader(ByteView(table).subspan(24 * index));
  return {ToHex(*reader.Take(16)), *reader.U32Le(), *reader.U32Le()};
}

TEST(CertTable, WritesRowsTerminatorAndValues) {
  EXPECT_EQ(ToHex(kTable.Serialize()),
            "63da758de6644564adc5f4b93be8accd"
            "48000000"
            "03000000"
            "4ab7b379bbac4fe4a02f05aef327c782"
            "4b000000"
            "05000000"
            "00000000000000000000000000000000"
            "00000000"
            "00000000"
            "aaaaaa"
            "bbbbbbbbbb");
}

TEST(CertTable, OverlapIsOneByte) {
  const Bytes table = kTable.Serialize(TableFault::kOverlap);
  EXPECT_EQ(RowAt(table, 1).offset, RowAt(table, 0).offset + RowAt(table, 0).length - 1);
}

TEST(CertTable, WrapExceeds32BitsOnly) {
  const RowBytes row = RowAt(kTable.Serialize(TableFault::kWrap), 1);
  EXPECT_GT(std::uint64_t{row.offset} + row.length, 0xFFFFFFFFu);
  // The sum in 32 bits looks harmless: that is the trap.
  EXPECT_LT(row.offset + row.length, 80u);
}

TEST(CertTable, PastEndIsOneByte) {
  const Bytes table = kTable.Serialize(TableFault::kPastEnd);
  EXPECT_EQ(RowAt(table, 1).offset + RowAt(table, 1).length, table.size() + 1);
}

TEST(CertTable, InsideHeaderIsOneByte) { EXPECT_EQ(RowAt(kTable.Serialize(TableFault::kInsideHeader), 0).offset, 71u); }

TEST(CertTable, DuplicateRepeatsTheGuid) {
  const Bytes table = kTable.Serialize(TableFault::kDuplicateGuid);
  EXPECT_EQ(RowAt(table, 0).guid, RowAt(table, 1).guid);
}

TEST(CertTable, WithoutTerminatorTheValuesFollowAtOnce) {
  const Bytes table = kTable.Serialize(TableFault::kNoTerminator);
  EXPECT_EQ(table.size(), 48u + 8u);
  EXPECT_EQ(RowAt(table, 0).offset, 48u);
}

TEST(CertTable, EmptyValueHasLengthZero) { EXPECT_EQ(RowAt(kTable.Serialize(TableFault::kEmptyValue), 1).length, 0u); }

TEST(CertTable, CutOffEndsWithinARow) { EXPECT_EQ(kTable.Serialize(TableFault::kCutOff).size() % 24, 12u); }

}  // namespace
}  // namespace assay::softtee

#include "evidence/sev_snp/cert_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hex.h"

namespace assay::sev_snp {
namespace {

struct Row {
  std::string guid;  // 32 hexadecimal digits
  std::uint32_t offset;
  std::uint32_t length;
};

const std::string kVcek = "63da758de6644564adc5f4b93be8accd";
const std::string kAsk = "4ab7b379bbac4fe4a02f05aef327c782";

Bytes Table(const std::vector<Row>& rows, std::size_t size, bool terminated = true) {
  Bytes table;
  const auto u32 = [&table](std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) table.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  for (const Row& row : rows) {
    Append(table, *FromHex(row.guid));
    u32(row.offset);
    u32(row.length);
  }
  if (terminated) table.resize(table.size() + 24, 0);
  if (table.size() < size) table.resize(size, 0x5A);
  return table;
}

TEST(CertTableTest, ReadsEntriesInTableOrder) {
  const auto entries = ReadCertTable(Table({{kAsk, 80, 10}, {kVcek, 72, 8}, {std::string(32, 'a'), 90, 1}}, 100));
  // Three entries and the terminator take 96 bytes, so offset 72 lies inside them.
  EXPECT_FALSE(entries);
  const auto good = ReadCertTable(Table({{kAsk, 104, 10}, {kVcek, 96, 8}, {std::string(32, 'a'), 114, 1}}, 115));
  ASSERT_TRUE(good);
  ASSERT_EQ(good->size(), 3U);
  EXPECT_EQ((*good)[0].name, "ASK");
  EXPECT_EQ((*good)[1].guid, "63da758d-e664-4564-adc5-f4b93be8accd");
  EXPECT_EQ((*good)[1].value.size(), 8U);
  EXPECT_EQ((*good)[2].name, "unknown");
}

TEST(CertTableTest, EmptyTableIsItsTerminator) {
  const auto entries = ReadCertTable(Bytes(24, 0));
  ASSERT_TRUE(entries);
  EXPECT_TRUE(entries->empty());
}

struct Refused {
  const char* name;
  Bytes table;
};

// Attacks 43, 76 and the GHCB items of the format: bounds in 64 bits, no overlap, no repetition.
TEST(CertTableTest, RefusesWhatPointsElsewhere) {
  std::vector<Row> many(33, Row{kVcek, 1000, 1});
  for (std::size_t i = 0; i < many.size(); ++i) many[i].guid = ToHex(Bytes(16, static_cast<std::uint8_t>(i + 1)));
  for (const Refused& refused : std::vector<Refused>{
           {"no bytes", {}},
           {"no terminator", Table({{kVcek, 48, 8}}, 24, false)},
           {"cut in the terminator", Bytes(23, 0)},
           {"offset into the entries", Table({{kVcek, 47, 8}}, 64)},
           {"offset 0", Table({{kVcek, 0, 8}}, 64)},
           {"past the end by one", Table({{kVcek, 48, 17}}, 64)},
           {"offset past the end", Table({{kVcek, 65, 1}}, 64)},
           {"length of all ones", Table({{kVcek, 48, 0xFFFFFFFF}}, 64)},
           {"sum wraps 32 bits", Table({{kVcek, 0xFFFFFFF0, 0x20}}, 64)},
           {"length 0", Table({{kVcek, 48, 0}}, 64)},
           {"one GUID twice", Table({{kVcek, 72, 8}, {kVcek, 80, 8}}, 88)},
           {"overlap by one", Table({{kVcek, 72, 9}, {kAsk, 80, 8}}, 88)},
           {"the same bytes twice", Table({{kVcek, 72, 8}, {kAsk, 72, 8}}, 88)},
           {"more than 32 entries", Table(many, 2000)},
           {"larger than 64 KiB", Table({{kVcek, 48, 8}}, 64 * 1024 + 1)},
       }) {
    EXPECT_FALSE(ReadCertTable(refused.table)) << refused.name;
  }
}

TEST(CertTableTest, LimitsHoldExactly) {
  EXPECT_TRUE(ReadCertTable(Table({{kVcek, 48, 16}}, 64)));
  EXPECT_TRUE(ReadCertTable(Table({{kVcek, 48, 8}}, 64 * 1024)));
}

}  // namespace
}  // namespace assay::sev_snp

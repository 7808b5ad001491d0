#include "codec/protobuf.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace assay::protobuf {
namespace {

TEST(Protobuf, ReadsFieldsAsTheyStand) {
  // 1: 150; 2: "testing"; 3: fixed32; 4: fixed64; 1 again: 0
  const Bytes message = {0x08, 0x96, 0x01, 0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g',  0x1D, 1,
                         2,    3,    4,    0x21, 1,    0,   0,   0,   0,   0,   0,   0x80, 0x08, 0x00};
  const auto fields = Parse(message);
  ASSERT_TRUE(fields);
  ASSERT_EQ(fields->size(), 5u);
  EXPECT_EQ((*fields)[0].number, 1u);
  EXPECT_EQ((*fields)[0].value, 150u);
  EXPECT_EQ(AsText((*fields)[1].bytes), "testing");
  EXPECT_EQ((*fields)[2].value, 0x04030201u);
  EXPECT_EQ((*fields)[3].value, 0x8000000000000001u);
  EXPECT_EQ((*fields)[4].number, 1u);
  EXPECT_TRUE(Parse({})->empty());
}

TEST(Protobuf, TakesTheLargestNumbers) {
  const Bytes most = {0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01};
  ASSERT_TRUE(Parse(most));
  EXPECT_EQ(Parse(most)->front().value, ~std::uint64_t{0});
  const Bytes highest = {0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 0x00};  // field 2^29 - 1
  ASSERT_TRUE(Parse(highest));
  EXPECT_EQ(Parse(highest)->front().number, (1u << 29) - 1);
}

TEST(Protobuf, RefusesWhatIsNotExactlyOneMessage) {
  struct Bad {
    const char* name;
    Bytes message;
  };
  for (const Bad& bad : {
           Bad{"a tag alone", {0x08}},
           Bad{"a tag that goes on", {0x88}},
           Bad{"a varint that goes on", {0x08, 0x96}},
           Bad{"a varint of eleven bytes", {0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}},
           Bad{"a varint of 65 bits", {0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x03}},
           Bad{"a varint longer than it needs to be", {0x08, 0x81, 0x00}},
           Bad{"a tag longer than it needs to be", {0x88, 0x00, 0x01}},
           Bad{"a length longer than it needs to be", {0x12, 0x81, 0x00, 'x'}},
           Bad{"field 0", {0x00, 0x00}},
           Bad{"field 2^29", {0x80, 0x80, 0x80, 0x80, 0x10, 0x00}},
           Bad{"a length one too large", {0x12, 0x02, 'x'}},
           Bad{"a length of 2^64 - 1", {0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 'x'}},
           Bad{"a fixed32 cut off", {0x0D, 1, 2, 3}},
           Bad{"a fixed64 cut off", {0x09, 1, 2, 3, 4, 5, 6, 7}},
           Bad{"a group", {0x0B, 0x0C}},
           Bad{"the end of a group", {0x0C}},
           Bad{"wire type 6", {0x0E, 0x00}},
           Bad{"wire type 7", {0x0F, 0x00}},
       }) {
    const auto fields = Parse(bad.message);
    ASSERT_FALSE(fields) << bad.name;
    EXPECT_EQ(fields.findings().front().reason, Reason::kEncodingMalformed) << bad.name;
    EXPECT_FALSE(fields.findings().front().expected.empty()) << bad.name;
  }
}

TEST(Protobuf, Attack043_SizesAreBoundedBeforeTheyCost) {
  const Bytes message(8, 0x08);  // field 1 is 8, four times
  EXPECT_TRUE(Parse(message, "m", {.bytes = 8, .fields = 4}));
  const auto too_long = Parse(message, "m", {.bytes = 7, .fields = 4}), too_many = Parse(message, "m", {.bytes = 8, .fields = 3});
  ASSERT_FALSE(too_long);
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_long.findings().front().reason, Reason::kSizeOverLimit);
  EXPECT_EQ(too_many.findings().front().reason, Reason::kSizeOverLimit);
}

}  // namespace
}  // namespace assay::protobuf

#include "base/guid.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

constexpr ByteArray<16> kBytes = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};

TEST(Guid, IsWrittenInTheOrderOfItsBytesOrAsUefiLaysItOut) {
  EXPECT_EQ(GuidText(kBytes), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(UefiGuidText(kBytes), "33221100-5544-7766-8899-aabbccddeeff");
}

}  // namespace
}  // namespace assay

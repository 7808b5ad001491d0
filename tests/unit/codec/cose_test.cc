#include "codec/cose.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace assay::cose {
namespace {

constexpr std::size_t kLimit = 1024;

Outcome<Sign1> Read(std::string_view hex) { return ParseSign1(*FromHex(hex), "test", kLimit); }

TEST(Cose, ReadsOneMessageBareOrTagged) {
  for (const std::string_view hex : {"8444a1013822a0430102034304050a", "d28444a1013822a0430102034304050a"}) {
    const auto message = Read(hex);
    ASSERT_TRUE(message.ok()) << Describe(message.findings().front());
    EXPECT_EQ(message->algorithm, kEs384);
    EXPECT_EQ(message->protected_header, *FromHex("a1013822"));
    EXPECT_EQ(message->payload, (Bytes{1, 2, 3}));
    EXPECT_EQ(message->signature, (Bytes{4, 5, 10}));
  }
  EXPECT_EQ(Read("8443a10126a041014101")->algorithm, kEs256);
}

// RFC 9052, appendix C.2.1 signs over this structure; its context and fields in their order, whatever their sizes.
TEST(Cose, SigStructureHasTheseBytes) {
  EXPECT_EQ(SigStructure(*FromHex("a10126"), AsBytes("This is the content.")),
            *FromHex("846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e"));
  const Bytes structure = SigStructure(*FromHex("a1013822"), Bytes(24, 1));
  EXPECT_EQ(ToHex(ByteView(structure).first(20)), "846a5369676e61747572653144a1013822405818");
  EXPECT_EQ(ToHex(ByteView(SigStructure({}, Bytes(256, 1))).first(16)), "846a5369676e61747572653140405901");
  EXPECT_EQ(ToHex(ByteView(SigStructure({}, Bytes(65536, 1))).first(19)), "846a5369676e61747572653140405a00010000");
}

TEST(Cose, RefusesWhatIsNoSuchMessage) {
  struct Refused {
    const char* what;
    const char* hex;
    Reason reason;
  };
  for (const Refused& refused : {
           Refused{"nothing", "", Reason::kEncodingMalformed},
           Refused{"no array", "a0", Reason::kCoseMalformed},
           Refused{"three elements", "8344a1013822a04101", Reason::kCoseMalformed},
           Refused{"five elements", "8544a1013822a0410141014101", Reason::kCoseMalformed},
           Refused{"COSE_Sign's tag", "d8628444a1013822a041014101", Reason::kCoseMalformed},
           Refused{"a tag in a tag", "d2d28444a1013822a041014101", Reason::kCoseMalformed},
           Refused{"a byte behind it", "8444a1013822a04101410100", Reason::kEncodingMalformed},
           Refused{"an array of indefinite length", "9f44a1013822a041014101ff", Reason::kEncodingMalformed},
           Refused{"a payload in pieces", "8444a1013822a05f4101ff4101", Reason::kEncodingMalformed},
           Refused{"a length in a longer form", "8444a1013822a05801014101", Reason::kEncodingMalformed},
           Refused{"the protected header as a map", "84a1013822a041014101", Reason::kCoseMalformed},
           Refused{"an empty protected header", "8440a041014101", Reason::kEncodingMalformed},
           Refused{"a protected header without alg", "8441a0a041014101", Reason::kCoseMalformed},
           Refused{"a protected array", "844180a041014101", Reason::kCoseMalformed},
           Refused{"alg as text", "8448a10165455333383400a041014101", Reason::kEncodingMalformed},
           Refused{"alg as a name", "8448a101654553333834a041014101", Reason::kCoseMalformed},
           Refused{"alg twice", "8447a2013822013822a041014101", Reason::kEncodingMalformed},
           Refused{"alg and kid", "8448a201382204420101a041014101", Reason::kCoseMalformed},
           Refused{"alg and crit", "8447a2013822028101a041014101", Reason::kCoseMalformed},
           Refused{"an unprotected parameter", "8444a1013822a104410141014101", Reason::kCoseMalformed},
           Refused{"no unprotected header", "8444a1013822f641014101", Reason::kCoseMalformed},
           Refused{"a detached payload", "8444a1013822a0f64101", Reason::kCoseMalformed},
           Refused{"an empty payload", "8444a1013822a0404101", Reason::kCoseMalformed},
           Refused{"a payload of text", "8444a1013822a061314101", Reason::kCoseMalformed},
           Refused{"no signature", "8444a1013822a0410140", Reason::kCoseMalformed},
           Refused{"a signature of text", "8444a1013822a041016131", Reason::kCoseMalformed},
       }) {
    const auto message = Read(refused.hex);
    ASSERT_FALSE(message.ok()) << refused.what;
    EXPECT_EQ(message.findings().front().reason, refused.reason) << refused.what << ": " << Describe(message.findings().front());
  }
}

TEST(Cose, ItsLimitIsExact) {
  const auto of_size = [](std::size_t payload) {
    Bytes bytes = *FromHex("8444a1013822a059");
    bytes.push_back(static_cast<std::uint8_t>(payload >> 8));
    bytes.push_back(static_cast<std::uint8_t>(payload & 0xFF));
    bytes.resize(bytes.size() + payload, 7);
    Append(bytes, *FromHex("4101"));
    return bytes;
  };
  const std::size_t head = of_size(256).size() - 256;
  EXPECT_TRUE(ParseSign1(of_size(kLimit - head), "test", kLimit).ok());
  const auto over = ParseSign1(of_size(kLimit - head + 1), "test", kLimit);
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.findings().front().reason, Reason::kSizeOverLimit);
}

TEST(Cose, EveryTruncationIsRefused) {
  const Bytes whole = *FromHex("d28444a1013822a0430102034304050a");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseSign1(ByteView(whole).first(size), "test", kLimit).ok()) << size;
  }
}

}  // namespace
}  // namespace assay::cose

#include "codec/base64.h"

#include <gtest/gtest.h>

namespace assay::codec {
namespace {

TEST(Base64, EncodesTheVectorsOfRfc4648Section10) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(ToBase64(AsBytes(plain)), encoded);
    const auto bytes = FromBase64(encoded);
    ASSERT_TRUE(bytes) << encoded;
    EXPECT_EQ(AsText(*bytes), plain);
  }
}

TEST(Base64, UsesTheAlphabetOfItsVariant) {
  const Bytes bytes = {0xfb, 0xff, 0xbf, 0xff};
  EXPECT_EQ(ToBase64(bytes), "+/+//w==");
  EXPECT_EQ(ToBase64Url(bytes), "-_-__w");
  EXPECT_EQ(FromBase64("+/+//w=="), bytes);
  EXPECT_EQ(FromBase64Url("-_-__w"), bytes);
}

TEST(Base64, RefusesEveryOtherSpelling) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zm9v=", "Zm9v====", "Zh==", "Zm9=", "Z g=", "Zm9v\n", " Zm9v",
                           "Zm=v", "Zg==Zg==", "-_-_", "Zm9\x80", "Zm9*"}) {
    EXPECT_FALSE(FromBase64(text)) << text;
  }
  EXPECT_FALSE(FromBase64(std::string_view("Zm9\0", 4)));
}

TEST(Base64Url, RefusesPaddingAndEveryOtherSpelling) {
  for (const char* text : {"Zg==", "Zm8=", "Z", "Zm9vY", "Zh", "Zm9", "+/+/", "Zm9v ", "Zg\n"}) EXPECT_FALSE(FromBase64Url(text)) << text;
}

TEST(Base64, AcceptsExactlyOneSpellingOfTheLastCharacter) {
  int accepted = 0;
  for (int c = 0; c < 256; ++c) {
    const std::string text = {'A', static_cast<char>(c), '=', '='};
    if (FromBase64(text)) ++accepted;
  }
  EXPECT_EQ(accepted, 4);  // two significant bits
}

}  // namespace
}  // namespace assay::codec

#include "codec/pem.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/syntax_error.h"

namespace assay::codec {
namespace {

constexpr std::string_view kOne = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

TEST(Pem, ReadsBlocksAndIgnoresTextBetweenThem) {
  const std::string text =
      Cat("Subject: CN=a\n", kOne, "comment - with -- dashes\n\n-----BEGIN X509 CRL-----\n", "BAUG\nBwg=\n-----END X509 CRL-----\n\0");
  const auto blocks = ParsePem(text);
  ASSERT_TRUE(blocks) << MessageOf(blocks.findings().front());
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ((*blocks)[0].label, "CERTIFICATE");
  EXPECT_EQ((*blocks)[0].der, (Bytes{1, 2, 3}));
  EXPECT_EQ((*blocks)[1].label, "X509 CRL");
  EXPECT_EQ((*blocks)[1].der, (Bytes{4, 5, 6, 7, 8}));
}

TEST(Pem, ReadsEveryLineEndAndBlanksBeforeIt) {
  for (const char* text : {"-----BEGIN A-----\r\nAQID\r\n-----END A-----\r\n", "-----BEGIN A-----\rAQID\r-----END A-----\r",
                           "-----BEGIN A-----\nAQID\n-----END A-----", "-----BEGIN A----- \t\nAQID  \n-----END A----- \n",
                           "-----BEGIN A-----\nAQ\nI\nD\n-----END A-----\n"}) {
    const auto blocks = ParsePem(text);
    ASSERT_TRUE(blocks) << text;
    EXPECT_EQ(blocks->front().der, (Bytes{1, 2, 3})) << text;
  }
}

TEST(Pem, ReadsWhatFollowsTheLastBlockAsText) {
  std::string text(kOne);
  text.push_back('\0');  // as in the certification data of DCAP quotes
  EXPECT_TRUE(ParsePem(text));
}

struct Broken {
  const char* text;
  const char* message;
};

TEST(Pem, RefusesBrokenBlocksAndSaysWhere) {
  const Broken cases[] = {
      {"", "pem: expected a PEM block, found none"},
      {"only text\n", "pem: expected a PEM block, found none"},
      {"-----BEGIN A-----\nAQID\n", "pem:1: expected a line \"-----END A-----\", found the end of the input"},
      {"x\n-----BEGIN A-----\nAQID\n-----END B-----\n", "pem:4: expected \"-----END A-----\", found '-----END B-----'"},
      {"-----BEGIN A-----\nAQID\n-----END A----\n", "pem:3: expected \"-----END A-----\", found '-----END A----'"},
      {"-----BEGIN A-----\nAQID\n-----BEGIN A-----\n", "pem:3: expected \"-----END A-----\", found '-----BEGIN A-----'"},
      {"-----END A-----\n", "pem:1: expected a line \"-----BEGIN label-----\", found '-----END A-----'"},
      {"-----BEGIN A----\nAQID\n-----END A-----\n", "pem:1: expected a line \"-----BEGIN label-----\", found '-----BEGIN A----'"},
      {"----BEGIN A-----\n", "pem: expected a PEM block, found none"},
      {"-----BEGIN A-----\nAQID\n-----END A----------BEGIN A-----\n",
       "pem:3: expected \"-----END A-----\", found '-----END A----------BEGIN A-----'"},
      {"text -----BEGIN A-----\nAQID\n-----END A-----\n",
       "pem:1: expected a line \"-----BEGIN label-----\", found 'text -----BEGIN A-----'"},
      {" -----BEGIN A-----\nAQID\n-----END A-----\n", "pem:1: expected a line \"-----BEGIN label-----\", found ' -----BEGIN A-----'"},
      {"-----BEGIN -----\nAQID\n-----END -----\n", "pem:1: expected a line \"-----BEGIN label-----\", found '-----BEGIN -----'"},
      {"-----BEGIN A  B-----\nAQID\n-----END A  B-----\n",
       "pem:1: expected a line \"-----BEGIN label-----\", found '-----BEGIN A  B-----'"},
      {"-----BEGIN A-----\n-----END A-----\n", "pem:2: expected base64 between BEGIN and END, found nothing"},
      {"-----BEGIN A-----\n\nAQID\n-----END A-----\n", "pem:2: expected a line of base64, found ''"},
      {"-----BEGIN A-----\nAQID\n\n-----END A-----\n", "pem:3: expected a line of base64, found ''"},
      {"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END A-----\n",
       "pem:2: expected a line of base64, found 'Proc-Type: 4,ENCRYPTED'"},
      {"-----BEGIN A-----\nAQ ID\n-----END A-----\n", "pem:2: expected a line of base64, found 'AQ ID'"},
      {"-----BEGIN A-----\nAQ==\nAQID\n-----END A-----\n", "pem:3: expected nothing behind the base64 padding, found 'AQID'"},
      {"-----BEGIN A-----\nAQ=I\n-----END A-----\n", "pem:2: expected a line of base64, found 'AQ=I'"},
      {"-----BEGIN A-----\nAQI\n-----END A-----\n",
       "pem:2: expected canonical base64 (whole groups of four, padded, spare bits zero), found a block of 3 "
       "characters that is not"},
      {"-----BEGIN A-----\nAR==\n-----END A-----\n",
       "pem:2: expected canonical base64 (whole groups of four, padded, spare bits zero), found a block of 4 "
       "characters that is not"},
  };
  for (const Broken& broken : cases) {
    const auto blocks = ParsePem(broken.text);
    ASSERT_FALSE(blocks) << broken.text;
    EXPECT_EQ(MessageOf(blocks.findings().front()), broken.message);
    EXPECT_EQ(blocks.findings().front().reason, Reason::kEncodingMalformed);
  }
}

TEST(Pem, OneBrokenBlockRefusesTheWholeText) {
  EXPECT_FALSE(ParsePem(Cat(kOne, "-----BEGIN CERTIFICATE-----\nAQI*\n-----END CERTIFICATE-----\n")));
}

TEST(Pem, KeepsToItsLimits) {
  const std::string two = Cat(kOne, kOne);
  EXPECT_TRUE(ParsePem(two, "chain.pem", {.bytes = two.size(), .blocks = 2}));
  for (const PemLimits limits : {PemLimits{.bytes = two.size() - 1, .blocks = 2}, PemLimits{.bytes = two.size(), .blocks = 1}}) {
    const auto blocks = ParsePem(two, "chain.pem", limits);
    ASSERT_FALSE(blocks);
    EXPECT_EQ(blocks.findings().front().reason, Reason::kSizeOverLimit);
    EXPECT_THAT(MessageOf(blocks.findings().front()), testing::StartsWith("chain.pem"));
  }
}

TEST(Pem, WritesSixtyFourCharactersALine) {
  const Bytes der(49, 0);
  EXPECT_EQ(EncodePem("A", der), Cat("-----BEGIN A-----\n", std::string(64, 'A'), "\nAA==\n-----END A-----\n"));
  const auto blocks = ParsePem(EncodePem("A", der));
  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->front().der, der);
}

}  // namespace
}  // namespace assay::codec

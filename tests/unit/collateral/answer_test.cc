#include "collateral/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/pem.h"

namespace assay::collateral {
namespace {

// As a service does it: everything but letters, digits and "-_.~".
std::string PercentEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) encoded += c;
    else encoded += Cat("%", ToHex(AsBytes(std::string_view(&c, 1))));
  }
  return encoded;
}
const std::string kPem = codec::EncodePem("CERTIFICATE", Bytes{0x30, 0x03, 0x02, 0x01, 0xFB});

void Refused(const auto& outcome) {
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.findings().front().reason, Reason::kAnswerMalformed);
}

TEST(IssuerChain, IsPercentEncodedPem) {
  for (const std::string& text : {kPem, kPem + kPem, kPem + kPem + kPem + kPem}) {
    const auto chain = DecodeIssuerChain(PercentEncoded(text));
    ASSERT_TRUE(chain.ok());
    EXPECT_EQ(*chain, text);
  }
}

TEST(IssuerChain, AnythingElseIsRefused) {
  const std::string good = PercentEncoded(kPem);
  for (const std::string& header :
       {std::string(""), good.substr(0, good.size() / 2), good + "%", good + "%4", good + "%zz", good + "%00", good + "%80",
        std::string("-----BEGIN CERTIFICATE-----"), PercentEncoded(kPem + kPem + kPem + kPem + kPem),
        PercentEncoded(codec::EncodePem("PRIVATE KEY", Bytes{1, 2, 3})),
        PercentEncoded(kPem + codec::EncodePem("X509 CRL", Bytes{1, 2, 3})), good + std::string(kMostChainBytes, 'x')}) {
    Refused(DecodeIssuerChain(header));
  }
}

TEST(Bodies, OfAnAnswerAndItsHeader) {
  const auto bodies = BodiesOf({.status = 200, .body = "{}", .chain = PercentEncoded(kPem), .retry_after = {}});
  ASSERT_TRUE(bodies.ok());
  ASSERT_EQ(bodies->size(), 2U);
  EXPECT_EQ(AsText((*bodies)[0].Read().TakeRest()), "{}");
  EXPECT_EQ(AsText((*bodies)[1].Read().TakeRest()), kPem);
}

TEST(Bodies, AListInHexadecimalIsDecoded) {
  const Bytes der{0x30, 0x03, 0x02, 0x01, 0x01};
  for (const std::string& body : {ToHex(der), ToHex(der) + "\n", ToHex(der) + "\r\n"}) {
    const auto bodies = BodiesOf({.status = 200, .body = body, .chain = "", .retry_after = {}});
    ASSERT_TRUE(bodies.ok());
    EXPECT_TRUE(Equal(bodies->front().Read().TakeRest(), der));
  }
  // Only what begins like DER and is hexadecimal throughout.
  for (const std::string& body : {std::string("3"), std::string("300"), std::string("30zz"), std::string("3102"), std::string("0x30")}) {
    const auto bodies = BodiesOf({.status = 200, .body = body, .chain = "", .retry_after = {}});
    ASSERT_TRUE(bodies.ok());
    EXPECT_EQ(AsText(bodies->front().Read().TakeRest()), body);
  }
}

TEST(Bodies, NothingOrABrokenChainIsRefused) {
  Refused(BodiesOf({.status = 200, .body = "", .chain = "", .retry_after = {}}));
  Refused(BodiesOf({.status = 200, .body = "{}", .chain = "%", .retry_after = {}}));
}

}  // namespace
}  // namespace assay::collateral

#include "service/caller_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "codec/pem.h"
#include "crypto/private_key.h"

namespace assay::service {
namespace {

using testing::HasSubstr;

constexpr Time kBegin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1);
constexpr Time kEnd = std::chrono::sys_days(std::chrono::year(2026) / 12 / 1);

std::string Certificate() {
  return codec::EncodePem("CERTIFICATE", *crypto::PrivateKey::GenerateP256().SelfSignedCertificate("alice", kBegin, kEnd));
}
std::optional<Time> UntilOf(const std::variant<Time, Finding>& answer) {
  return std::holds_alternative<Time>(answer) ? std::optional(std::get<Time>(answer)) : std::nullopt;
}

TEST(CallerCertificate, IsBelievedFromItsFirstSecondToItsLast) {
  const std::string pem = Certificate();
  for (const Time now : {kBegin, kBegin + Duration(1), kEnd - Duration(1), kEnd}) {
    EXPECT_EQ(UntilOf(CertificateUntil(pem, now)), kEnd + Duration(1)) << FormatTime(now);
  }
}

TEST(CallerCertificate, ThatHasEndedIsRefusedByItsEnd) {
  const auto answer = CertificateUntil(Certificate(), kEnd + Duration(1));
  ASSERT_TRUE(std::holds_alternative<Finding>(answer));
  const Finding& finding = std::get<Finding>(answer);
  EXPECT_EQ(finding.reason, Reason::kUnauthenticated);
  EXPECT_EQ(finding.component, "client certificate");
  EXPECT_EQ(finding.claim, "not_after");
  EXPECT_EQ(finding.actual, "'CN=alice' ended 2026-12-01T00:00:00Z, and it is 2026-12-01T00:00:01Z");
  EXPECT_THAT(finding.remedy, HasSubstr("Renew"));
}

TEST(CallerCertificate, ThatHasNotBegunIsRefusedByItsBeginning) {
  const auto answer = CertificateUntil(Certificate(), kBegin - Duration(1));
  ASSERT_TRUE(std::holds_alternative<Finding>(answer));
  EXPECT_EQ(std::get<Finding>(answer).reason, Reason::kUnauthenticated);
  EXPECT_EQ(std::get<Finding>(answer).claim, "not_before");
  EXPECT_EQ(std::get<Finding>(answer).actual, "'CN=alice' begins 2026-11-01T00:00:00Z, and it is 2026-10-31T23:59:59Z");
}

TEST(CallerCertificate, WhatIsNoneIsRefused) {
  for (const std::string_view text : {"", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    const auto answer = CertificateUntil(text, kBegin);
    ASSERT_TRUE(std::holds_alternative<Finding>(answer)) << text;
    EXPECT_EQ(std::get<Finding>(answer).reason, Reason::kUnauthenticated);
  }
}

// TLS takes keys that evidence may not have; only the times matter here. Made by openssl req -x509.
TEST(CallerCertificate, OfAnotherKindOfKeyHasTimesAsWell) {
  const std::string_view pem =
      "-----BEGIN CERTIFICATE-----\n"
      "MIIBWTCCAQugAwIBAgIUKFvXF/6M76x9vkuFs6FmQMzrF00wBQYDK2VwMCIxEDAO\n"
      "BgNVBAoMB0V4YW1wbGUxDjAMBgNVBAMMBWFsaWNlMB4XDTI2MTEyNzAzMDUwNVoX\n"
      "DTI2MTIyNzAzMDUwNVowIjEQMA4GA1UECgwHRXhhbXBsZTEOMAwGA1UEAwwFYWxp\n"
      "Y2UwKjAFBgMrZXADIQCoYacZwHxyi6E50nNTDBw2kTp9lI4xnpu9mfmLOuifiaNT\n"
      "MFEwHQYDVR0OBBYEFGG/8fyO5GxyWLxr3Yy3sjdrlRwXMB8GA1UdIwQYMBaAFGG/\n"
      "8fyO5GxyWLxr3Yy3sjdrlRwXMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EAf9gJ\n"
      "SymzExuMsliB3Tur8HtZiHVISJ6gPJS6JSwth1UgRCXweYhChpgfLUA2+YE/EKZe\n"
      "dIZvro4GJNCIqSl+AQ==\n"
      "-----END CERTIFICATE-----\n";
  constexpr Time begin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) + Duration(3 * 3600 + 5 * 60 + 5);
  constexpr Time end = begin + Duration(30 * 86400);
  EXPECT_EQ(UntilOf(CertificateUntil(pem, begin)), end + Duration(1));
  EXPECT_EQ(UntilOf(CertificateUntil(pem, end)), end + Duration(1));
  EXPECT_FALSE(UntilOf(CertificateUntil(pem, begin - Duration(1))));
  const auto late = CertificateUntil(pem, end + Duration(1));
  ASSERT_TRUE(std::holds_alternative<Finding>(late));
  EXPECT_THAT(std::get<Finding>(late).actual, HasSubstr("CN=alice"));
}

}  // namespace
}  // namespace assay::service

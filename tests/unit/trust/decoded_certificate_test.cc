#include "trust/decoded_certificate.h"

#include <gtest/gtest.h>

#include "tests/unit/trust/parts.h"

namespace assay::trust {
namespace {

UntrustedBytes Ark() { return UntrustedBytes(softtee::SnpPki::Shared().CertificateOf(softtee::Authority::kArk, softtee::Product::kMilan)); }

TEST(DecodedCertificate, IsTheSameWithAndWithoutMemory) {
  FactCaches caches(16);
  const UntrustedBytes der = Ark();
  const auto fresh = DecodeCertificate(der, "certificate", nullptr);
  ASSERT_TRUE(fresh);
  for (int i = 0; i < 2; ++i) {
    const auto decoded = DecodeCertificate(der, "certificate", &caches);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->sha256(), fresh->sha256());
    EXPECT_EQ(caches.decoded.size(), 1U);
  }
}

TEST(DecodedCertificate, ProvesNothing) {
  FactCaches caches(16);
  ASSERT_TRUE(DecodeCertificate(Ark(), "certificate", &caches));
  EXPECT_EQ(caches.certificates.size(), 0U);  // those are of verified chains
}

TEST(DecodedCertificate, WhatIsNoneIsRefusedEachTimeByTheNameOfWhoAsks) {
  FactCaches caches(16);
  Bytes broken = ToBytes(Ark().Read().TakeRest());
  broken.pop_back();
  const UntrustedBytes der(broken);
  for (const std::string_view component : {"certificate", "nitro-ca"}) {
    const auto decoded = DecodeCertificate(der, component, &caches);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.findings().front().reason, Reason::kCertificateMalformed);
    EXPECT_EQ(decoded.findings().front().component, component);
  }
  EXPECT_EQ(caches.decoded.size(), 0U);
}

TEST(DecodedCertificate, OneByteMoreIsAnother) {
  FactCaches caches(16);
  ASSERT_TRUE(DecodeCertificate(Ark(), "certificate", &caches));
  Bytes longer = ToBytes(Ark().Read().TakeRest());
  longer.push_back(0);
  EXPECT_FALSE(DecodeCertificate(UntrustedBytes(longer), "certificate", &caches));
}

}  // namespace
}  // namespace assay::trust

// What files are, by content: evidence of the software TEE against the registry of this build.
#include "client/cli/recognise.h"

#include <gtest/gtest.h>

#include "registry/builtin_registry.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::cli {
namespace {

trust::UntrustedBytes Untrusted(Bytes bytes) { return trust::UntrustedBytes(std::move(bytes)); }

softtee::Evidence Mint(softtee::SnpOptions options = {}) { return *softtee::MintSnp(softtee::SnpPki::Shared(), options); }

TEST(Recognise, EvidenceAndEndorsementsGoToTheirPiles) {
  const softtee::Evidence evidence = Mint({.delivery = softtee::SnpOptions::Delivery::kSeparateItems});
  Pile pile;
  for (const softtee::Item& item : evidence.items) {
    EXPECT_EQ(Sort(BuiltinRegistry(), item.media_type, Untrusted(item.body), pile), std::nullopt) << item.media_type;
  }
  ASSERT_EQ(pile.evidence.size(), 1U);
  EXPECT_EQ(pile.evidence[0].media_type, softtee::kReportType);
  EXPECT_EQ(pile.evidence_names[0], softtee::kReportType);
  EXPECT_EQ(pile.collateral.size(), evidence.items.size() - 1);
  for (const trust::CollateralItem& item : pile.collateral) EXPECT_EQ(item.source, trust::CollateralSource::kSupplied);
}

TEST(Recognise, ACertificateTableIsEvidence) {
  const softtee::Evidence evidence = Mint();
  Pile pile;
  EXPECT_EQ(Sort(BuiltinRegistry(), "table", Untrusted(*evidence.Find(softtee::kCertTableType)), pile), std::nullopt);
  ASSERT_EQ(pile.evidence.size(), 1U);
  EXPECT_EQ(pile.evidence[0].media_type, softtee::kCertTableType);
}

TEST(Recognise, AnEventLogIsEvidence) {
  Pile pile;
  tcg_log::test::PlainLog log = tcg_log::test::BootLog();
  log.padding = Bytes(64, 0xFF);
  EXPECT_EQ(Sort(BuiltinRegistry(), "ccel", Untrusted(log.Write()), pile), std::nullopt);
  ASSERT_EQ(pile.evidence.size(), 1U);
  EXPECT_EQ(pile.evidence[0].media_type, "application/vnd.assay.ccel");
  const auto description = DescribeContent(BuiltinRegistry(), Untrusted(log.Write()));
  ASSERT_TRUE(description);
  EXPECT_EQ(description->name(), "event log of a TDX guest (CCEL)");
}

TEST(Recognise, WhatIsNothing) {
  const Bytes report = *Mint().Find(softtee::kReportType);
  const struct {
    std::string_view what;
    Bytes bytes;
    Reason reason;
    std::string_view actual;
  } cases[] = {
      {"empty", {}, Reason::kItemEmpty, "0 bytes"},
      {"one byte", {0x2a}, Reason::kContentUnrecognised, "1 bytes that begin 2a"},
      {"report cut off", Bytes(report.begin(), report.end() - 1), Reason::kContentUnrecognised,
       "1183 bytes that begin 03000000010000000000030000000000"},
      {"text", ToBytes(AsBytes("hello, this is no evidence")), Reason::kContentUnrecognised,
       "26 bytes that begin 68656c6c6f2c2074686973206973206e"},
  };
  for (const auto& c : cases) {
    Pile pile;
    const auto finding = Sort(BuiltinRegistry(), "x.bin", Untrusted(c.bytes), pile);
    ASSERT_TRUE(finding) << c.what;
    EXPECT_EQ(finding->reason, c.reason) << c.what;
    EXPECT_EQ(finding->actual, c.actual) << c.what;
    EXPECT_EQ(finding->component, "x.bin") << c.what;
    EXPECT_TRUE(pile.evidence.empty() && pile.collateral.empty()) << c.what;
    EXPECT_FALSE(DescribeContent(BuiltinRegistry(), Untrusted(c.bytes))) << c.what;
  }
}

// A report with its table in one file can be shown, but not judged: which bytes would be which item?
TEST(Recognise, SeveralDocumentsInOneFileAreRefusedByName) {
  const softtee::Evidence evidence = Mint();
  Bytes both = *evidence.Find(softtee::kReportType);
  Append(both, *evidence.Find(softtee::kCertTableType));
  ASSERT_TRUE(DescribeContent(BuiltinRegistry(), Untrusted(both)));
  Pile pile;
  const auto finding = Sort(BuiltinRegistry(), "both.bin", Untrusted(both), pile);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->reason, Reason::kItemUnexpected);
  EXPECT_EQ(finding->actual, "SEV-SNP extended report");
}

TEST(Recognise, AMalformedReportIsStillAReport) {
  for (const softtee::Fault fault : {softtee::Fault::kReserved04c, softtee::Fault::kPolicyBit17Clear, softtee::Fault::kSignatureAlgo0}) {
    const softtee::Evidence evidence = Mint({.fault = fault});
    const auto bytes = Untrusted(*evidence.Find(softtee::kReportType));
    const auto description = DescribeContent(BuiltinRegistry(), bytes);
    ASSERT_TRUE(description);
    EXPECT_TRUE(description->malformed());
    Pile pile;
    EXPECT_EQ(Sort(BuiltinRegistry(), "x", bytes, pile), std::nullopt);
    EXPECT_EQ(pile.evidence.size(), 1U);
  }
}

}  // namespace
}  // namespace assay::cli

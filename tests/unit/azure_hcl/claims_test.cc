// Claims of the paravisor: by commitment of a hardware report that authenticates, and of no other.
#include "evidence/azure_hcl/claims.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/bug.h"
#include "base/strings.h"
#include "evidence/azure_hcl/format.h"
#include "evidence/dcap/format.h"
#include "tests/places/places.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/unit/dcap/minted_quote.h"
#include "trust/bundle.h"

namespace assay::azure_hcl {
namespace {

// A quote that really authenticates, with these report data.
trust::Authenticated<dcap::Quote> QuoteWith(ByteView report_data) {
  dcap::test::MintOptions options;
  options.body = [&](Bytes& body) { std::copy(report_data.begin(), report_data.end(), body.begin() + 520); };
  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(dcap::test::Mint(options))}};
  const trust::AnchorSet anchors = dcap::test::Pki::Shared().Anchors();
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog log;
  auto quote = dcap::AuthenticateQuote(items, {.anchors = anchors, .collateral = {}, .challenge = challenge, .caches = nullptr}, log);
  ASSAY_CHECK(quote.has_value());
  return *std::move(quote);
}

std::string Claims(const std::function<void(softtee::HclClaims&)>& change = {}) {
  softtee::HclClaims claims{.keys = {softtee::HclKey::Of("HCLAkPub", softtee::TpmPki::Shared().rsa_ak)}};
  if (change) change(claims);
  return claims.Json();
}

trust::Parsed<RuntimeClaims> Parsed(const std::string& json) {
  CheckLog log;
  auto parsed = ReportParser::ParseClaims(AsBytes(json), ReportType::kTdx, log);
  ASSAY_CHECK(parsed.has_value());
  return *std::move(parsed);
}

TEST(RuntimeClaimsClaims, ComeOutAsTheyStandInTheText) {
  const std::string json = Claims([](softtee::HclClaims& claims) {
    claims.Member("secure-boot") = "false";
    claims.Member("filtered-vpci-devices-allowed") = "true";
    claims.Member("vmgs-provisioner") = "\"host\"";
    claims.user_data = "0A" + std::string(126, '1');
  });
  const auto quote = QuoteWith(softtee::HclCommitment(json));
  CheckLog log;
  const auto claims = RuntimeClaimsAuthenticator::Authenticate(Parsed(json), quote, quote->report_data(), log);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->vouched_by(), dcap::kQuoteComponent);
  auto bundle = trust::Bundle::Carry(quote, trust::Challenge::NotDemanded(true), log);
  ASSERT_TRUE(bundle && bundle->Attach(*claims, log));
  const trust::AuthenticatedClaims& all = bundle->claims();
  EXPECT_EQ(*all.Get<bool>("hcl.secure_boot"), false);
  EXPECT_EQ(*all.Get<bool>("hcl.console_enabled"), true);
  EXPECT_EQ(*all.Get<bool>("hcl.filtered_vpci_devices_allowed"), true);
  EXPECT_EQ(*all.Get<bool>("hcl.tpm_persisted"), true);
  EXPECT_EQ(all.Find("hcl.interactive_console_enabled"), nullptr);
  EXPECT_EQ(*all.Get<std::uint64_t>("hcl.report_type"), 4U);
  EXPECT_EQ(*all.Get<std::string>("hcl.vm_unique_id"), "01234567-89AB-CDEF-0123-456789ABCDEF");
  EXPECT_EQ(*all.Get<std::string>("hcl.vmgs_provisioner"), "host");
  EXPECT_EQ(all.Get<Bytes>("hcl.user_data")->front(), 0x0A);
  EXPECT_EQ(*all.Get<Bytes>("hcl.runtime_claims_sha256"), ToBytes(crypto::Sha256(AsBytes(json))));
  for (const trust::Claim& claim : all.all()) {
    if (!claim.name.starts_with("hcl.")) continue;
    EXPECT_TRUE(std::any_of(ClaimTable().begin(), ClaimTable().end(), [&](const evidence::ClaimSpec& spec) {
      return spec.name == claim.name;
    })) << claim.name;
  }
}

TEST(RuntimeClaimsClaims, AreBelievedByAllOfTheReportData) {
  const std::string json = Claims();
  ByteArray<64> committed = softtee::HclCommitment(json);
  for (const std::size_t at : {std::size_t{0}, std::size_t{31}, std::size_t{32}, std::size_t{63}}) {
    ByteArray<64> other = committed;
    other[at] ^= 0x80;
    const auto quote = QuoteWith(other);
    CheckLog log;
    EXPECT_FALSE(RuntimeClaimsAuthenticator::Authenticate(Parsed(json), quote, quote->report_data(), log)) << at;
    ASSERT_EQ(log.findings().size(), 1U);
    EXPECT_EQ(log.findings().front().reason, Reason::kClaimsNotCommitted);
  }
  // Neither the digest alone nor a longer field will do.
  const auto quote = QuoteWith(committed);
  CheckLog log;
  EXPECT_FALSE(RuntimeClaimsAuthenticator::Authenticate(Parsed(json), quote, quote->report_data().first(32), log));
}

TEST(RuntimeClaimsClaims, ReadmeListsWhatMustBeAppraised) {
  std::ifstream file(test::SourceDir() + "/server/evidence/azure_hcl/README.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string readme = text.str();
  const std::string begin = "<!-- must-appraise: begin -->\n";
  const auto from = readme.find(begin);
  const auto to = readme.find("<!-- must-appraise: end -->");
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  std::string expected;
  for (const evidence::ClaimSpec& claim : ClaimTable()) {
    if (claim.duty == evidence::Duty::kOptional) continue;
    expected += Cat("- ", claim.name, claim.duty == evidence::Duty::kMustOrWaive ? " (waivable)" : "", "\n");
  }
  EXPECT_EQ(readme.substr(from + begin.size(), to - from - begin.size()), expected);
}

}  // namespace
}  // namespace assay::azure_hcl

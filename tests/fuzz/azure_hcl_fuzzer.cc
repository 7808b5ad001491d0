// HCL reports and runtime claims: any bytes are refused with findings, or read whole; nothing of what was read can be changed unnoticed
// but what nobody reads of a hardware report.
#include <cstring>

#include "base/bug.h"
#include "evidence/azure_hcl/format.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/softtee/azure_evidence.h"

namespace assay {
namespace {

void CheckFindings(const CheckLog& log) {
  for (const Finding& finding : log.findings()) {
    ASSAY_CHECK(!finding.expected.empty() || finding.reason == Reason::kEncodingMalformed || finding.reason == Reason::kSizeOverLimit);
  }
}

bool Parses(const Bytes& bytes) {
  CheckLog log;
  const auto report = azure_hcl::ReportParser::Parse(trust::UntrustedBytes(bytes), log);
  ASSAY_CHECK(report.has_value() != log.HasRejection());
  CheckFindings(log);
  if (report) ASSAY_CHECK(report->hardware_report.size() == 1184 || report->hardware_report.size() == 1024);
  return report.has_value();
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  using namespace softtee;
  std::vector<Bytes> seeds;
  for (const AzureTee tee : {AzureTee::kSnp, AzureTee::kTdx}) {
    const AzureEvidence evidence = MintAzure({.tee = tee});
    seeds.push_back(evidence.report);
    seeds.push_back(ToBytes(AsBytes(evidence.claims)));
  }
  HclClaims claims;
  claims.user_data.reset();
  claims.keys = {HclKey::Of("HCLEkPub", TpmPki::Shared().rsa_ek), HclKey::Of("HCLTransferKey", TpmPki::Shared().rsa_ek),
                 HclKey::Of("HCLAkPub", TpmPki::Shared().rsa_ak)};
  claims.Member("current-time") = "1678652405";
  claims.Member("hardware-sealing-policy") = "\"none\"";
  seeds.push_back(ToBytes(AsBytes(claims.Json())));
  HclReport old{.version = 1, .claims = claims.Json(), .size = 2048};
  old.hardware = Bytes(1184, 0);
  const ByteArray<64> committed = HclCommitment(old.claims);
  std::copy(committed.begin(), committed.end(), old.hardware.begin() + 0x50);
  seeds.push_back(old.Write());
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = ToBytes(ByteView(data, size));
  const trust::UntrustedBytes bytes(input);
  const bool parses = Parses(input);
  const auto description = azure_hcl::kFormat.describe(bytes);
  const std::string_view media_type = azure_hcl::kFormat.media_type_of(bytes);
  ASSAY_CHECK(media_type.empty() != description.has_value());
  ASSAY_CHECK(!parses || !description->malformed());
  if (parses) {
    // The claims and what stands behind them, and the three sizes.
    for (const std::size_t at : {std::size_t{8}, std::size_t{1216}, std::size_t{1232}, std::size_t{1240}, input.size() - 1}) {
      Bytes changed = input;
      changed[at] ^= 1;
      ASSAY_CHECK(!Parses(changed));
    }
  }
  const std::vector<evidence::Item> items{{std::string(azure_hcl::kReportMediaType), bytes}};
  ASSAY_CHECK(azure_hcl::AkHint(items).has_value() == parses);
  ASSAY_CHECK(!parses || azure_hcl::TypeHint(items).has_value());
  azure_hcl::kFormat.contents(items.front());

  CheckLog log;
  const auto claims = azure_hcl::ReportParser::ParseClaims(input, azure_hcl::ReportType::kTdx, log);
  ASSAY_CHECK(claims.has_value() != log.HasRejection());
  CheckFindings(log);
  return 0;
}

}  // namespace assay

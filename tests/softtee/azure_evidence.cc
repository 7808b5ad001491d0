#include "tests/softtee/azure_evidence.h"

#include <algorithm>
#include <utility>

#include "base/bug.h"
#include "base/hex.h"

namespace assay::softtee {
namespace {

constexpr std::string_view kAikPurpose = "2.23.133.8.3";
constexpr std::string_view kMicrosoftLeaf = "01234567-89ab-cdef.TrustedVM.Azure.windows.net";

// SHA-384 of the key that signs its paravisors.
constexpr std::string_view kIdKeyDigest =
    "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177";

}  // namespace

void SignAsMicrosoft(AzureParts& parts) {
  const Bytes digest = *FromHex(kIdKeyDigest);
  std::copy(digest.begin(), digest.end(), parts.snp.id_key_digest.begin());
}

void CertifyAsMicrosoft(TpmParts& parts) {
  parts.certificate.subject = NameOf(kMicrosoftLeaf);
  parts.issuer.extensions.push_back(extension::ExtendedKeyUsage(kAikPurpose));
}

std::vector<Anchor> AzureAnchors(const SnpPki& amd, const IntelPki& intel, const TpmPki& virtual_tpm) {
  std::vector<Anchor> anchors = amd.Anchors();
  for (const std::vector<Anchor>& more : {intel.Anchors(), virtual_tpm.AnchorsFor("microsoft")}) {
    anchors.insert(anchors.end(), more.begin(), more.end());
  }
  return anchors;
}

AzureEvidence MintAzure(const AzureOptions& options) {
  const TpmPki& pki = options.virtual_tpm != nullptr ? *options.virtual_tpm : TpmPki::Shared();
  AzureParts parts{.tee = options.tee, .claims = {}, .report = {}, .td_report = {}, .snp = {}, .td = {}, .tpm = {}};
  parts.claims.keys = {HclKey::Of("HCLAkPub", pki.rsa_ak), HclKey::Of("HCLEkPub", pki.rsa_ek)};
  parts.report.report_type = options.tee == AzureTee::kSnp ? 2 : 4;
  parts.snp.delivery = SnpOptions::Delivery::kSeparateItems;
  parts.td.rtmr0 = parts.td.rtmr1 = parts.td.rtmr2 = {};
  parts.td.mrconfigid = parts.td.mrowner = {};
  parts.tpm.extra_data = options.extra_data;
  parts.snp.now = parts.td.now = parts.tpm.now = options.now;
  parts.certified = options.certified;
  if (options.fault) Apply(*options.fault, parts);
  if (options.change) options.change(parts);

  AzureEvidence evidence;
  std::string text = parts.claims.Json();
  if (parts.text) parts.text(text);
  ByteArray<64> report_data = HclCommitment(text);
  if (parts.committed) parts.committed(report_data);

  HclReport report = parts.report;
  report.claims = text;
  if (parts.tee == AzureTee::kSnp) {
    parts.snp.report_data = report_data;
    auto snp = MintSnp(options.amd != nullptr ? *options.amd : SnpPki::Shared(), parts.snp);
    ASSAY_CHECK(snp.ok());
    report.hardware = *snp->Find(kReportType);
    for (Item& item : snp->items) {
      if (item.media_type != kReportType) evidence.items.push_back(std::move(item));
    }
  } else {
    parts.td_report.report_data = report_data;
    report.hardware = parts.td_report.Write();
    parts.td.report_data = report_data;
    if (parts.quoted) parts.quoted(parts.td.report_data);
    auto td = MintDcap(options.intel != nullptr ? *options.intel : IntelPki::Shared(), parts.td);
    ASSAY_CHECK(td.ok());
    for (Item& item : td->items) evidence.items.push_back(std::move(item));
  }
  if (parts.written) parts.written(report);
  evidence.claims = report.claims;
  evidence.report = report.Write();
  if (parts.report_item) parts.report_item(evidence.report);
  evidence.items.insert(evidence.items.begin(), {std::string(kHclReportType), evidence.report});

  parts.tpm.prepare = &CertifyAsMicrosoft;
  parts.tpm.change = [&](TpmParts& tpm) {
    for (const auto& change : parts.tpm_parts) change(tpm);
  };
  TpmEvidence tpm = MintTpm(pki, parts.tpm);
  evidence.ak = std::move(tpm.ak);
  for (Item& item : tpm.items) {
    if (parts.certified || item.media_type != kCertificateType) evidence.items.push_back(std::move(item));
  }
  if (parts.items) parts.items(evidence.items);
  return evidence;
}

}  // namespace assay::softtee

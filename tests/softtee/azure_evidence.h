// Whole evidence of an Azure confidential VM in one call: hardware report or TD quote with its collateral, HCL report, a quote by the
// paravisor's virtual TPM, its PCRs, the key's public area and certificate, and on demand exactly one thing wrong.
//
//   const AzureEvidence evidence = MintAzure({.tee = AzureTee::kTdx, .extra_data = challenge});
//
// Promises: without a fault, evidence that a verifier with AzureAnchors() must accept; with one, evidence that differs from that in what
// AllAzureFaults() says and in nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/softtee/anchors.h"
#include "tests/softtee/azure_report.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::softtee {

inline constexpr std::string_view kHclReportType = "application/vnd.assay.azure-hcl-report";

enum class AzureTee : std::uint8_t { kSnp, kTdx };

enum class AzureFault : std::uint8_t {
  // HCL report, layout
  kHeaderTruncated,
  kClaimsTruncated,
  kTooLong,
  kMagic,
  kVersion3,
  kDataVersion2,
  kRequestType,
  kStatus,
  kReserved,
  kTail,
  kTypeVbs,
  kTypeTrustedVm,
  kTypeCca,
  kHashSha384,
  kClaimsSizeLonger,
  kClaimsSizeHuge,
  kDataSizeOther,
  kReportSizeOther,
  kClaimsEmpty,
  kTdReportType,
  kTdReportReserved,
  kBehindTdReport,
  // Runtime claims, all of them committed to
  kClaimsNoJson,
  kClaimsNameTwice,
  kClaimsNul,
  kKeysMissing,
  kKeysNoArray,
  kKeyWithoutKid,
  kAkMissing,
  kAkTwice,
  kAkEc,
  kAkRsa1024,
  kAkExponent3,
  kAkPadded,
  kAkLeadingZero,
  kConfigurationMissing,
  kSecureBootMissing,
  kSecureBootText,
  kConsoleNumber,
  kVmIdNoGuid,
  kThumbprintShort,
  kUserDataShort,
  // What hangs on what
  kClaimsChanged,
  kReportDataTail,
  kReportDataPrefix,
  kHardwareOfOther,
  kTdQuoteOfOther,
  kEnclaveQuote,
  kVmpl1,
  kOtherTee,
  // Items
  kReportMissing,
  kTdQuoteMissing,
  kQuoteMissing,
  kPcrsMissing,
  kSnpReportBeside,
  // Hardware
  kHardwareSignature,
  kHardwareLeafExpired,
  // Virtual TPM
  kExtraDataOther,
  kQuoteOfOtherKey,
  kQuoteOfFirstKey,
  kAkAreaOther,
  kAkUnrestricted,
  kPcrChanged,
  kSelectionFewer,
  // Certificate of the attestation key
  kCertificateOfOther,
  kCertificateRoot,
  kCertificateName,
  kCertificateExpired,
  kCertificateForDecryption,
};

struct AzureParts {
  AzureTee tee;
  HclClaims claims;
  std::function<void(std::string&)> text = {};         // the claims, before anything commits to them
  std::function<void(ByteArray<64>&)> committed = {};  // report data, before they are signed
  HclReport report;
  TdReport td_report;
  std::function<void(ByteArray<64>&)> quoted = {};  // report data of the TD quote alone
  SnpOptions snp;
  DcapOptions td;
  TpmOptions tpm;
  std::vector<std::function<void(TpmParts&)>> tpm_parts = {};
  bool certified = true;
  std::function<void(HclReport&)> written = {};  // when the hardware stands in it
  std::function<void(Bytes&)> report_item = {};
  std::function<void(std::vector<Item>&)> items = {};
};

struct AzureOptions {
  AzureTee tee = AzureTee::kSnp;
  Bytes extra_data = {};
  bool certified = true;        // with Microsoft's certificate, its issuer and root
  const SnpPki* amd = nullptr;  // unset: those that the tests of this build share
  const IntelPki* intel = nullptr;
  const TpmPki* virtual_tpm = nullptr;  // unset: that of this process
  Time now = kDefaultNow;               // all dates are relative to it
  std::optional<AzureFault> fault = {};
  std::function<void(AzureParts&)> change = {};
};

struct AzureEvidence {
  std::vector<Item> items;
  Bytes report;  // the HCL report
  std::string claims;
  Bytes ak;  // TPM2B_PUBLIC, as the item
};
AzureEvidence MintAzure(const AzureOptions& options);

// The paravisor's launch as Microsoft signs it, which the shipped policy demands of SEV-SNP.
void SignAsMicrosoft(AzureParts& parts);
// The attestation key's certificate as Microsoft's CA makes them.
void CertifyAsMicrosoft(TpmParts& parts);

// AMD's, Intel's and Microsoft's.
std::vector<Anchor> AzureAnchors(const SnpPki& amd = SnpPki::Shared(), const IntelPki& intel = IntelPki::Shared(),
                                 const TpmPki& virtual_tpm = TpmPki::Shared());

enum class AzureTees : std::uint8_t { kBoth, kSnp, kTdx };
struct AzureFaultEntry {
  AzureFault fault;
  AzureTees tees;           // where it can exist
  std::string_view name;    // stable, snake_case
  std::string_view reason;  // name of the finding that a verifier must give, as in base/reasons.def
  std::string_view what;
};
std::span<const AzureFaultEntry> AllAzureFaults();  // in the order of the enumeration
bool CanExist(const AzureFaultEntry& entry, AzureTee tee);
const AzureFaultEntry* AzureFaultNamed(std::string_view name);  // nullptr: none
void Apply(AzureFault fault, AzureParts& parts);

}  // namespace assay::softtee

// The format `sev_snp`: AMD SEV-SNP attestation reports with their endorsements. See README.md in this folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/sev_snp/report.h"
#include "trust/authenticated.h"

namespace assay::sev_snp {

inline constexpr std::string_view kReportMediaType = "application/vnd.assay.sev-snp-report";
inline constexpr std::string_view kCertTableMediaType = "application/vnd.assay.sev-cert-table";
inline constexpr std::string_view kCertificateMediaType = "application/pkix-cert";
inline constexpr std::string_view kCrlMediaType = "application/pkix-crl";
inline constexpr std::string_view kPemChainMediaType = "application/pem-certificate-chain";

// What was launched, or under whose key: each says which code runs in VMPL 0.
inline constexpr std::string_view kLaunchClaims[] = {"snp.author_key_digest", "snp.id_key_digest", "snp.measurement"};

extern const evidence::Format kFormat;

// For platforms: parses and authenticates the one report among the items; a malformed certificate table, certificate or CRL
// among them is refused as well. nullopt: the log says why.
std::optional<trust::Authenticated<Report>> AuthenticateReport(std::span<const evidence::Item> items,
                                                               const evidence::AuthenticationContext& context, CheckLog& log);

// REPORT_ID as the unauthenticated report among the items says: to look up what is remembered, decides nothing.
std::optional<Bytes> ReportIdHint(std::span<const evidence::Item> items);

// MEASUREMENT of the unauthenticated report among the items: to look up what is published about it, decides nothing.
std::optional<Bytes> MeasurementHint(std::span<const evidence::Item> items);

// SIGNING_KEY as the unauthenticated report among the items says: chooses which platform to try, decides nothing.
std::optional<SigningKey> SigningKeyHint(std::span<const evidence::Item> items);

}  // namespace assay::sev_snp

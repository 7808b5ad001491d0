// Binding: a SEV-SNP report that itself answers the challenge is the carrier of the bundle.
#pragma once

#include <array>
#include <optional>

#include "base/check_log.h"
#include "evidence/sev_snp/format.h"
#include "evidence/sev_snp/report.h"
#include "platform/platform.h"
#include "trust/bundle.h"
#include "trust/challenge.h"

namespace assay::platform {

// A report with its endorsements, in whichever of their containers.
inline constexpr auto kSnpReportManifest = std::to_array<ManifestEntry>({
    {sev_snp::kReportMediaType, 1, 1},
    {sev_snp::kCertTableMediaType, 0, 1},
    {sev_snp::kCertificateMediaType, 0, 8},
    {sev_snp::kPemChainMediaType, 0, 2},
    {sev_snp::kCrlMediaType, 0, 2},
});

// The instance identity is REPORT_ID: one guest from launch to shutdown; never the chip, which many guests share.
inline Bytes IdentityOfReport(ByteView report_id) {
  Bytes identity = ToBytes(AsBytes("snp.report_id"));
  Append(identity, report_id);
  return ToBytes(crypto::Sha256(identity));
}
inline Bytes ReportIdentityHint(std::span<const evidence::Item> items, const trust::Challenge&) {
  const std::optional<Bytes> report_id = sev_snp::ReportIdHint(items);
  return report_id ? IdentityOfReport(*report_id) : Bytes();
}

// Compares all 64 bytes of REPORT_DATA with the challenge.
inline std::optional<trust::Bundle> CarryReport(const trust::Authenticated<sev_snp::Report>& report, const trust::Challenge& challenge,
                                                CheckLog& log) {
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(report, challenge, log);
  if (!bundle) return std::nullopt;
  bundle->set_instance_identity(IdentityOfReport(report->report_id()));
  return bundle;
}

}  // namespace assay::platform

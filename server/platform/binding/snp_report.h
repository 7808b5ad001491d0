// Binding: a SEV-SNP report that itself answers the challenge is the carrier of the bundle.
#pragma once

#include <optional>

#include "base/check_log.h"
#include "evidence/sev_snp/report.h"
#include "trust/bundle.h"
#include "trust/challenge.h"

namespace assay::platform {

// Compares all 64 bytes of REPORT_DATA with the challenge. The instance identity is REPORT_ID: one guest from launch to
// shutdown; never the chip, which many guests share.
inline std::optional<trust::Bundle> CarryReport(const trust::Authenticated<sev_snp::Report>& report,
                                                const trust::Challenge& challenge, CheckLog& log) {
  std::optional<trust::Bundle> bundle = trust::Bundle::Carry(report, challenge, log);
  if (!bundle) return std::nullopt;
  Bytes identity = ToBytes(AsBytes("snp.report_id"));
  Append(identity, report->report_id());
  const crypto::Sha256Digest digest = crypto::Sha256(identity);
  bundle->set_instance_identity(Bytes(digest.begin(), digest.end()));
  return bundle;
}

}  // namespace assay::platform

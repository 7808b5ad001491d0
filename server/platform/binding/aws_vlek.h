// Binding: a SEV-SNP report is of AWS if its VLEK was issued to AWS.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check_log.h"
#include "base/strings.h"
#include "evidence/sev_snp/report.h"
#include "trust/claims.h"

namespace assay::platform {

// "CN=cc-us-east-2.amazonaws.com": the form in which AMD certifies AWS regions.
inline bool IsAwsCspId(std::string_view csp_id) {
  constexpr std::string_view kStart = "CN=cc-", kEnd = ".amazonaws.com";
  if (csp_id.size() <= kStart.size() + kEnd.size() || !csp_id.starts_with(kStart) || !csp_id.ends_with(kEnd)) return false;
  const std::string_view region = csp_id.substr(kStart.size(), csp_id.size() - kStart.size() - kEnd.size());
  // One label: a dot or a comma would make it another host, or another attribute.
  return std::all_of(region.begin(), region.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

inline bool RequireAwsVlek(const trust::AuthenticatedClaims& claims, CheckLog& log) {
  const auto* csp_id = claims.Get<std::string>("snp.csp_id");
  return log.Require(Check::kPlatform, csp_id != nullptr && IsAwsCspId(*csp_id), [&] {
    return Finding{.reason = Reason::kPlatformUnrecognised,
                   .component = std::string(sev_snp::kReportComponent),
                   .claim = "snp.csp_id",
                   .expected = "a VLEK issued to AWS: CN=cc-<region>.amazonaws.com",
                   .actual = csp_id == nullptr ? std::string("a VCEK") : Printable(*csp_id, 128)};
  });
}

}  // namespace assay::platform

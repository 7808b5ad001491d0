// The HCL report, layout in layout.h.
//
// ReportParser promises: at most 16 KiB that hold what the header declares, three sizes that agree, reserved bytes and the tail zero;
// versions that are known; the hardware report of a SEV-SNP machine (bytes for that format to read), or a TDREPORT; claims that are
// committed to by SHA-256, and to which the hardware report, whoever made it, commits. It does not promise that the hardware report is
// genuine: the platform has it, or the TD quote made of it, authenticated, and compares with that.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/check_log.h"
#include "evidence/azure_hcl/layout.h"
#include "evidence/azure_hcl/runtime_claims.h"
#include "trust/description.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::azure_hcl {

struct ParsedReport {
  ReportType type;
  trust::UntrustedBytes hardware_report;  // SEV-SNP report 1184, or TDREPORT 1024
  ByteArray<64> report_data;              // as it stands there
  trust::Parsed<RuntimeClaims> claims;
};

class ReportParser {
 public:
  // nullopt: the log says why; all defects of the layout are collected, not only the first.
  static std::optional<ParsedReport> Parse(const trust::UntrustedBytes& bytes, CheckLog& log);
  // Claims without the report around them, as some collectors send them.
  static std::optional<trust::Parsed<RuntimeClaims>> ParseClaims(ByteView json, ReportType type, CheckLog& log);
};

bool LooksLikeReport(ByteView bytes);

// The TD quote was made of this report's TDREPORT. False, and logged: it has other report data.
bool CheckTdQuote(const ParsedReport& report, ByteView quote_report_data, CheckLog& log);

trust::Description Describe(const trust::UntrustedBytes& bytes, const ParsedReport& report);

}  // namespace assay::azure_hcl

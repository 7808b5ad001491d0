// The format `azure_hcl`: reports of Azure's paravisor, which tie the key of its virtual TPM to a hardware report. See README.md in this
// folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "crypto/public_key.h"
#include "evidence/azure_hcl/report.h"
#include "evidence/format.h"

namespace assay::azure_hcl {

inline constexpr std::string_view kReportMediaType = "application/vnd.assay.azure-hcl-report";

extern const evidence::Format kFormat;

// For platforms: the one report among the items. nullopt: the log says why.
std::optional<ParsedReport> ParseReport(std::span<const evidence::Item> items, CheckLog& log);

// What the unauthenticated report among the items is, and the key that its claims name: to choose a platform, and to look up what is
// remembered; decides nothing.
std::optional<ReportType> TypeHint(std::span<const evidence::Item> items);
std::optional<crypto::PublicKey> AkHint(std::span<const evidence::Item> items);

}  // namespace assay::azure_hcl

// An appraisal as people read it: the verdict first, then why, then whom one still has to trust.
#pragma once

#include <string>
#include <vector>

#include "assay/v1/verdict.pb.h"
#include "client/cli/exit_code.h"
#include "client/cli/structured_output.h"
#include "client/cli/style.h"

namespace assay::cli {

struct VerdictViewOptions {
  bool verbose = false;              // claims, checks, windows, parts and input digests too
  std::string platform_origin = {};  // e.g. "inferred from the evidence"; shown behind the platform
  std::string policy_origin = {};    // e.g. "shipped with assay"; shown behind the policy
  std::string ended = {};            // "REVOKED at …": comes first, and the verdict is then what it was; empty: it stands
};

// "TRUSTED WITH WARNINGS (simulated)": always words, coloured or not.
std::string Badge(const v1::Appraisal& appraisal);

std::string VerdictText(const v1::Appraisal& appraisal, const VerdictViewOptions& options, const Style& style);

// The canonical JSON and a newline, or the same tree as YAML. `format` is not kTable.
std::string StructuredAppraisal(OutputFormat format, const v1::Appraisal& appraisal);

// 0 trusted, with or without warnings · 6 indeterminate · 5 rejected, and the earliest stage that rejects is parse · 4.
ExitCode ExitCodeOf(const v1::Appraisal& appraisal);

}  // namespace assay::cli

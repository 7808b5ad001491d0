// Simulated evidence: made by the program assay-softtee, which is neither packaged nor linked. A server believes it only if
// it was started with --insecure-test-anchors, and marks every verdict `simulated`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/agent/evidence_source.h"

namespace assay::agent {

struct SoftteeOptions {
  std::string program;                 // path of assay-softtee
  std::string pki_directory;
  std::string fault = {};              // "": none
  std::vector<std::string> arguments = {};  // "key=value": becomes "--key value"; "key": becomes "--key"
  std::string subcommand = "snp";      // of assay-softtee: what mints the platform's evidence
};

class SoftteeSource final : public ReportSource {
 public:
  explicit SoftteeSource(SoftteeOptions options) : options_(std::move(options)) {}
  absl::StatusOr<std::vector<CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override;

 private:
  SoftteeOptions options_;
};

// The subcommand of assay-softtee that mints evidence of this platform. InvalidArgument: it mints none, with those that it does mint.
absl::StatusOr<std::string> SoftteeSubcommandFor(std::string_view platform);

// $ASSAY_SOFTTEE if it is set, else assay-softtee in `program_directory`. NotFound: not there, or not executable.
absl::StatusOr<std::string> FindSofttee(const char* environment, std::string_view program_directory);

// {"items":[{"media_type":"…","body":"<base64>"}]}, as assay-softtee prints it.
absl::StatusOr<std::vector<CollectedItem>> ItemsFromJson(std::string_view json);

}  // namespace assay::agent

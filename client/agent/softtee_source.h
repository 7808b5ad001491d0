// Simulated evidence: made by the program assay-softtee, which is neither packaged nor linked. A server believes it only if
// it was started with --insecure-test-anchors, and marks every verdict `simulated`.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/agent/evidence_source.h"
#include "client/agent/simulated_platforms.h"

namespace assay::agent {

struct SoftteeOptions {
  std::string program;  // path of assay-softtee
  std::string pki_directory;
  const SimulatedPlatform* platform;
  std::string machine = "node";             // of platforms whose machines stay the same over boots
  std::string fault = {};                   // "": none
  std::vector<std::string> arguments = {};  // "key=value": becomes "--key value"; "key": becomes "--key"
};

// What the program prints: {"items":[{"media_type":"…","body":"<base64>"}],"tpm":{"attestation_key":"<base64>",…}}, the second of TPMs only.
struct SoftteeAnswer {
  std::vector<CollectedItem> items;
  TpmKeys keys;
  Bytes activation_secret;
};
absl::StatusOr<SoftteeAnswer> SoftteeAnswerFrom(std::string_view json);

class SoftteeSource final : public EvidenceSource {
 public:
  explicit SoftteeSource(SoftteeOptions options) : options_(std::move(options)) {}
  absl::StatusOr<TpmKeys> Keys() override;
  absl::StatusOr<CollectedEvidence> Answer(const Demand& demand) override;

 private:
  absl::StatusOr<SoftteeAnswer> Run(const Demand& demand) const;
  SoftteeOptions options_;
};

// $ASSAY_SOFTTEE if it is set, else assay-softtee in `program_directory`. NotFound: not there, or not executable.
absl::StatusOr<std::string> FindSofttee(const char* environment, std::string_view program_directory);

}  // namespace assay::agent

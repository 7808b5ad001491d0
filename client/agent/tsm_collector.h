// Evidence from the kernel's configfs-tsm (Linux Documentation/ABI/testing/configfs-tsm-report): SEV-SNP reports with their
// certificate table, TDX quotes with the log of what was measured into their RTMRs, where the machine shows one.
//
// Promises: the report was made from exactly the report_data asked for, with no write of somebody else's between (the
// `generation` attribute is read before and after); a conflict is tried again with a new instance, at most kAttempts times.
// Does not promise that the evidence is good: the server judges that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "client/agent/evidence_source.h"
#include "client/agent/tsm_files.h"

namespace assay::agent {

class TsmCollector final : public ReportSource {
 public:
  static constexpr int kAttempts = 3;

  // `privilege_level` is the VMPL to attest as; unset: the kernel's default. Both references outlive the collector.
  TsmCollector(TsmFiles& files, Random& random, std::optional<std::uint32_t> privilege_level = {})
      : files_(files), random_(random), privilege_level_(privilege_level) {}

  absl::StatusOr<std::vector<CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override;

 private:
  absl::StatusOr<std::vector<CollectedItem>> CollectOnce(const std::string& instance, const crypto::Sha512Digest& report_data);

  TsmFiles& files_;
  Random& random_;
  std::optional<std::uint32_t> privilege_level_;
};

}  // namespace assay::agent

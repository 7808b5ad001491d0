// Evidence from a TPM 2.0: a quote of the registers that the challenge asks for, under an attestation key that the request named, with the
// log of what was measured into them; and the secret of a credential, where one was sealed for the two keys.
//
// Promises: quotes only what carries the binding transcript's digest, never extra data of somebody else's choice. Does not promise that the
// evidence is good: the server judges that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/agent/evidence_source.h"
#include "client/agent/tpm.h"

namespace assay::agent {

struct TpmOptions {
  std::string tcti;                                          // of Tpm::Open
  TpmKeyType attestation_key_type = TpmKeyType::kP256;       // of the one made
  std::optional<std::uint32_t> attestation_key_handle = {};  // a persistent one instead
  // Of the boot. Where the default isn't there, empty, or not for this user, none is sent; one that was named has to be there.
  std::optional<std::string> event_log = {};
};
inline constexpr const char* kEventLogPath = "/sys/kernel/security/tpm0/binary_bios_measurements";

class TpmCollector final : public EvidenceSource {
 public:
  explicit TpmCollector(TpmOptions options) : options_(std::move(options)) {}

  // The endorsement key is one that has a certificate in the TPM, RSA-2048 before P-256 before P-384; RSA-2048 if none has.
  absl::StatusOr<TpmKeys> Keys() override;
  absl::StatusOr<CollectedEvidence> Answer(const Demand& demand) override;

 private:
  absl::Status Open();
  absl::StatusOr<TpmKeys> EndorsementKeyOf();
  TpmOptions options_;
  std::unique_ptr<Tpm> tpm_;
  Tpm::Key attestation_key_, endorsement_key_;
};

}  // namespace assay::agent

// What the firmware of a virtual machine with Secure Boot logs of a boot, and the registers that it leaves in the TPM: TCG PC Client Platform
// Firmware Profile, section 10.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "tests/softtee/tpm_structures.h"

namespace assay::softtee {

struct BootLog {
  Bytes log;     // in the crypto-agile format, one bank: SHA-256
  TpmBank bank;  // all 24 registers of it
};

// `firmware`: what EV_S_CRTM_VERSION names.
BootLog MintBootLog(std::string_view firmware);

}  // namespace assay::softtee

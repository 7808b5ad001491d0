// `assay attest`: joins with a fresh node key, and prints the verdict.
#pragma once

#include <string>
#include <vector>

#include "client/cli/connections.h"
#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct AttestOptions {
  ServerOptions server;
  std::string cluster;
  std::string role;
  std::string name = {};
  std::string platform = {};
  std::string save = {};               // directory for the evidence; "": nowhere
  std::string ear_file = {};           // where the token goes; "": nowhere
  std::string ear_profile = {};        // "": the server's default
  std::string tpm = {};                // TCTI; "": the kernel's configfs-tsm
  std::string tpm_key = "p256";        // type of the attestation key that is made: rsa, p256 or p384
  std::string tpm_key_handle = {};     // of a persistent one instead, e.g. 0x81000003
  std::string event_log = {};          // "": where Linux shows it
  std::string simulate = {};           // PKI directory; "": real evidence
  std::string simulate_platform = {};  // "": `platform`, else qemu_sev_snp; the hint, where `platform` is ""
  std::string simulate_fault = {};
  std::vector<std::string> simulate_arguments;
  OutputFormat output = OutputFormat::kTable;
  bool verbose = false;
};

ExitCode Attest(const AttestOptions& options, const Invocation& invocation);

}  // namespace assay::cli

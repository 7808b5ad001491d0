// `assay measure`: the values that a node's launch must show, computed from what it is launched with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct MeasureTdxOptions {
  std::string firmware;             // "-": standard input
  std::string ccel = {};            // event log whose replay are the RTMRs; "": none are said
  std::string page_add_order = {};  // "single", "two-pass"; "": both
  OutputFormat output = OutputFormat::kTable;
};

// MRTD of trust domains that start with this firmware, and the RTMRs of those that boot as the log says. Exit code 5: no such value follows from it.
ExitCode MeasureTdx(const MeasureTdxOptions& options, const Invocation& invocation);

struct MeasureSnpOptions {
  std::string firmware;      // OVMF image or IGVM file; "-": standard input
  std::string vmm = "qemu";  // "qemu", "ec2", "gce"; of IGVM files "qemu", "hyperv"
  std::string report = {};   // file to compare with; "": none
  // Of OVMF images alone: an IGVM file says for itself what the guest starts from.
  std::optional<std::uint32_t> vcpus = {};
  std::string vcpu_model = {};           // of QEMU, or
  std::string vcpu_signature = {};       // CPUID signature, hexadecimal
  std::string guest_features = {};       // hexadecimal; "": 0x1
  std::string kernel = {}, initrd = {};  // files; "": none
  std::string append = {};               // command line
  std::string svsm = {};                 // image of an SVSM, QEMU only; "": none
  std::uint64_t variables_size = 0;      // bytes between it and the OVMF image
  OutputFormat output = OutputFormat::kTable;
};

// Launch digest of SEV-SNP guests that are launched so. Exit code 4: the report, or the file's own ID block, has another; 5: no such value
// follows from the firmware.
ExitCode MeasureSnp(const MeasureSnpOptions& options, const Invocation& invocation);

// Files hold what is measured, as it is: images, initrds, contents of variables. Empty: not given.
struct MeasurePcrsOptions {
  std::string bank = "sha256";                // "sha256", "sha384", "sha512"
  std::vector<std::string> boot_images = {};  // PCR 4
  std::string secure_boot = {};               // PCR 7: "on", "off"
  std::string pk = {}, kek = {}, db = {}, dbx = {};
  std::vector<std::string> authorities = {};  // "VARIABLE=FILE"
  std::string uki = {};                       // PCR 11
  std::vector<std::string> phases = {};
  std::string stub_command_line = {};  // PCR 12
  std::string load_options = {};       // PCR 9
  std::vector<std::string> initrds = {};
  OutputFormat output = OutputFormat::kTable;
};

// PCRs of machines that boot these files. Exit code 5: an image is malformed, or more than one value could follow from it.
ExitCode MeasurePcrs(const MeasurePcrsOptions& options, const Invocation& invocation);

}  // namespace assay::cli

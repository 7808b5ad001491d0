#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/softtee/azure_evidence.h"
#include "tests/softtee/commands/subcommand.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/gce_evidence.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::softtee {
namespace {

template <typename Entries>
void List(const char* subcommand, const Entries& entries) {
  for (const auto& entry : entries) {
    std::printf("%-5s %-39s %-25s %s\n", subcommand, std::string(entry.name).c_str(), std::string(entry.reason).c_str(),
                std::string(entry.what).c_str());
  }
}

int Run() {
  List("snp", AllFaults());
  List("dcap", AllDcapFaults());
  List("tpm", AllTpmFaults());
  List("azure", AllAzureFaults());
  List("nitro", AllNitroFaults());
  List("gce", AllGceFaults());
  return kOk;
}

}  // namespace

Subcommand AddFaults(CLI::App& program) {
  return {program.add_subcommand("faults", "List every fault: subcommand, name, the finding a verifier owes, what is wrong"), &Run};
}

}  // namespace assay::softtee

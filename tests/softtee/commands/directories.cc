// What makes a directory and mints nothing: the PKI, and TLS certificates.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "tests/softtee/anchors.h"
#include "tests/softtee/commands/arguments.h"
#include "tests/softtee/commands/subcommand.h"
#include "tests/softtee/dev_tls.h"
#include "tests/softtee/file.h"
#include "tests/softtee/gce_evidence.h"
#include "tests/softtee/intel_pki.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_pki.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::softtee {
namespace {

// Where an operator finds the root of Google's launch endorsements, for gce_endorsement_roots.
constexpr const char* kEndorsementRootFile = "gce_endorsement_root.der";

int RunPki(const std::string& directory) {
  const absl::StatusOr<GcePki> google = GcePki::Open(directory);
  for (const absl::Status& made : {google.status(), SnpPki::Open(directory).status(), IntelPki::Open(directory).status(),
                                   NitroPki::Open(directory).status(), TpmPki::Open(directory, "").status()}) {
    if (!made.ok()) return FailAt("--dir", made);
  }
  const absl::Status written =
      WriteFile(std::filesystem::path(directory) / kEndorsementRootFile, EndorsementRoot(*google, SystemClock().Now()), kPublicFile);
  if (!written.ok()) return FailAt("--dir", written);
  std::puts((std::filesystem::path(directory) / kAnchorsFile).c_str());
  return kOk;
}

}  // namespace

Subcommand AddPki(CLI::App& program) {
  const auto directory = std::make_shared<std::string>();
  CLI::App* pki = program.add_subcommand("pki", "Make the test PKI, or check that it is there; prints the path of anchors.yaml");
  pki->add_option("--dir", *directory, "Directory of the PKI")->required();
  return {pki, [directory] { return RunPki(*directory); }};
}

Subcommand AddTls(CLI::App& program) {
  struct Arguments {
    std::string directory;
    std::string name = "localhost";
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* tls = program.add_subcommand("tls", "Make TLS certificates for development: ca, server, viewer, operator, admin");
  tls->add_option("--dir", arguments->directory, "Directory for them")->required();
  tls->add_option("--name", arguments->name, "DNS name of the server")->capture_default_str();
  return {tls, [arguments] {
            const absl::Status made = MakeDevTls(arguments->directory, arguments->name, SystemClock().Now());
            return made.ok() ? kOk : FailAt("--dir", made);
          }};
}

}  // namespace assay::softtee

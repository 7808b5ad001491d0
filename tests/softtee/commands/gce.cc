#include <CLI/CLI.hpp>
#include <memory>

#include "base/absl_bridge.h"
#include "tests/softtee/commands/output.h"
#include "tests/softtee/commands/subcommand.h"
#include "tests/softtee/gce_evidence.h"

namespace assay::softtee {
namespace {

struct GceArguments : MintArguments {
  std::string tee = "sev_snp";
  std::string report_data, nonce;
  std::string machine;
  bool no_endorsement = false;
};

// The files of one machine, the transcript that they answer if none was demanded, and the anchors. The root of endorsements is not among
// them, but a file of its own, as an operator would have it.
NamedFiles FilesOf(const GceEvidence& evidence, const GceOptions& options, const GcePki& google, const SnpPki& amd, const IntelPki& intel) {
  NamedFiles files;
  for (const Item& item : evidence.items) {
    files.emplace_back(
        Cat("item", files.size() < 10 ? "0" : "", files.size(), "-", item.media_type.substr(item.media_type.rfind('/') + 1), ".bin"),
        item.body);
  }
  if (!options.demand) files.emplace_back("transcript", evidence.transcript);
  files.emplace_back("endorsement_root.der", EndorsementRoot(google, options.now));
  std::vector<Anchor> anchors = google.Anchors(/*endorsements=*/false);
  for (const std::vector<Anchor>& more : {amd.Anchors(), intel.Anchors()}) anchors.insert(anchors.end(), more.begin(), more.end());
  files.emplace_back(kAnchorsFile, ToBytes(AsBytes(AnchorsYaml(anchors))));
  return files;
}

int Run(const GceArguments& arguments) {
  GceOptions options{.tee = arguments.tee == "tdx" ? GceTee::kTdx : GceTee::kSevSnp, .with_endorsement = !arguments.no_endorsement};
  const std::optional<Time> now = ReadTime(arguments.at);
  if (!now || !SaysWhereTo(arguments)) return kUsage;
  options.now = *now;
  if (!arguments.report_data.empty()) {
    GceDemand& demand = options.demand.emplace();
    const std::optional<Bytes> nonce = ReadOctets("--nonce", arguments.nonce);
    if (!nonce || !ReadHex("--report-data", arguments.report_data, demand.report_data)) return kUsage;
    demand.extra_data = *nonce;
  }
  if (!arguments.fault.empty()) {
    const auto* entry = ReadFault(arguments.fault, AllGceFaults());
    if (entry == nullptr) return kUsage;
    options.fault = entry->fault;
  }
  const absl::StatusOr<SnpPki> amd = SnpPki::Open(arguments.pki);
  if (!amd.ok()) return FailAt("--pki", amd.status());
  const absl::StatusOr<IntelPki> intel = IntelPki::Open(arguments.pki);
  if (!intel.ok()) return FailAt("--pki", intel.status());
  const absl::StatusOr<GcePki> google = GcePki::Open(arguments.pki);
  if (!google.ok()) return FailAt("--pki", google.status());
  const absl::StatusOr<TpmPki> virtual_tpm = TpmPki::Open(arguments.pki, arguments.machine);
  if (!virtual_tpm.ok()) return FailAt("--pki", virtual_tpm.status());
  options.virtual_tpm = &*virtual_tpm;
  const absl::StatusOr<GceEvidence> evidence = MintGce(options, *google, *amd, *intel);
  if (!evidence.ok()) return Fail(kUsage, MessageOf(evidence.status()));
  if (arguments.json) {
    const TpmWords words{.attestation_key = evidence->ak, .endorsement_key = {}, .endorsement_certificate = {}, .activation_secret = {}};
    PrintJson(evidence->items, &words);
    return kOk;
  }
  return WriteFiles(arguments.out, FilesOf(*evidence, options, *google, *amd, *intel));
}

}  // namespace

Subcommand AddGce(CLI::App& program) {
  const auto arguments = std::make_shared<GceArguments>();
  CLI::App* gce = program.add_subcommand("gce", "Mint the evidence of a confidential machine of Google's, with its virtual TPM");
  gce->add_option("--tee", arguments->tee, "sev_snp or tdx")->check(CLI::IsMember({"sev_snp", "tdx"}))->capture_default_str();
  CLI::Option* report_data = gce->add_option("--report-data", arguments->report_data,
                                             "SHA-512 of the binding transcript, for report or quote. Default: a transcript is made up");
  CLI::Option* nonce = gce->add_option("--nonce", arguments->nonce, "SHA-256 of the same transcript, for the TPM's quote");
  report_data->needs(nonce);
  nonce->needs(report_data);
  AddMachineOption(gce, arguments->machine, "its TPM's keys are in the PKI's directory, made if need be");
  gce->add_flag("--no-endorsement", arguments->no_endorsement, "Without the launch endorsement");
  AddMintOptions(gce, *arguments, "item*.bin, transcript, anchors.yaml and endorsement_root.der");
  return {gce, [arguments] { return Run(*arguments); }};
}

}  // namespace assay::softtee

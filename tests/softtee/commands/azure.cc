#include <CLI/CLI.hpp>
#include <memory>

#include "tests/softtee/azure_evidence.h"
#include "tests/softtee/commands/output.h"
#include "tests/softtee/commands/subcommand.h"

namespace assay::softtee {
namespace {

struct AzureArguments : MintArguments {
  std::string tee = "snp";
  std::string nonce;
  std::string machine;
  std::string id_key_digest;
  bool no_certificate = false;
};

int Run(const AzureArguments& arguments) {
  AzureOptions options{.tee = arguments.tee == "snp" ? AzureTee::kSnp : AzureTee::kTdx, .certified = !arguments.no_certificate};
  const std::optional<Bytes> nonce = ReadOctets("--nonce", arguments.nonce);
  const std::optional<Time> now = ReadTime(arguments.at);
  if (!nonce || !now || !SaysWhereTo(arguments)) return kUsage;
  options.extra_data = *nonce;
  options.now = *now;
  options.change = &SignAsMicrosoft;
  if (!arguments.id_key_digest.empty()) {
    ByteArray<48> digest{};
    if (!ReadHex("--id-key-digest", arguments.id_key_digest, digest)) return kUsage;
    options.change = [digest](AzureParts& parts) { parts.snp.id_key_digest = digest; };
  }
  if (!arguments.fault.empty()) {
    const auto* entry = ReadFault(arguments.fault, AllAzureFaults());
    if (entry == nullptr) return kUsage;
    if (!CanExist(*entry, options.tee)) return Fail(kUsage, Cat("--fault: there is no ", entry->name, " with --tee ", arguments.tee));
    options.fault = entry->fault;
  }
  const absl::StatusOr<SnpPki> amd = SnpPki::Open(arguments.pki);
  if (!amd.ok()) return FailAt("--pki", amd.status());
  const absl::StatusOr<IntelPki> intel = IntelPki::Open(arguments.pki);
  if (!intel.ok()) return FailAt("--pki", intel.status());
  const absl::StatusOr<TpmPki> virtual_tpm = TpmPki::Open(arguments.pki, arguments.machine);
  if (!virtual_tpm.ok()) return FailAt("--pki", virtual_tpm.status());
  options.amd = &*amd;
  options.intel = &*intel;
  options.virtual_tpm = &*virtual_tpm;
  const AzureEvidence evidence = MintAzure(options);
  if (arguments.json) {
    const TpmWords words{.attestation_key = evidence.ak, .endorsement_key = {}, .endorsement_certificate = {}, .activation_secret = {}};
    PrintJson(evidence.items, &words);
    return kOk;
  }
  NamedFiles files = FilesOf(evidence.items);
  files.emplace_back(kAnchorsFile, ToBytes(AsBytes(AnchorsYaml(AzureAnchors(*amd, *intel, *virtual_tpm)))));
  return WriteFiles(arguments.out, files);
}

}  // namespace

Subcommand AddAzure(CLI::App& program) {
  const auto arguments = std::make_shared<AzureArguments>();
  CLI::App* azure = program.add_subcommand("azure", "Mint the evidence of an Azure confidential VM: hardware, HCL report, virtual TPM");
  azure->add_option("--tee", arguments->tee, "snp or tdx")->check(CLI::IsMember({"snp", "tdx"}))->capture_default_str();
  azure->add_option("--nonce", arguments->nonce, "extraData of the TPM's quote")->required();
  AddMachineOption(azure, arguments->machine, "its TPM's keys are in the PKI's directory, made if need be");
  azure->add_option("--id-key-digest", arguments->id_key_digest,
                    "ID_KEY_DIGEST, 48 bytes; of snp only. Default: of the key that signs Microsoft's paravisors");
  azure->add_flag("--no-certificate", arguments->no_certificate, "Without Microsoft's certificate of the attestation key");
  AddMintOptions(azure, *arguments, "each item, and anchors.yaml of this run,");
  return {azure, [arguments] { return Run(*arguments); }};
}

}  // namespace assay::softtee

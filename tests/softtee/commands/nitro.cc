#include <CLI/CLI.hpp>
#include <memory>

#include "base/absl_bridge.h"
#include "tests/softtee/commands/output.h"
#include "tests/softtee/commands/subcommand.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_pki.h"

namespace assay::softtee {
namespace {

struct NitroArguments : MintArguments {
  std::string nonce;
  std::string kind = "enclave";
  std::string machine;
  std::string report_data;
  std::string public_key, user_data;
  bool indefinite = false;
};

// An instance's id: 17 hexadecimal digits, the last of which faults change.
std::string InstanceOf(const std::string& machine) { return Cat("i-0", ToHex(Sha256(AsBytes(machine))).substr(0, 9), "abcdef0"); }

std::optional<NitroOptions> OptionsFrom(const NitroArguments& arguments) {
  NitroOptions options{.tpm = arguments.kind == "tpm", .indefinite = arguments.indefinite};
  const std::optional<Bytes> nonce = ReadOctets("--nonce", arguments.nonce);
  const std::optional<Time> now = ReadTime(arguments.at);
  if (!nonce || !now) return std::nullopt;
  options.nonce = *nonce;
  options.now = *now;
  if (!arguments.machine.empty()) options.instance_id = InstanceOf(arguments.machine);
  if (!arguments.public_key.empty() && !(options.public_key = ReadOctets("--public-key", arguments.public_key))) return std::nullopt;
  if (!arguments.user_data.empty() && !(options.user_data = ReadOctets("--user-data", arguments.user_data))) return std::nullopt;
  if (arguments.fault.empty()) return options;
  const auto* entry = ReadFault(arguments.fault, AllNitroFaults());
  if (entry == nullptr) return std::nullopt;
  if (!CanExist(entry->fault, options.tpm)) {
    Fail(kUsage, Cat("--fault: there is no ", entry->name, " with --kind ", arguments.kind));
    return std::nullopt;
  }
  options.fault = entry->fault;
  return options;
}

// What AWS's instances with SEV-SNP have beside the document. Errors: as of SnpPki::Open and MintSnp.
absl::StatusOr<std::vector<Item>> ReportOf(const std::string& pki, const ByteArray<64>& report_data, Time now) {
  const absl::StatusOr<SnpPki> amd = SnpPki::Open(pki);
  if (!amd.ok()) return amd.status();
  SnpOptions options{.signing_key = SigningKey::kVlek, .report_data = report_data, .now = now};
  std::ranges::copy(RandomBytes(32), options.report_id.emplace().begin());
  absl::StatusOr<Evidence> evidence = MintSnp(*amd, options);
  if (!evidence.ok()) return evidence.status();
  return std::move(evidence->items);
}

int Run(const NitroArguments& arguments) {
  const std::optional<NitroOptions> options = OptionsFrom(arguments);
  ByteArray<64> report_data{};
  if (!options || !SaysWhereTo(arguments) ||
      (!arguments.report_data.empty() && !ReadHex("--report-data", arguments.report_data, report_data))) {
    return kUsage;
  }
  const absl::StatusOr<NitroPki> pki = NitroPki::Open(arguments.pki);
  if (!pki.ok()) return FailAt("--pki", pki.status());
  Evidence evidence = MintNitro(*pki, *options);
  if (!arguments.report_data.empty()) {
    absl::StatusOr<std::vector<Item>> report = ReportOf(arguments.pki, report_data, options->now);
    if (!report.ok()) return FailAt("--report-data", report.status());
    std::move(report->begin(), report->end(), std::back_inserter(evidence.items));
  }
  if (arguments.json) {
    PrintJson(evidence.items);
    return kOk;
  }
  NamedFiles files = {{"document.cbor", *evidence.Find(kNitroDocumentType)}};
  if (const Bytes* report = evidence.Find(kReportType); report != nullptr) files.emplace_back("report.bin", *report);
  if (const Bytes* table = evidence.Find(kCertTableType); table != nullptr) files.emplace_back("cert_table.bin", *table);
  return WriteFiles(arguments.out, files);
}

}  // namespace

Subcommand AddNitro(CLI::App& program) {
  const auto arguments = std::make_shared<NitroArguments>();
  CLI::App* nitro = program.add_subcommand("nitro", "Mint an attestation document of AWS Nitro, with an SEV-SNP report if wanted");
  nitro->add_option("--nonce", arguments->nonce, "nonce")->required();
  nitro->add_option("--kind", arguments->kind, "Whose document: enclave or tpm")
      ->check(CLI::IsMember({"enclave", "tpm"}))
      ->capture_default_str();
  AddMachineOption(nitro, arguments->machine, Cat("the instance's id is a function of it, and without it ", NitroOptions().instance_id));
  nitro->add_option("--report-data", arguments->report_data,
                    "Also mint the instance's SEV-SNP report under AWS's VLEK, with these 64 bytes; faults are the document's");
  nitro->add_option("--public-key", arguments->public_key, "public_key. Default: null");
  nitro->add_option("--user-data", arguments->user_data, "user_data. Default: null");
  nitro->add_flag("--indefinite", arguments->indefinite, "The payload's map of indefinite length, as newer hypervisors write it");
  AddMintOptions(nitro, *arguments, "document.cbor, and the report,");
  return {nitro, [arguments] { return Run(*arguments); }};
}

}  // namespace assay::softtee

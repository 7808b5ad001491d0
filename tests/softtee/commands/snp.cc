#include <CLI/CLI.hpp>
#include <memory>

#include "base/absl_bridge.h"
#include "tests/softtee/commands/output.h"
#include "tests/softtee/commands/subcommand.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/snp_pki.h"

namespace assay::softtee {
namespace {

struct SnpArguments : MintArguments {
  std::string report_data;
  std::string product = "milan";
  std::uint32_t version = 3;
  std::string signing_key = "vcek";
  std::string chip_id;
  std::string report_id;
  std::string measurement = ToHex(kDefaultMeasurement);
  std::string host_data = ToHex(kDefaultHostData);
  std::string id_key_digest = ToHex(kDefaultIdKeyDigest);
  std::string csp_id = std::string(kDefaultCspId);
  std::uint32_t vmpl = 0;
  bool separate = false;
  bool no_crl = false;
};

std::optional<SnpOptions> OptionsFrom(const SnpArguments& arguments) {
  SnpOptions options;
  options.product = *ProductNamed(arguments.product);
  options.version = arguments.version;
  options.signing_key = arguments.signing_key == "vlek" ? SigningKey::kVlek : SigningKey::kVcek;
  options.vmpl = arguments.vmpl;
  options.csp_id = arguments.csp_id;
  options.delivery = arguments.separate ? SnpOptions::Delivery::kSeparateItems : SnpOptions::Delivery::kTable;
  options.with_crl = !arguments.no_crl;
  if (!ReadHex("--report-data", arguments.report_data, options.report_data) ||
      !ReadHex("--measurement", arguments.measurement, options.measurement) ||
      !ReadHex("--host-data", arguments.host_data, options.host_data) ||
      !ReadHex("--id-key-digest", arguments.id_key_digest, options.id_key_digest)) {
    return std::nullopt;
  }
  if (!arguments.chip_id.empty()) {
    options.chip_id.emplace();
    // A Turin chip id has 8 bytes; the rest of the field is zero.
    std::string text = arguments.chip_id;
    if (options.product == Product::kTurin && text.size() == 16) text.append(112, '0');
    if (!ReadHex("--chip-id", text, *options.chip_id)) return std::nullopt;
  }
  // Every run is a guest of its own, as launched anew.
  if (arguments.report_id.empty()) std::ranges::copy(RandomBytes(32), options.report_id.emplace().begin());
  else if (!ReadHex("--report-id", arguments.report_id, options.report_id.emplace())) return std::nullopt;
  const std::optional<Time> now = ReadTime(arguments.at);
  if (!now) return std::nullopt;
  options.now = *now;
  if (arguments.fault.empty()) return options;
  const auto* entry = ReadFault(arguments.fault, AllFaults());
  if (entry == nullptr) return std::nullopt;
  options.fault = entry->fault;
  return options;
}

int Run(const SnpArguments& arguments) {
  const std::optional<SnpOptions> options = OptionsFrom(arguments);
  if (!options || !SaysWhereTo(arguments)) return kUsage;
  const absl::StatusOr<SnpPki> pki = SnpPki::Open(arguments.pki);
  if (!pki.ok()) return FailAt("--pki", pki.status());
  const absl::StatusOr<Evidence> evidence = MintSnp(*pki, *options);
  if (!evidence.ok()) return Fail(kUsage, MessageOf(evidence.status()));
  if (arguments.json) {
    PrintJson(evidence->items);
    return kOk;
  }
  NamedFiles files = {{"report.bin", *evidence->Find(kReportType)}};
  if (const Bytes* table = evidence->Find(kCertTableType); table != nullptr) files.emplace_back("cert_table.bin", *table);
  for (const Endorsement& endorsement : evidence->endorsements) files.emplace_back(endorsement.name + ".der", endorsement.der);
  return WriteFiles(arguments.out, files);
}

}  // namespace

Subcommand AddSnp(CLI::App& program) {
  const auto arguments = std::make_shared<SnpArguments>();
  CLI::App* snp = program.add_subcommand("snp", "Mint an SEV-SNP report with its certificates");
  snp->add_option("--report-data", arguments->report_data, "REPORT_DATA, 64 bytes")->required();
  snp->add_option("--product", arguments->product, "milan, genoa or turin")
      ->check(CLI::IsMember({"milan", "genoa", "turin"}))
      ->capture_default_str();
  snp->add_option("--report-version", arguments->version, "2 to 5")->check(CLI::Range(2, 5))->capture_default_str();
  snp->add_option("--signing-key", arguments->signing_key, "vcek or vlek")->check(CLI::IsMember({"vcek", "vlek"}))->capture_default_str();
  snp->add_option("--chip-id", arguments->chip_id,
                  Cat("CHIP_ID, 64 bytes (on Turin also 8). Default: ", ToHex(kDefaultChipId), "; with a VLEK zero"));
  snp->add_option("--report-id", arguments->report_id, "REPORT_ID, 32 bytes. Default: random, as of a guest launched anew");
  snp->add_option("--measurement", arguments->measurement, "MEASUREMENT, 48 bytes")->capture_default_str();
  snp->add_option("--host-data", arguments->host_data, "HOST_DATA, 32 bytes")->capture_default_str();
  snp->add_option("--id-key-digest", arguments->id_key_digest, "ID_KEY_DIGEST, 48 bytes")->capture_default_str();
  snp->add_option("--csp-id", arguments->csp_id, "CSP_ID of the VLEK")->capture_default_str();
  snp->add_option("--vmpl", arguments->vmpl, "VMPL, 0 to 3")->check(CLI::Range(0, 3))->capture_default_str();
  snp->add_flag("--separate", arguments->separate, "Certificates as items of their own, not as a certificate table");
  snp->add_flag("--no-crl", arguments->no_crl, "Without the revocation list");
  AddMintOptions(snp, *arguments, "report.bin, cert_table.bin and each certificate");
  return {snp, [arguments] { return Run(*arguments); }};
}

}  // namespace assay::softtee

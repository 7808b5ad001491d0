#include <CLI/CLI.hpp>
#include <memory>

#include "base/absl_bridge.h"
#include "tests/softtee/commands/output.h"
#include "tests/softtee/commands/subcommand.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/intel_pki.h"

namespace assay::softtee {
namespace {

struct DcapArguments : MintArguments {
  std::string report_data;
  std::string quote = "tdx_v4";
  std::string ca = "platform";
  std::string mrtd = ToHex(kDefaultMrtd);
  std::string rtmr0 = ToHex(kDefaultRtmr0);
  std::string rtmr1 = ToHex(kDefaultRtmr1);
  std::string rtmr2 = ToHex(kDefaultRtmr2);
  std::string rtmr3 = std::string(96, '0');
  std::string mrconfigid = ToHex(kDefaultMrConfigId);
  std::string mrowner = ToHex(kDefaultMrOwner);
  std::string mrownerconfig = std::string(96, '0');
  std::string fmspc = ToHex(Machine().fmspc);
  std::string ppid = ToHex(Machine().ppid);
  std::string platform_instance_id = ToHex(Machine().platform_instance_id);
  std::string status = "UpToDate";
  std::size_t padding = 0;
  bool no_documents = false;
  bool no_crl = false;
  bool evaluation_numbers = false;
};

std::optional<DcapOptions> OptionsFrom(const DcapArguments& arguments) {
  DcapOptions options;
  options.kind = *QuoteKindNamed(arguments.quote);
  options.platform_ca = arguments.ca == "platform";
  options.status = arguments.status;
  options.padding = arguments.padding;
  options.with_documents = !arguments.no_documents;
  options.with_crls = !arguments.no_crl;
  options.with_evaluation_numbers = arguments.evaluation_numbers;
  if (!ReadHex("--report-data", arguments.report_data, options.report_data) || !ReadHex("--mrtd", arguments.mrtd, options.mrtd) ||
      !ReadHex("--rtmr0", arguments.rtmr0, options.rtmr0) || !ReadHex("--rtmr1", arguments.rtmr1, options.rtmr1) ||
      !ReadHex("--rtmr2", arguments.rtmr2, options.rtmr2) || !ReadHex("--rtmr3", arguments.rtmr3, options.rtmr3) ||
      !ReadHex("--mrconfigid", arguments.mrconfigid, options.mrconfigid) || !ReadHex("--mrowner", arguments.mrowner, options.mrowner) ||
      !ReadHex("--mrownerconfig", arguments.mrownerconfig, options.mrownerconfig) ||
      !ReadHex("--fmspc", arguments.fmspc, options.machine.fmspc) || !ReadHex("--ppid", arguments.ppid, options.machine.ppid) ||
      !ReadHex("--platform-instance-id", arguments.platform_instance_id, options.machine.platform_instance_id)) {
    return std::nullopt;
  }
  const std::optional<Time> now = ReadTime(arguments.at);
  if (!now) return std::nullopt;
  options.now = *now;
  if (arguments.fault.empty()) return options;
  const auto* entry = ReadFault(arguments.fault, AllDcapFaults());
  if (entry == nullptr) return std::nullopt;
  options.fault = entry->fault;
  return options;
}

int Run(const DcapArguments& arguments) {
  const std::optional<DcapOptions> options = OptionsFrom(arguments);
  if (!options || !SaysWhereTo(arguments)) return kUsage;
  const absl::StatusOr<IntelPki> pki = IntelPki::Open(arguments.pki);
  if (!pki.ok()) return FailAt("--pki", pki.status());
  const absl::StatusOr<Evidence> evidence = MintDcap(*pki, *options);
  if (!evidence.ok()) return Fail(kUsage, MessageOf(evidence.status()));
  if (arguments.json) {
    PrintJson(evidence->items);
    return kOk;
  }
  NamedFiles files = {{"quote.bin", *evidence->Find(kQuoteType)}};
  for (const Endorsement& document : evidence->endorsements) files.emplace_back(document.name, document.der);
  return WriteFiles(arguments.out, files);
}

}  // namespace

Subcommand AddDcap(CLI::App& program) {
  const auto arguments = std::make_shared<DcapArguments>();
  std::vector<std::string> quotes;
  for (const QuoteKind kind : AllQuoteKinds()) quotes.emplace_back(NameOf(kind));
  CLI::App* dcap = program.add_subcommand("dcap", "Mint a TDX or SGX quote with Intel's collateral for it");
  dcap->add_option("--report-data", arguments->report_data, "REPORTDATA, 64 bytes")->required();
  dcap->add_option("--quote", arguments->quote, Cat("One of ", Join(quotes, ", ")))->check(CLI::IsMember(quotes))->capture_default_str();
  dcap->add_option("--ca", arguments->ca, "Who issued the PCK certificate: platform or processor")
      ->check(CLI::IsMember({"platform", "processor"}))
      ->capture_default_str();
  dcap->add_option("--mrtd", arguments->mrtd, "MRTD, 48 bytes; like the following of TDX only")->capture_default_str();
  dcap->add_option("--rtmr0", arguments->rtmr0, "RTMR0, 48 bytes")->capture_default_str();
  dcap->add_option("--rtmr1", arguments->rtmr1, "RTMR1, 48 bytes")->capture_default_str();
  dcap->add_option("--rtmr2", arguments->rtmr2, "RTMR2, 48 bytes")->capture_default_str();
  dcap->add_option("--rtmr3", arguments->rtmr3, "RTMR3, 48 bytes. Default: zero");
  dcap->add_option("--mrconfigid", arguments->mrconfigid, "MRCONFIGID, 48 bytes")->capture_default_str();
  dcap->add_option("--mrowner", arguments->mrowner, "MROWNER, 48 bytes")->capture_default_str();
  dcap->add_option("--mrownerconfig", arguments->mrownerconfig, "MROWNERCONFIG, 48 bytes. Default: zero");
  dcap->add_option("--fmspc", arguments->fmspc, "FMSPC, 6 bytes")->capture_default_str();
  dcap->add_option("--ppid", arguments->ppid, "PPID, 16 bytes")->capture_default_str();
  dcap->add_option("--platform-instance-id", arguments->platform_instance_id, "Platform instance, 16 bytes; of the Platform CA only")
      ->capture_default_str();
  dcap->add_option("--status", arguments->status, "TCB status that the documents give, as Intel names it")->capture_default_str();
  dcap->add_option("--padding", arguments->padding, "Zero bytes behind the quote")->capture_default_str();
  dcap->add_flag("--no-documents", arguments->no_documents, "Without TCB info, QE identity and their signer's chain");
  dcap->add_flag("--no-crl", arguments->no_crl, "Without the revocation lists");
  dcap->add_flag("--evaluation-numbers", arguments->evaluation_numbers, "With the list of evaluation data numbers");
  AddMintOptions(dcap, *arguments, "quote.bin and each document");
  return {dcap, [arguments] { return Run(*arguments); }};
}

}  // namespace assay::softtee

// assay-softtee: the software TEE on the command line.
//
// Exit codes: 0 done, 1 the work failed (files, directories), 2 wrong usage. Standard output carries results only.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/absl_bridge.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/anchors.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/dev_tls.h"
#include "tests/softtee/file.h"
#include "tests/softtee/gce_evidence.h"
#include "tests/softtee/intel_pki.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/snp_pki.h"

namespace assay::softtee {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Fail(int code, std::string_view message) {
  std::fprintf(stderr, "assay-softtee: %.*s\n", static_cast<int>(message.size()), message.data());
  return code;
}

// The bytes of `text`, which must be exactly as many as `out` holds; an error names the option.
template <std::size_t N>
bool ReadHex(std::string_view option, std::string_view text, ByteArray<N>& out) {
  const auto bytes = FromHex(text);
  if (!bytes || bytes->size() != N) {
    Fail(kUsage, Cat(option, ": expected ", N, " bytes as ", 2 * N, " hexadecimal digits, got ", Printable(text, 80)));
    return false;
  }
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

// Empty: leaves `time` as it is.
bool ReadTime(const std::string& text, Time& time) {
  if (text.empty()) return true;
  const std::optional<Time> at = ParseTime(text);
  if (!at) {
    Fail(kUsage, Cat("--at: expected a time like 2026-11-24T00:00:00Z, got ", Printable(text, 80)));
    return false;
  }
  time = *at;
  return true;
}

template <typename Entries>
std::nullopt_t UnknownFault(const std::string& fault, const Entries& entries) {
  std::vector<std::string_view> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  const std::string_view nearest = NearestOf(fault, names);
  Fail(kUsage, Cat("--fault: no fault is called ", Printable(fault, 80), nearest.empty() ? "" : "; did you mean ", nearest,
                   "? `assay-softtee faults` lists them"));
  return std::nullopt;
}

struct SnpArguments {
  std::string pki;
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
  std::string fault;
  std::string at;
  bool separate = false;
  bool no_crl = false;
  bool json = false;
  std::string out;
};

// nullopt: said on standard error, with the option's name.
std::optional<SnpOptions> OptionsFrom(const SnpArguments& arguments) {
  SnpOptions options;
  options.product = *ProductNamed(arguments.product);
  options.version = arguments.version;
  options.signing_key = arguments.signing_key == "vlek" ? SigningKey::kVlek : SigningKey::kVcek;
  options.vmpl = arguments.vmpl;
  options.csp_id = arguments.csp_id;
  options.delivery = arguments.separate ? SnpOptions::Delivery::kSeparateItems : SnpOptions::Delivery::kTable;
  options.with_crl = !arguments.no_crl;
  options.now = SystemClock().Now();
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
  if (!ReadTime(arguments.at, options.now)) return std::nullopt;
  if (!arguments.fault.empty() && !(options.fault = FaultNamed(arguments.fault))) return UnknownFault(arguments.fault, AllFaults());
  return options;
}

struct DcapArguments {
  std::string pki;
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
  std::string fault;
  std::string at;
  bool no_documents = false;
  bool no_crl = false;
  bool evaluation_numbers = false;
  bool json = false;
  std::string out;
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
  options.now = SystemClock().Now();
  if (!ReadHex("--report-data", arguments.report_data, options.report_data) || !ReadHex("--mrtd", arguments.mrtd, options.mrtd) ||
      !ReadHex("--rtmr0", arguments.rtmr0, options.rtmr0) || !ReadHex("--rtmr1", arguments.rtmr1, options.rtmr1) ||
      !ReadHex("--rtmr2", arguments.rtmr2, options.rtmr2) || !ReadHex("--rtmr3", arguments.rtmr3, options.rtmr3) ||
      !ReadHex("--mrconfigid", arguments.mrconfigid, options.mrconfigid) || !ReadHex("--mrowner", arguments.mrowner, options.mrowner) ||
      !ReadHex("--mrownerconfig", arguments.mrownerconfig, options.mrownerconfig) || !ReadHex("--fmspc", arguments.fmspc, options.machine.fmspc) ||
      !ReadHex("--ppid", arguments.ppid, options.machine.ppid) ||
      !ReadHex("--platform-instance-id", arguments.platform_instance_id, options.machine.platform_instance_id) ||
      !ReadTime(arguments.at, options.now)) {
    return std::nullopt;
  }
  if (!arguments.fault.empty() && !(options.fault = DcapFaultNamed(arguments.fault))) return UnknownFault(arguments.fault, AllDcapFaults());
  return options;
}

struct NitroArguments {
  std::string pki;
  std::string nonce;
  std::string kind = "enclave";
  std::string public_key, user_data;
  std::string fault;
  std::string at;
  bool indefinite = false;
  bool json = false;
  std::string out;
};

// nullopt: said on standard error, with the option's name.
std::optional<NitroOptions> OptionsFrom(const NitroArguments& arguments) {
  NitroOptions options{.tpm = arguments.kind == "tpm", .indefinite = arguments.indefinite, .now = SystemClock().Now()};
  const auto octets = [](std::string_view option, const std::string& text) {
    auto bytes = FromHex(text);
    if (!bytes) Fail(kUsage, Cat(option, ": expected hexadecimal digits, got ", Printable(text, 80)));
    return bytes;
  };
  const auto nonce = octets("--nonce", arguments.nonce);
  if (!nonce || !ReadTime(arguments.at, options.now)) return std::nullopt;
  options.nonce = *nonce;
  if (!arguments.public_key.empty() && !(options.public_key = octets("--public-key", arguments.public_key))) return std::nullopt;
  if (!arguments.user_data.empty() && !(options.user_data = octets("--user-data", arguments.user_data))) return std::nullopt;
  if (!arguments.fault.empty() && !(options.fault = NitroFaultNamed(arguments.fault))) return UnknownFault(arguments.fault, AllNitroFaults());
  return options;
}

absl::Status WriteEvidence(const std::filesystem::path& directory, const Evidence& evidence) {
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock.ok()) return lock.status();
  absl::Status status;
  const auto write = [&](const std::string& name, const Bytes* body) {
    if (body != nullptr && status.ok()) status = WriteFile(directory / name, *body, kPublicFile);
  };
  write("report.bin", evidence.Find(kReportType));
  write("cert_table.bin", evidence.Find(kCertTableType));
  write("quote.bin", evidence.Find(kQuoteType));
  write("document.cbor", evidence.Find(kNitroDocumentType));
  for (const Endorsement& endorsement : evidence.endorsements) {
    write(endorsement.name.find('.') == std::string::npos ? endorsement.name + ".der" : endorsement.name, &endorsement.der);
  }
  return status;
}

void PrintJson(const Evidence& evidence) {
  // Media types and base64 hold nothing that JSON would have to escape.
  std::string json = "{\"items\":[";
  for (const Item& item : evidence.items) {
    if (json.back() == '}') json += ",";
    json += Cat("{\"media_type\":\"", item.media_type, "\",\"body\":\"", ToBase64(item.body), "\"}");
  }
  std::puts((json + "]}").c_str());
}

absl::StatusOr<Evidence> MintFrom(const SnpPki& pki, const SnpOptions& options) { return MintSnp(pki, options); }
absl::StatusOr<Evidence> MintFrom(const IntelPki& pki, const DcapOptions& options) { return MintDcap(pki, options); }
absl::StatusOr<Evidence> MintFrom(const NitroPki& pki, const NitroOptions& options) { return MintNitro(pki, options); }

template <typename Pki, typename Arguments>
int RunMint(const Arguments& arguments) {
  const auto options = OptionsFrom(arguments);
  if (!options) return kUsage;
  if (arguments.json == !arguments.out.empty()) return Fail(kUsage, "give one of --json and --out DIR");
  const absl::StatusOr<Pki> pki = Pki::Open(arguments.pki);
  if (!pki.ok()) return Fail(kFailed, Cat("--pki: ", MessageOf(pki.status())));
  const absl::StatusOr<Evidence> evidence = MintFrom(*pki, *options);
  if (!evidence.ok()) return Fail(kUsage, MessageOf(evidence.status()));
  if (arguments.json) {
    PrintJson(*evidence);
    return kOk;
  }
  const absl::Status written = WriteEvidence(arguments.out, *evidence);
  return written.ok() ? kOk : Fail(kFailed, Cat("--out: ", MessageOf(written)));
}

struct GceArguments {
  std::string pki, tee = "sev_snp", at, fault, out;
  bool no_endorsement = false;
};

// The files of one machine, the transcript that they answer, and the anchors: those of the PKI's directory and of this process. The root of
// endorsements is not among them, but a file of its own, as an operator would have it.
int RunGce(const GceArguments& arguments) {
  GceOptions options;
  options.tee = arguments.tee == "tdx" ? GceTee::kTdx : GceTee::kSevSnp;
  options.with_endorsement = !arguments.no_endorsement;
  options.now = SystemClock().Now();
  if (!ReadTime(arguments.at, options.now)) return kUsage;
  if (!arguments.fault.empty() && !(options.fault = GceFaultNamed(arguments.fault))) return Fail(kUsage, Cat("--fault: there is no fault '", arguments.fault, "'; see `assay-softtee faults`"));
  const absl::StatusOr<SnpPki> amd = SnpPki::Open(arguments.pki);
  if (!amd.ok()) return Fail(kFailed, Cat("--pki: ", MessageOf(amd.status())));
  const absl::StatusOr<IntelPki> intel = IntelPki::Open(arguments.pki);
  if (!intel.ok()) return Fail(kFailed, Cat("--pki: ", MessageOf(intel.status())));
  const GcePki& google = GcePki::Shared();
  const absl::StatusOr<GceEvidence> evidence = MintGce(options, google, *amd, *intel);
  if (!evidence.ok()) return Fail(kUsage, MessageOf(evidence.status()));
  const std::filesystem::path directory = arguments.out;
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock.ok()) return Fail(kFailed, Cat("--out: ", MessageOf(lock.status())));
  absl::Status status;
  const auto write = [&](const std::string& name, ByteView body) {
    if (status.ok()) status = WriteFile(directory / name, body, kPublicFile);
  };
  int number = 0;
  for (const Item& item : evidence->items) write(Cat("item", number < 10 ? "0" : "", number, "-", item.media_type.substr(item.media_type.rfind('/') + 1), ".bin"), item.body), ++number;
  write("transcript", evidence->transcript);
  write("endorsement_root.der", EndorsementRoot(google, options.now));
  std::vector<Anchor> anchors = google.Anchors(/*endorsements=*/false);
  for (const std::vector<Anchor>& more : {amd->Anchors(), intel->Anchors()}) anchors.insert(anchors.end(), more.begin(), more.end());
  write("anchors.yaml", AsBytes(AnchorsYaml(anchors)));
  return status.ok() ? kOk : Fail(kFailed, Cat("--out: ", MessageOf(status)));
}

struct AzureArguments {
  std::string pki;
  std::string tee = "snp";
  std::string nonce;
  std::string fault;
  std::string at;
  bool no_certificate = false;
  std::string out;
};

// One file an item, and the anchors: the virtual TPM's keys, and the root that certifies them, are of this process alone.
int RunAzure(const AzureArguments& arguments) {
  AzureOptions options{.tee = arguments.tee == "snp" ? AzureTee::kSnp : AzureTee::kTdx, .certified = !arguments.no_certificate, .now = SystemClock().Now()};
  const auto nonce = FromHex(arguments.nonce);
  if (!nonce || nonce->empty()) return Fail(kUsage, Cat("--nonce: expected hexadecimal digits, got ", Printable(arguments.nonce, 80)));
  options.extra_data = *nonce;
  if (!ReadTime(arguments.at, options.now)) return kUsage;
  if (!arguments.fault.empty()) {
    const AzureFaultEntry* entry = AzureFaultNamed(arguments.fault);
    if (entry == nullptr) {
      UnknownFault(arguments.fault, AllAzureFaults());
      return kUsage;
    }
    if (!CanExist(*entry, options.tee)) return Fail(kUsage, Cat("--fault: there is no ", entry->name, " with --tee ", arguments.tee));
    options.fault = entry->fault;
  }
  const absl::StatusOr<SnpPki> amd = SnpPki::Open(arguments.pki);
  if (!amd.ok()) return Fail(kFailed, Cat("--pki: ", MessageOf(amd.status())));
  const absl::StatusOr<IntelPki> intel = IntelPki::Open(arguments.pki);
  if (!intel.ok()) return Fail(kFailed, Cat("--pki: ", MessageOf(intel.status())));
  options.amd = &*amd;
  options.intel = &*intel;
  const AzureEvidence evidence = MintAzure(options);
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(arguments.out);
  absl::Status status = lock.status();
  const std::filesystem::path directory = arguments.out;
  std::size_t number = 0;
  for (const Item& item : evidence.items) {
    // "azure-hcl-report.0", "pkix-cert.5"
    const std::string name = item.media_type.substr(item.media_type.find_last_of("./") + 1);
    if (status.ok()) status = WriteFile(directory / Cat(name, ".", number++), item.body, kPublicFile);
  }
  if (status.ok()) status = WriteFile(directory / kAnchorsFile, AsBytes(AnchorsYaml(AzureAnchors(*amd, *intel))), kPublicFile);
  return status.ok() ? kOk : Fail(kFailed, Cat("--out: ", MessageOf(status)));
}

int RunPki(const std::string& directory) {
  const absl::StatusOr<SnpPki> amd = SnpPki::Open(directory);
  if (!amd.ok()) return Fail(kFailed, Cat("--dir: ", MessageOf(amd.status())));
  const absl::StatusOr<IntelPki> intel = IntelPki::Open(directory);
  if (!intel.ok()) return Fail(kFailed, Cat("--dir: ", MessageOf(intel.status())));
  const absl::StatusOr<NitroPki> nitro = NitroPki::Open(directory);
  if (!nitro.ok()) return Fail(kFailed, Cat("--dir: ", MessageOf(nitro.status())));
  std::puts((std::filesystem::path(directory) / kAnchorsFile).c_str());
  return kOk;
}

int RunTls(const std::string& directory, const std::string& name) {
  const absl::Status made = MakeDevTls(directory, name, SystemClock().Now());
  return made.ok() ? kOk : Fail(kFailed, Cat("--dir: ", MessageOf(made)));
}

int ListFaults() {
  const auto list = [](const char* subcommand, const auto& entries) {
    for (const auto& entry : entries) {
      std::printf("%-5s %-39s %-25s %s\n", subcommand, std::string(entry.name).c_str(), std::string(entry.reason).c_str(), std::string(entry.what).c_str());
    }
  };
  list("snp", AllFaults());
  list("dcap", AllDcapFaults());
  list("azure", AllAzureFaults());
  list("nitro", AllNitroFaults());
  list("gce", AllGceFaults());
  return kOk;
}

int Main(int argc, char** argv) {
  CLI::App app("The software TEE: mints SEV-SNP, TDX, SGX, Azure, Nitro and Google evidence under PKIs of its own. Nothing it makes proves anything.", "assay-softtee");
  app.require_subcommand(1);

  std::string pki_directory;
  CLI::App* pki = app.add_subcommand("pki", "Make the test PKI, or check that it is there; prints the path of anchors.yaml");
  pki->add_option("--dir", pki_directory, "Directory of the PKI")->required();

  SnpArguments arguments;
  CLI::App* snp = app.add_subcommand("snp", "Mint an SEV-SNP report with its certificates");
  snp->add_option("--pki", arguments.pki, "Directory of the PKI; made if need be")->required();
  snp->add_option("--report-data", arguments.report_data, "REPORT_DATA, 64 bytes")->required();
  snp->add_option("--product", arguments.product, "milan, genoa or turin")->check(CLI::IsMember({"milan", "genoa", "turin"}))->capture_default_str();
  snp->add_option("--report-version", arguments.version, "2 to 5")->check(CLI::Range(2, 5))->capture_default_str();
  snp->add_option("--signing-key", arguments.signing_key, "vcek or vlek")->check(CLI::IsMember({"vcek", "vlek"}))->capture_default_str();
  snp->add_option("--chip-id", arguments.chip_id, Cat("CHIP_ID, 64 bytes (on Turin also 8). Default: ", ToHex(kDefaultChipId), "; with a VLEK zero"));
  snp->add_option("--report-id", arguments.report_id, "REPORT_ID, 32 bytes. Default: random, as of a guest launched anew");
  snp->add_option("--measurement", arguments.measurement, "MEASUREMENT, 48 bytes")->capture_default_str();
  snp->add_option("--host-data", arguments.host_data, "HOST_DATA, 32 bytes")->capture_default_str();
  snp->add_option("--id-key-digest", arguments.id_key_digest, "ID_KEY_DIGEST, 48 bytes")->capture_default_str();
  snp->add_option("--csp-id", arguments.csp_id, "CSP_ID of the VLEK")->capture_default_str();
  snp->add_option("--vmpl", arguments.vmpl, "VMPL, 0 to 3")->check(CLI::Range(0, 3))->capture_default_str();
  snp->add_option("--at", arguments.at, "The time that certificate dates are relative to, RFC 3339. Default: now");
  snp->add_option("--fault", arguments.fault, "What to make wrong; see `faults`");
  snp->add_flag("--separate", arguments.separate, "Certificates as items of their own, not as a certificate table");
  snp->add_flag("--no-crl", arguments.no_crl, "Without the revocation list");
  snp->add_flag("--json", arguments.json, "Print {\"items\":[{\"media_type\",\"body\"}]}, bodies in base64");
  snp->add_option("--out", arguments.out, "Write report.bin, cert_table.bin and each certificate into this directory");

  DcapArguments dcap_arguments;
  std::vector<std::string> quotes;
  for (const QuoteKind kind : AllQuoteKinds()) quotes.emplace_back(NameOf(kind));
  CLI::App* dcap = app.add_subcommand("dcap", "Mint a TDX or SGX quote with Intel's collateral for it");
  dcap->add_option("--pki", dcap_arguments.pki, "Directory of the PKI; made if need be")->required();
  dcap->add_option("--report-data", dcap_arguments.report_data, "REPORTDATA, 64 bytes")->required();
  dcap->add_option("--quote", dcap_arguments.quote, Cat("One of ", Join(quotes, ", ")))->check(CLI::IsMember(quotes))->capture_default_str();
  dcap->add_option("--ca", dcap_arguments.ca, "Who issued the PCK certificate: platform or processor")->check(CLI::IsMember({"platform", "processor"}))->capture_default_str();
  dcap->add_option("--mrtd", dcap_arguments.mrtd, "MRTD, 48 bytes; like the following of TDX only")->capture_default_str();
  dcap->add_option("--rtmr0", dcap_arguments.rtmr0, "RTMR0, 48 bytes")->capture_default_str();
  dcap->add_option("--rtmr1", dcap_arguments.rtmr1, "RTMR1, 48 bytes")->capture_default_str();
  dcap->add_option("--rtmr2", dcap_arguments.rtmr2, "RTMR2, 48 bytes")->capture_default_str();
  dcap->add_option("--rtmr3", dcap_arguments.rtmr3, "RTMR3, 48 bytes. Default: zero");
  dcap->add_option("--mrconfigid", dcap_arguments.mrconfigid, "MRCONFIGID, 48 bytes")->capture_default_str();
  dcap->add_option("--mrowner", dcap_arguments.mrowner, "MROWNER, 48 bytes")->capture_default_str();
  dcap->add_option("--mrownerconfig", dcap_arguments.mrownerconfig, "MROWNERCONFIG, 48 bytes. Default: zero");
  dcap->add_option("--fmspc", dcap_arguments.fmspc, "FMSPC, 6 bytes")->capture_default_str();
  dcap->add_option("--ppid", dcap_arguments.ppid, "PPID, 16 bytes")->capture_default_str();
  dcap->add_option("--platform-instance-id", dcap_arguments.platform_instance_id, "Platform instance, 16 bytes; of the Platform CA only")->capture_default_str();
  dcap->add_option("--status", dcap_arguments.status, "TCB status that the documents give, as Intel names it")->capture_default_str();
  dcap->add_option("--padding", dcap_arguments.padding, "Zero bytes behind the quote")->capture_default_str();
  dcap->add_option("--at", dcap_arguments.at, "The time that dates are relative to, RFC 3339. Default: now");
  dcap->add_option("--fault", dcap_arguments.fault, "What to make wrong; see `faults`");
  dcap->add_flag("--no-documents", dcap_arguments.no_documents, "Without TCB info, QE identity and their signer's chain");
  dcap->add_flag("--no-crl", dcap_arguments.no_crl, "Without the revocation lists");
  dcap->add_flag("--evaluation-numbers", dcap_arguments.evaluation_numbers, "With the list of evaluation data numbers");
  dcap->add_flag("--json", dcap_arguments.json, "Print {\"items\":[{\"media_type\",\"body\"}]}, bodies in base64");
  dcap->add_option("--out", dcap_arguments.out, "Write quote.bin and each document into this directory");

  AzureArguments azure_arguments;
  CLI::App* azure = app.add_subcommand("azure", "Mint the evidence of an Azure confidential VM: hardware, HCL report, virtual TPM");
  azure->add_option("--pki", azure_arguments.pki, "Directory of the PKI; made if need be")->required();
  azure->add_option("--tee", azure_arguments.tee, "snp or tdx")->check(CLI::IsMember({"snp", "tdx"}))->capture_default_str();
  azure->add_option("--nonce", azure_arguments.nonce, "extraData of the TPM's quote")->required();
  azure->add_option("--at", azure_arguments.at, "The time that dates are relative to, RFC 3339. Default: now");
  azure->add_option("--fault", azure_arguments.fault, "What to make wrong; see `faults`");
  azure->add_flag("--no-certificate", azure_arguments.no_certificate, "Without Microsoft's certificate of the attestation key");
  azure->add_option("--out", azure_arguments.out, "Write each item, and anchors.yaml of this run, into this directory")->required();

  NitroArguments nitro_arguments;
  CLI::App* nitro = app.add_subcommand("nitro", "Mint an attestation document of AWS Nitro");
  nitro->add_option("--pki", nitro_arguments.pki, "Directory of the PKI; made if need be")->required();
  nitro->add_option("--nonce", nitro_arguments.nonce, "nonce")->required();
  nitro->add_option("--kind", nitro_arguments.kind, "Whose document: enclave or tpm")->check(CLI::IsMember({"enclave", "tpm"}))->capture_default_str();
  nitro->add_option("--public-key", nitro_arguments.public_key, "public_key. Default: null");
  nitro->add_option("--user-data", nitro_arguments.user_data, "user_data. Default: null");
  nitro->add_option("--at", nitro_arguments.at, "The time that dates are relative to, RFC 3339. Default: now");
  nitro->add_option("--fault", nitro_arguments.fault, "What to make wrong; see `faults`");
  nitro->add_flag("--indefinite", nitro_arguments.indefinite, "The payload's map of indefinite length, as newer hypervisors write it");
  nitro->add_flag("--json", nitro_arguments.json, "Print {\"items\":[{\"media_type\",\"body\"}]}, bodies in base64");
  nitro->add_option("--out", nitro_arguments.out, "Write document.cbor into this directory");

  GceArguments gce_arguments;
  CLI::App* gce = app.add_subcommand("gce", "Mint the evidence of a confidential machine of Google's, with its virtual TPM");
  gce->add_option("--pki", gce_arguments.pki, "Directory of AMD's and Intel's PKI; made if need be. Google's is made anew each time")->required();
  gce->add_option("--tee", gce_arguments.tee, "sev_snp or tdx")->check(CLI::IsMember({"sev_snp", "tdx"}))->capture_default_str();
  gce->add_option("--at", gce_arguments.at, "The time that dates are relative to, RFC 3339. Default: now");
  gce->add_option("--fault", gce_arguments.fault, "What to make wrong; see `faults`");
  gce->add_flag("--no-endorsement", gce_arguments.no_endorsement, "Without the launch endorsement");
  gce->add_option("--out", gce_arguments.out, "Write item*.bin, transcript, anchors.yaml and endorsement_root.der into this directory")->required();

  CLI::App* faults = app.add_subcommand("faults", "List every fault: subcommand, name, the finding a verifier owes, what is wrong");

  std::string tls_directory;
  std::string tls_name = "localhost";
  CLI::App* tls = app.add_subcommand("tls", "Make TLS certificates for development: ca, server, viewer, operator, admin");
  tls->add_option("--dir", tls_directory, "Directory for them")->required();
  tls->add_option("--name", tls_name, "DNS name of the server")->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  if (*pki) return RunPki(pki_directory);
  if (*snp) return RunMint<SnpPki>(arguments);
  if (*dcap) return RunMint<IntelPki>(dcap_arguments);
  if (*azure) return RunAzure(azure_arguments);
  if (*nitro) return RunMint<NitroPki>(nitro_arguments);
  if (*gce) return RunGce(gce_arguments);
  if (*faults) return ListFaults();
  return RunTls(tls_directory, tls_name);
}

}  // namespace
}  // namespace assay::softtee

int main(int argc, char** argv) { return assay::softtee::Main(argc, argv); }

#include "client/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

#include "appraisal/clouds_table.h"
#include "base/strings.h"
#include "client/cli/clouds.h"
#include "client/cli/inspect.h"
#include "client/cli/measure.h"
#include "client/cli/policy_draft.h"
#include "client/cli/policy_files.h"
#include "client/cli/reference.h"
#include "client/cli/token_verify.h"
#include "client/cli/verify.h"
#include "evidence/sev_snp/launch_measurement.h"
#ifdef ASSAY_SERVICE
#include "client/agent/simulated_platforms.h"
#include "client/cli/attest.h"
#include "client/cli/collateral.h"
#include "client/cli/fleet.h"
#include "client/cli/replay.h"
#include "client/cli/verdict_get.h"
#endif

namespace assay::cli {
namespace {

constexpr std::string_view kVersion = "assay " ASSAY_VERSION;
constexpr std::string_view kExitCodes =
    "exit codes: 0 trusted or done (warnings included) · 1 internal · 2 usage · 3 server not reached or not authenticated ·\n"
    "            4 not trusted · 5 malformed · 6 indeterminate · 7 lint, test or vectors failed";

// Value names in help double as what completion offers: "a|b" is a closed list, FILE and DIR are paths.
constexpr const char* kFile = "FILE";
constexpr const char* kDirectory = "DIR";
constexpr const char* kFormats = "table|json|yaml";
#ifdef ASSAY_SERVICE
constexpr const char* kListFormats = "table|wide|json|yaml|jsonl";
constexpr const char* kEventFormats = "table|jsonl";
constexpr const char* kTpmKeyKinds = "attestation|endorsement";
constexpr const char* kBanKinds = "instance|node_key|name|certificate|measurement";
#endif
constexpr const char* kShells = "bash|zsh|fish";
#ifdef ASSAY_SERVICE
constexpr const char* kTpmKeyTypes = "rsa|p256|p384";
#endif
constexpr const char* kEarProfiles = "veraison|trustee|ietf-03";
constexpr const char* kTrustworthinessClaims =
    "instance-identity|configuration|executables|file-system|hardware|runtime-opaque|storage-opaque|sourced-data";
constexpr const char* kPageAddOrders = "single|two-pass";
constexpr const char* kVmms = "qemu|ec2|gce|hyperv";
constexpr const char* kVcpuModels = "EPYC|EPYC-v4|EPYC-Rome|EPYC-Milan|EPYC-Genoa|EPYC-Turin";
constexpr const char* kBanks = "sha256|sha384|sha512";
constexpr const char* kOnOff = "on|off";
constexpr const char* kDocuments = "reasons|checks|claims|clouds";

std::vector<std::string> Alternatives(const std::string& value_name) {
  if (value_name.find('|') == std::string::npos) return {};
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= value_name.size();) {
    const std::size_t end = std::min(value_name.find('|', begin), value_name.size());
    parts.push_back(value_name.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

CLI::Option* OneOf(CLI::Option* option, const char* alternatives) {
  const CLI::Validator member(
      [alternatives](std::string& given) {
        const auto parts = Alternatives(alternatives);
        if (std::find(parts.begin(), parts.end(), given) != parts.end()) return std::string();
        return Cat("expected one of ", Join(parts, ", "), ", actual '", Printable(given, 64), "'");
      },
      "");
  return option->type_name(alternatives)->check(member);
}

CLI::Option* WholeNumber(CLI::Option* option, std::uint64_t least, std::uint64_t most) {
  const CLI::Validator whole(
      [least, most](std::string& given) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
        if (error == std::errc() && end == given.data() + given.size() && number >= least && number <= most) return std::string();
        return Cat("expected a whole number from ", least, " to ", most, ", actual '", Printable(given, 64), "'");
      },
      "");
  return option->check(whole);
}
[[maybe_unused]] constexpr std::uint64_t kMostListed =
    std::numeric_limits<std::int32_t>::max();  // by the commands that ask a server, which not every build has

// A repeatable option takes one value each time; a greedy one would swallow the files behind it.
// One value each time it is given, however often: values that follow are FILEs.
CLI::Option* Repeatable(CLI::Option* option) { return option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false); }

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.footer(std::string(kExitCodes));
    app_.name("assay");
    app_.set_version_flag("--version", std::string(kVersion), "Print the version and exit");
    AddInspect();
    AddVerify();
    AddPolicy();
    AddToken();
    AddMeasure();
    AddClouds();
#ifdef ASSAY_SERVICE
    AddAttest();
    AddVerdict();
    AddNode();
    AddCollateral();
#endif
    AddReference();
  }

  ExitCode Run(const std::vector<std::string>& arguments, const Invocation& invocation) {
    try {
      std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI::App::parse wants them
      app_.parse(reversed);
    } catch (const CLI::CallForHelp&) {
      const Position position = Deepest(arguments);
      invocation.out << position.app->help(
          position.path.substr(0, position.path.size() - position.app->get_name().size() - (position.app == &app_ ? 0 : 1)));
      return ExitCode::kOk;
    } catch (const CLI::CallForVersion&) {
      invocation.out << kVersion << '\n';
      return ExitCode::kOk;
    } catch (const CLI::ParseError& error) { return Complain(error, arguments, invocation); }
    return chosen_(invocation);
  }

  CommandSpec Spec() const { return SpecOf(app_); }

 private:
  struct Position {
    const CLI::App* app;
    std::string path;  // "assay policy"
    std::string next;  // first word behind it that is no option; "" if there is none
  };

  void AddOutput(CLI::App* command, std::string* output) {
    OneOf(command->add_option("-o,--output", *output, "How to print the result; data goes to standard output, messages to standard error"),
          kFormats);
  }
  static void AddVerbose(CLI::App* command, bool* verbose, const char* meaning) { command->add_flag("-v,--verbose", *verbose, meaning); }
  CLI::App* AddCommand(CLI::App* parent, const char* name, const char* meaning, std::function<ExitCode(const Invocation&)> run) {
    CLI::App* command = parent->add_subcommand(name, meaning);
    command->callback([this, run = std::move(run)] { chosen_ = run; });
    return command;
  }
  CLI::App* AddGroup(const char* name, const char* meaning) {
    CLI::App* group = app_.add_subcommand(name, meaning);
    group->require_subcommand(1);
    return group;
  }
  OutputFormat Output() const { return *OutputFormatNamed(output_); }

  void AddInspect() {
    CLI::App* command = AddCommand(&app_, "inspect", "Decode evidence, certificates and CRLs, recognised by content; proves nothing",
                                   [this](const Invocation& invocation) {
                                     inspect_.output = Output();
                                     return Inspect(inspect_, invocation);
                                   });
    command->add_option("FILE", inspect_.files, "Files; '-' is standard input")->required()->type_name(kFile);
    AddOutput(command, &output_);
    AddVerbose(command, &inspect_.verbose, "Show long values in full");
  }

  void AddVerify() {
    CLI::App* command =
        AddCommand(&app_, "verify", "Appraise evidence offline, with the same core as the server", [this](const Invocation& invocation) {
          verify_.output = Output();
          return Verify(verify_, invocation);
        });
    AddEvidence(command, &verify_);
    Repeatable(
        command->add_option("--policy", verify_.policies,
                            "Policy, reference values or policy set; repeatable. Without it the shipped policy of the platform applies"))
        ->type_name(kFile);
    CLI::Option* cluster =
        command->add_option("--cluster", verify_.cluster, "Cluster: chooses the policy set, with --role")->type_name("NAME");
    CLI::Option* role = command->add_option("--role", verify_.role, "Role: chooses the policy set, with --cluster")->type_name("NAME");
    cluster->needs(role);
    role->needs(cluster);
    AddOutput(command, &output_);
    AddVerbose(command, &verify_.verbose, "Show claims, checks, windows and digests too, and files that were skipped");
  }

  // Evidence in files, and what an appraisal of it takes besides policies.
  static void AddEvidence(CLI::App* command, EvidenceOptions* options) {
    command->add_option("FILE", options->files, "Evidence and endorsements in any mix, recognised by content")
        ->required()
        ->type_name(kFile);
    Repeatable(command->add_option("--collateral", options->collateral,
                                   "Directory with certificates, CRLs and tables, searched to the bottom; repeatable"))
        ->type_name(kDirectory);
    command->add_option("--platform", options->platform, "Platform to appraise as; default: inferred if exactly one fits")
        ->type_name("NAME");
    command->add_option("--at", options->at, "Time of appraisal, e.g. 2026-11-24T02:00:00Z; default: now")->type_name("RFC3339");
    command->add_option("--nonce", options->freshness.nonce, "Nonce that a TPM quote or Nitro document must carry")->type_name("HEX");
    command->add_option("--report-data", options->freshness.report_data, "All 64 bytes that the report must carry")->type_name("HEX");
    command
        ->add_option("--transcript", options->freshness.transcript,
                     "Binding transcript that the evidence answers: report data, nonce and the keys in it (docs/join.md)")
        ->type_name(kFile);
    command->add_flag("--no-freshness", options->freshness.no_freshness, "Accept evidence of unknown age: at best TRUSTED WITH WARNINGS");
    Repeatable(command->add_option(
                   "--gce-endorsement-root", options->gce_endorsement_roots,
                   "Certificate of the root under which Google signs launch endorsements; repeatable. Without it they are not believed"))
        ->type_name(kFile);
    Repeatable(
        command->add_option("--enrolled-key", options->enrolled_keys,
                            "Attestation key of a TPM that an operator enrolled, as TPM2B_PUBLIC, public key or certificate; repeatable"))
        ->type_name(kFile);
    command
        ->add_option("--insecure-test-anchors", options->insecure_test_anchors,
                     "Anchors of the software TEE instead of the vendors': every verdict is marked simulated")
        ->type_name(kFile);
  }

  void AddPolicy() {
    CLI::App* policy = AddGroup("policy", "Policies");
    CLI::App* lint = AddCommand(policy, "lint", "Check policy files together, as the server would load them",
                                [this](const Invocation& invocation) { return LintPolicies(lint_files_, invocation); });
    lint->add_option("FILE", lint_files_, "Policies, reference values and policy sets")->required()->type_name(kFile);
    CLI::App* draft =
        AddCommand(policy, "from-evidence", "Draft a policy and a release from evidence of a machine that is known to be good",
                   [this](const Invocation& invocation) { return DraftPolicy(draft_, invocation); });
    AddEvidence(draft, &draft_);
    draft->add_option("--name", draft_.name, "Name of the policy; its release is called NAME-images")->required()->type_name("NAME");
    draft->add_option("--to", draft_.directory, "Directory for NAME.yaml and NAME-images.yaml; neither may be there yet")
        ->required()
        ->type_name(kDirectory);
  }

  void AddToken() {
    CLI::App* group = AddGroup("token", "Attestation result tokens");
    CLI::App* command = AddCommand(group, "verify", "Check a token as its receiver has to, offline", [this](const Invocation& invocation) {
      token_verify_.output = Output();
      return VerifyToken(token_verify_, invocation);
    });
    command->add_option("FILE", token_verify_.file, "The token; '-' is standard input")->required()->type_name(kFile);
    command
        ->add_option("--keys", token_verify_.keys,
                     "Keys that may have signed it: a JWK set, a JWK or a PEM public key. A key in the token never counts")
        ->required()
        ->type_name(kFile);
    command->add_option("--issuer", token_verify_.issuer, "Issuer that iss has to name")->type_name("URL");
    command->add_option("--verifier", token_verify_.verifier, "Developer that the verifier id has to name")->type_name("TEXT");
    command->add_option("--audience", token_verify_.audience, "Receiver that aud has to name")->type_name("TEXT");
    command->add_option("--nonce", token_verify_.nonce, "Nonce that was sent, as the text that stands in eat_nonce")->type_name("TEXT");
    command
        ->add_option("--holder", token_verify_.holder,
                     "Public key that whoever showed the token has proven to hold: PEM or JWK; cnf has to be it")
        ->type_name(kFile);
    command->add_option("--type", token_verify_.type, "Type that the header's typ has to be")->type_name("TEXT");
    OneOf(Repeatable(command->add_option("--profile", token_verify_.profiles, "Profile that is accepted; repeatable. Default: all")),
          kEarProfiles);
    Repeatable(command->add_option("--submodule", token_verify_.submodules, "Label that has to be there; repeatable"))->type_name("LABEL");
    OneOf(Repeatable(command->add_option("--demand", token_verify_.demanded,
                                         "Trustworthiness claim that has to be affirming in every submodule; repeatable")),
          kTrustworthinessClaims);
    CLI::Option* warnings = command->add_flag("--allow-warnings", token_verify_.allow_warnings, "Accept the status warning as well");
    command->add_flag("--any-status", token_verify_.any_status, "Only check that the token is genuine and in time, whatever it says")
        ->excludes(warnings);
    command->add_option("--at", token_verify_.at, "Time of the check, e.g. 2026-11-24T02:00:00Z; default: now")->type_name("RFC3339");
    AddOutput(command, &output_);
  }

  void AddMeasure() {
    CLI::App* group = AddGroup("measure", "Reference values, computed from what a node is launched with");
    CLI::App* command =
        AddCommand(group, "tdx", "MRTD of Intel TDX trust domains that start with a firmware image", [this](const Invocation& invocation) {
          measure_tdx_.output = Output();
          return MeasureTdx(measure_tdx_, invocation);
        });
    command->add_option("--firmware", measure_tdx_.firmware, "TDVF image, variables and code in one file; '-' is standard input")
        ->required()
        ->type_name(kFile);
    command->add_option("--ccel", measure_tdx_.ccel, "CCEL event log of a boot to be repeated: RTMR0 to RTMR3 are its replay")
        ->type_name(kFile);
    OneOf(command->add_option("--page-add-order", measure_tdx_.page_add_order,
                              "Order in which the hypervisor adds and measures pages; default: a value for each"),
          kPageAddOrders);
    AddOutput(command, &output_);
    AddMeasureSnp(group);
    AddMeasurePcrs(group);
  }

  void AddMeasureSnp(CLI::App* group) {
    CLI::App* command =
        AddCommand(group, "snp", "Launch digest of AMD SEV-SNP guests that are launched with this firmware, and so many vCPUs",
                   [this](const Invocation& invocation) {
                     measure_snp_.output = Output();
                     return MeasureSnp(measure_snp_, invocation);
                   });
    command->add_option("--firmware", measure_snp_.firmware, "OVMF image or IGVM file; '-' is standard input")
        ->required()
        ->type_name(kFile);
    OneOf(command->add_option("--vmm", measure_snp_.vmm, "Hypervisor that builds the guest; of IGVM files qemu or hyperv")
              ->capture_default_str(),
          kVmms);
    WholeNumber(command->add_option("--vcpus", measure_snp_.vcpus, "How many vCPUs the guest starts with; required with an OVMF image")
                    ->type_name("NUMBER"),
                1, sev_snp::kMaxVcpus);
    CLI::Option* model =
        OneOf(command->add_option("--vcpu-model", measure_snp_.vcpu_model, "QEMU: CPU model, as -cpu names it"), kVcpuModels);
    command->add_option("--vcpu-signature", measure_snp_.vcpu_signature, "QEMU: CPUID signature (leaf 1, EAX) of any other model")
        ->type_name("HEX")
        ->excludes(model);
    command
        ->add_option("--guest-features", measure_snp_.guest_features,
                     "SEV_FEATURES of the vCPUs, 0x1 if not given; newer kernels add DebugSwap: 0x21")
        ->type_name("HEX");
    CLI::Option* kernel =
        command->add_option("--kernel", measure_snp_.kernel, "Kernel of measured direct boot (kernel-hashes=on)")->type_name(kFile);
    command->add_option("--initrd", measure_snp_.initrd, "Its initrd")->type_name(kFile)->needs(kernel);
    command->add_option("--append", measure_snp_.append, "Its command line")->type_name("TEXT")->needs(kernel);
    CLI::Option* svsm = command
                            ->add_option("--svsm", measure_snp_.svsm,
                                         "QEMU: image of COCONUT-SVSM as it was before IGVM files; --firmware is then the OVMF in it")
                            ->type_name(kFile)
                            ->excludes(kernel);
    WholeNumber(command
                    ->add_option("--variables-size", measure_snp_.variables_size,
                                 "Size of the variables (OVMF_VARS.fd) between the SVSM and the OVMF image")
                    ->type_name("BYTES"),
                0, sev_snp::kFirmwareEnd)
        ->needs(svsm);
    command->add_option("--report", measure_snp_.report, "SEV-SNP report whose MEASUREMENT is compared; nothing else of it is checked")
        ->type_name(kFile);
    AddOutput(command, &output_);
  }

  void AddMeasurePcrs(CLI::App* group) {
    CLI::App* command = AddCommand(group, "pcrs", "TPM registers of machines that boot these files: those that follow from what is given",
                                   [this](const Invocation& invocation) {
                                     measure_pcrs_.output = Output();
                                     return MeasurePcrs(measure_pcrs_, invocation);
                                   });
    OneOf(command->add_option("--bank", measure_pcrs_.bank, "Bank of registers")->capture_default_str(), kBanks);
    Repeatable(command->add_option(
                   "--boot-image", measure_pcrs_.boot_images,
                   "PCR 4: EFI application that firmware loads (shim, boot loader, unified kernel image, kernel), in order; repeatable"))
        ->type_name(kFile);
    CLI::Option* secure_boot =
        OneOf(command->add_option("--secure-boot", measure_pcrs_.secure_boot, "PCR 7: whether Secure Boot is on"), kOnOff);
    const auto variable = [&](const char* option, std::string& file, const char* meaning) {
      command->add_option(option, file, meaning)->type_name(kFile)->needs(secure_boot);
    };
    variable("--pk", measure_pcrs_.pk, "Content of the variable PK, without the four bytes of attributes that efivarfs puts before it");
    variable("--kek", measure_pcrs_.kek, "The same of KEK");
    variable("--db", measure_pcrs_.db, "The same of db");
    variable("--dbx", measure_pcrs_.dbx, "The same of dbx");
    Repeatable(command->add_option("--authority", measure_pcrs_.authorities,
                                   "What lets an image start, in order: db, Shim, SbatLevel or MokListTrusted, and its value; repeatable"))
        ->type_name("VARIABLE=FILE")
        ->needs(secure_boot);
    command->add_option("--load-options", measure_pcrs_.load_options, "PCR 9: command line that the kernel's EFI stub is given")
        ->type_name("TEXT");
    Repeatable(command->add_option("--initrd", measure_pcrs_.initrds, "PCR 9: initrd that the kernel's EFI stub loads; repeatable"))
        ->type_name(kFile);
    CLI::Option* uki = command->add_option("--uki", measure_pcrs_.uki, "PCR 11: unified kernel image")->type_name(kFile);
    Repeatable(command->add_option("--phase", measure_pcrs_.phases,
                                   "Word that systemd extends PCR 11 with after the image, as enter-initrd; repeatable"))
        ->type_name("WORD")
        ->needs(uki);
    command
        ->add_option("--stub-command-line", measure_pcrs_.stub_command_line,
                     "PCR 12: command line that systemd's stub is given beside the image's own")
        ->type_name("TEXT");
    AddOutput(command, &output_);
  }

  void AddClouds() {
    CLI::App* command = AddCommand(
        &app_, "clouds",
        "What each cloud offers, what this build verifies of it, and who has to be trusted; with --server also what the fleet's verdicts of the last day show",
        [this](const Invocation& invocation) {
#ifdef ASSAY_SERVICE
          fleet_.output = Output();
          if (!fleet_.server.address.empty()) return DescribeClouds(fleet_, invocation);
#endif
          return PrintClouds(appraisal::CloudsTable(invocation.registry), Output(), invocation);
        });
#ifdef ASSAY_SERVICE
    CLI::Option* server =
        command->add_option("--server", fleet_.server.address, "Address of the operator listener")->type_name("HOST:PORT");
    CLI::Option* ca = command->add_option("--ca", fleet_.server.ca, "PEM certificates that may vouch for the server")->type_name(kFile);
    server->needs(ca);
    ca->needs(server);
    AddCredentials(command, &fleet_.credentials);
#endif
    AddOutput(command, &output_);
  }

#ifdef ASSAY_SERVICE
  static void AddServer(CLI::App* command, ServerOptions* server) {
    command->add_option("--server", server->address, "Address of the listener")->required()->type_name("HOST:PORT");
    command->add_option("--ca", server->ca, "PEM certificates that may vouch for the server")->required()->type_name(kFile);
  }

  void AddAttest() {
    CLI::App* command =
        AddCommand(&app_, "attest", "Attest this machine, or a simulated one, to a server", [this](const Invocation& invocation) {
          attest_.output = Output();
          return Attest(attest_, invocation);
        });
    AddServer(command, &attest_.server);
    command->add_option("--cluster", attest_.cluster, "Cluster to join")->required()->type_name("NAME");
    command->add_option("--role", attest_.role, "Role asked for")->required()->type_name("NAME");
    command->add_option("--name", attest_.name, "Node name asked for")->type_name("NAME");
    command->add_option("--platform", attest_.platform, "Platform that this machine is; a hint")->type_name("NAME");
    command->add_option("--save", attest_.save, "Also write the evidence into this directory, as verify and policy from-evidence take it")
        ->type_name(kDirectory);
    command->add_option("--ear", attest_.ear_file, "Where to write the signed token that the verdict comes with")->type_name(kFile);
    OneOf(command->add_option("--ear-profile", attest_.ear_profile, "Profile of the token; default: veraison"), kEarProfiles);
    CLI::Option* tpm =
        command
            ->add_option("--tpm", attest_.tpm,
                         "Take the evidence from the TPM 2.0 at this transport, e.g. device:/dev/tpmrm0, instead of the kernel's reports")
            ->type_name("TCTI");
    CLI::Option* key =
        OneOf(command->add_option("--tpm-key", attest_.tpm_key, "Type of the attestation key that the TPM makes; the same one at each time")
                  ->needs(tpm)
                  ->capture_default_str(),
              kTpmKeyTypes);
    command->add_option("--tpm-key-handle", attest_.tpm_key_handle, "Persistent handle of the attestation key, instead of making one")
        ->needs(tpm)
        ->excludes(key)
        ->type_name("HANDLE");
    command->add_option("--event-log", attest_.event_log, "Event log of this boot; default: where Linux shows it, if it does")
        ->needs(tpm)
        ->type_name(kFile);
    CLI::Option* simulate =
        command->add_option("--simulate", attest_.simulate, "Let assay-softtee make the evidence, under the PKI in this directory")
            ->excludes(tpm)
            ->type_name(kDirectory);
    command
        ->add_option("--simulate-platform", attest_.simulate_platform,
                     "Platform of that evidence (default: that of --platform, else qemu_sev_snp)")
        ->needs(simulate)
        ->type_name(Join(agent::SimulatedPlatformNames(), "|"));
    command->add_option("--simulate-fault", attest_.simulate_fault, "One thing that shall be wrong with it")
        ->needs(simulate)
        ->type_name("NAME");
    Repeatable(command->add_option("--simulate-arg", attest_.simulate_arguments, "Further option of assay-softtee; repeatable"))
        ->needs(simulate)
        ->type_name("KEY=VALUE");
    AddOutput(command, &output_);
    AddVerbose(command, &attest_.verbose, "Show claims, checks, windows and digests too");
  }

  void AddOperator(CLI::App* command, ServerOptions* server, OperatorOptions* credentials) {
    AddServer(command, server);
    AddCredentials(command, credentials);
  }
  // Either both of the first, or the last; ConnectAsOperator says so.
  void AddCredentials(CLI::App* command, OperatorOptions* credentials) {
    command->add_option("--cert", credentials->certificate, "Operator's certificate chain, PEM")->type_name(kFile);
    command->add_option("--key", credentials->key, "Operator's private key, PEM")->type_name(kFile);
    command
        ->add_option("--bearer-token-file", credentials->bearer_token,
                     "Instead of both: file with the operator's OIDC token, read before each call")
        ->type_name(kFile)
        ->envname(kBearerTokenVariable);
  }
  CLI::App* AddFleet(CLI::App* group, const char* name, const char* meaning, ExitCode (*run)(const FleetOptions&, const Invocation&),
                     const char* formats) {
    CLI::App* command = AddCommand(group, name, meaning, [this, run](const Invocation& invocation) {
      fleet_.output = Output();
      return run(fleet_, invocation);
    });
    AddOperator(command, &fleet_.server, &fleet_.credentials);
    OneOf(command->add_option("-o,--output", output_, "How to print the result; data goes to standard output, messages to standard error"),
          formats);
    return command;
  }
  void AddFilter(CLI::App* command, const char* example) {
    command->add_option("--filter", fleet_.filter, Cat("Only what fits, as AIP-160 has it, e.g. ", example))->type_name("FILTER");
  }
  void AddLimit(CLI::App* command, const char* meaning) {
    WholeNumber(command->add_option("--limit", fleet_.limit, meaning)->type_name("N"), 0, kMostListed);
  }
  void AddReason(CLI::App* command) {
    command->add_option("--reason", fleet_.reason, "Why; kept and shown with the change")->required()->type_name("TEXT");
  }

  void AddVerdict() {
    CLI::App* verdict = AddGroup("verdict", "Recorded verdicts");
    const auto add_get = [&](const char* name, const char* meaning, bool always_verbose) {
      CLI::App* command = AddCommand(verdict, name, meaning, [this, always_verbose](const Invocation& invocation) {
        verdict_get_.output = Output();
        verdict_get_.verbose |= always_verbose;
        return GetVerdict(verdict_get_, invocation);
      });
      command->add_option("ID", verdict_get_.id, "Id that attest printed")->required()->type_name("ID");
      AddOperator(command, &verdict_get_.server, &verdict_get_.credentials);
      AddOutput(command, &output_);
      return command;
    };
    AddVerbose(add_get("get", "One recorded verdict", false), &verdict_get_.verbose, "Show claims, checks, windows and digests too");
    add_get("explain", "One recorded verdict with everything that led to it: checks, findings and what would change them, claims, inputs",
            true);

    CLI::App* list = AddFleet(verdict, "list", "Verdicts in short, newest first", &ListVerdicts, kListFormats);
    AddFilter(list, "'verdict != TRUSTED AND reason:tcb_below'");
    AddLimit(list, "Most to show; 0: all. Default: 100");
    list->add_flag("--oldest-first", fleet_.oldest_first, "Oldest first");

    CLI::App* flips =
        AddFleet(verdict, "flips", "Verdicts that became another one by what was known later: who, why, and what had changed; newest first",
                 &ListFlips, kListFormats);
    AddFilter(flips, "'cluster = prod AND revoked = true'");
    AddLimit(flips, "Most to show; 0: all. Default: 100");

    CLI::App* watch = AddFleet(verdict, "watch", "What happens, as it happens, until interrupted; resumes when the server comes back",
                               &WatchVerdicts, kEventFormats);
    AddFilter(watch, "'cluster = prod AND verdict != TRUSTED'");
    WholeNumber(watch->add_option("--after", fleet_.after, "Sequence of the last event seen; default: from now on")->type_name("N"), 0,
                std::numeric_limits<std::int64_t>::max());
    WholeNumber(watch->add_option("--count", fleet_.limit, "End after so many events; default: never")->type_name("N"), 0, kMostListed);
    watch->preparse_callback([this](std::size_t) { fleet_.limit = 0; });

    CLI::App* revoke = AddFleet(verdict, "revoke", "Take a verdict back", &RevokeVerdict, kFormats);
    revoke->add_option("ID", fleet_.id, "Verdict's id")->required()->type_name("ID");
    AddReason(revoke);

    CLI::App* replay = AddCommand(
        verdict, "replay", "Appraise recorded evidence once more: the same bytes, or what differs", [this](const Invocation& invocation) {
          replay_.output = Output();
          if (replay_.id.empty() == replay_.from.empty() || (replay_.from.empty() && replay_.server.address.empty())) {
            invocation.Say(
                "expected either ID with --server, --ca and the operator's credentials, or --from FILE, actual: both or neither. See 'assay verdict replay --help'.");
            return ExitCode::kUsage;
          }
          return cli::ReplayVerdict(replay_, invocation);
        });
    CLI::Option* id = replay->add_option("ID", replay_.id, "Verdict's id, for a replay through the server")->type_name("ID");
    CLI::Option* server =
        replay->add_option("--server", replay_.server.address, "Address of the operator listener")->type_name("HOST:PORT");
    CLI::Option* ca = replay->add_option("--ca", replay_.server.ca, "PEM certificates that may vouch for the server")->type_name(kFile);
    server->needs(ca);
    ca->needs(server);
    AddCredentials(replay, &replay_.credentials);
    id->needs(server);
    server->needs(id);
    CLI::Option* from =
        replay->add_option("--from", replay_.from, "File that 'assay verdict export' wrote, for a replay offline")->type_name(kFile);
    replay->add_option("--at", replay_.at, "Another time of appraisal, e.g. 2026-11-24T02:00:00Z")->type_name("RFC3339");
    replay->add_flag("--current-policies", replay_.current_policies, "By the policies that the server has now")->needs(server);
    Repeatable(replay->add_option("--policy", replay_.policies, "By this policy, reference values or policy set, offline; repeatable"))
        ->type_name(kFile)
        ->needs(from);
    replay->add_option("--insecure-test-anchors", replay_.insecure_test_anchors, "Anchors of the software TEE, offline")
        ->type_name(kFile)
        ->needs(from);
    Repeatable(replay->add_option("--tpm-ek-root", replay_.tpm_ek_roots, "A file of the server's tpm_ek_roots, offline; repeatable"))
        ->type_name(kFile)
        ->needs(from);
    AddOutput(replay, &output_);

    CLI::App* exporting = AddCommand(verdict, "export", "Save a verdict with all its inputs, for a replay offline",
                                     [this](const Invocation& invocation) { return cli::ExportVerdict(replay_, invocation); });
    exporting->add_option("ID", replay_.id, "Verdict's id")->required()->type_name("ID");
    exporting->add_option("--to", replay_.to, "File to write")->required()->type_name(kFile);
    AddOperator(exporting, &replay_.server, &replay_.credentials);
  }

  void AddNode() {
    CLI::App* node = AddGroup("node", "Nodes, bans, and keys of TPMs");
    CLI::App* list = AddFleet(node, "list", "Nodes, by their last verdict", &ListNodes, kListFormats);
    AddFilter(list, "'cluster = prod AND conflict = true'");
    AddLimit(list, "Most to show; 0: all. Default: 100");
    CLI::App* release =
        AddFleet(node, "release", "End a name conflict: the instance holds no name, and the next one that it asks for is its own",
                 &ReleaseNode, kFormats);
    release->add_option("INSTANCE", fleet_.id, "Instance identity, as 'assay node list' shows it")->required()->type_name("HEX");
    AddReason(release);
    const auto add_ban = [&](const char* name, const char* meaning, ExitCode (*run)(const FleetOptions&, const Invocation&)) {
      CLI::App* command = AddFleet(node, name, meaning, run, kFormats);
      OneOf(command->add_option("KIND", fleet_.kind, "What VALUE is")->required(), kBanKinds);
      command
          ->add_option("VALUE", fleet_.value,
                       "Hexadecimal digits (of a certificate the SHA-256 of its key, of a measurement all of it), or CLUSTER/NAME")
          ->required()
          ->type_name("VALUE");
      AddReason(command);
    };
    add_ban("ban", "Refuse an instance, a node key, a name, or whoever has a certificate or a measurement, from now on", &BanIdentity);
    add_ban("unban", "Lift a ban", &UnbanIdentity);
    CLI::App* enroll = AddFleet(
        node, "enroll", "Vouch for a key of a TPM: an attestation key, or the endorsement key under which attestation keys are activated",
        &EnrolKey, kFormats);
    enroll->add_option("FILE", fleet_.file, "TPM2B_PUBLIC, or a public key or certificate in PEM or DER; '-' is standard input")
        ->required()
        ->type_name(kFile);
    OneOf(enroll->add_option("--kind", fleet_.kind, "Which key it is; a bare public key does not say it itself"), kTpmKeyKinds);
    enroll->add_option("--node", fleet_.node, "Name that it is for, and that no other key of its kind may ask for; default: any")
        ->type_name("CLUSTER/NAME");
    AddReason(enroll);
    CLI::App* unenroll = AddFleet(node, "unenroll", "Take an enrolment back: what stands on it alone falls", &UnenrolKey, kFormats);
    unenroll->add_option("KEY", fleet_.id, "SHA-256 of the key, as 'assay node enrolments' shows it")->required()->type_name("HEX");
    AddReason(unenroll);
    CLI::App* enrolments = AddFleet(node, "enrolments", "All enrolled keys", &ListEnrolments, kListFormats);
    AddLimit(enrolments, "Most to show; 0: all. Default: 100");
    CLI::App* bans = AddFleet(node, "bans", "All bans", &ListBans, kListFormats);
    AddLimit(bans, "Most to show; 0: all. Default: 100");
  }

  CLI::App* AddCollateralCommand(CLI::App* group, const char* name, const char* meaning,
                                 ExitCode (*run)(const CollateralOptions&, const Invocation&), const char* formats) {
    CLI::App* command = AddCommand(group, name, meaning, [this, run](const Invocation& invocation) {
      collateral_.output = Output();
      return run(collateral_, invocation);
    });
    AddOperator(command, &collateral_.server, &collateral_.credentials);
    if (formats != nullptr) {
      OneOf(
          command->add_option("-o,--output", output_, "How to print the result; data goes to standard output, messages to standard error"),
          formats);
    }
    return command;
  }

  void AddCollateral() {
    CLI::App* group = AddGroup("collateral", "The vendors' documents that a server lives on");
    CLI::App* status = AddCollateralCommand(group, "status", "What is held of each document, how old it is, and what went wrong last",
                                            &ListCollateral, kListFormats);
    status->add_option("--filter", collateral_.filter, "Only what fits, as AIP-160 has it, e.g. 'kind = \"intel.*\" AND failed = true'")
        ->type_name("FILTER");
    WholeNumber(status->add_option("--limit", collateral_.limit, "Most to show; 0: all. Default: 100")->type_name("N"), 0, kMostListed);
    CLI::App* refresh = AddCollateralCommand(group, "refresh", "Ask the vendors now; does not wait for them", &RefreshCollateral, kFormats);
    refresh
        ->add_option("NAME", collateral_.names,
                     "KIND[/SCOPE[/DETAIL]], e.g. intel.tcb_info/TDX/00806f050000; default: everything that is issued again and again")
        ->type_name("NAME");
    refresh->add_flag("--early", collateral_.early, "In the early channel");
    CLI::App* fetch =
        AddCollateralCommand(group, "fetch", "Ask the vendors for what evidence would need; appraises nothing", &FetchCollateral, kFormats);
    Repeatable(fetch->add_option("--for", collateral_.evidence, "Evidence, recognised by content; repeatable")->required())
        ->type_name(kFile);
    AddCollateralCommand(group, "export", "Everything held but what is one machine's alone, as one signed file", &ExportCollateral, nullptr)
        ->add_option("--to", collateral_.file, "File to write")
        ->required()
        ->type_name(kFile);
    AddCollateralCommand(group, "import", "Take a file in that another verifier exported: whole, or not at all", &ImportCollateral,
                         kFormats)
        ->add_option("FILE", collateral_.file, "Bundle")
        ->required()
        ->type_name(kFile);

    CLI::App* forecast = AddCommand(
        group, "forecast", "Which nodes will fall by what comes next, when, and why; exit 4 if any", [this](const Invocation& invocation) {
          collateral_.output = Output();
          if (collateral_.server.address.empty() == collateral_.database.empty()) {
            invocation.Say(
                "expected either --server, --ca and the operator's credentials, or --db FILE, actual: both or neither. See 'assay collateral forecast --help'.");
            return ExitCode::kUsage;
          }
          return cli::ForecastCollateral(collateral_, invocation);
        });
    CLI::Option* server =
        forecast->add_option("--server", collateral_.server.address, "Address of the operator listener")->type_name("HOST:PORT");
    CLI::Option* ca =
        forecast->add_option("--ca", collateral_.server.ca, "PEM certificates that may vouch for the server")->type_name(kFile);
    server->needs(ca);
    ca->needs(server);
    AddCredentials(forecast, &collateral_.credentials);
    CLI::Option* database =
        forecast->add_option("--db", collateral_.database, "Database of a server, for a forecast without it")->type_name(kFile);
    Repeatable(
        forecast->add_option(
            "--tcb-floor", collateral_.tcb_floors,
            "Floor that is to come: [CLAIM:]CPU/COMPONENT=NUMBER[@DATE][#ADVISORY], e.g. '19:01:*/snp=0x1b@2027-03-01#AMD-SB-3023'; repeatable"))
        ->type_name("FLOOR");
    forecast->add_option("--tcb-floors", collateral_.tcb_floors_file, "File with such floors, one a line")->type_name(kFile);
    forecast->add_option("--filter", collateral_.filter, "Only nodes that fit, as AIP-160 has it, e.g. 'cluster = prod'")
        ->type_name("FILTER");
    Repeatable(
        forecast->add_option("--early", collateral_.early_collateral,
                             "Directory with documents that will count, beside those of the early channel in the database; repeatable"))
        ->type_name(kDirectory)
        ->needs(database);
    Repeatable(forecast->add_option("--collateral", collateral_.collateral,
                                    "Directory with documents that count now, beside those in the database; repeatable"))
        ->type_name(kDirectory)
        ->needs(database);
    Repeatable(forecast->add_option("--policy", collateral_.policies, "Policies that will be in force; repeatable"))
        ->type_name(kFile)
        ->needs(database);
    forecast->add_option("--at", collateral_.at, "Time of both appraisals; default: now")->type_name("RFC3339")->needs(database);
    forecast->add_option("--insecure-test-anchors", collateral_.insecure_test_anchors, "Anchors of the software TEE")
        ->type_name(kFile)
        ->needs(database);
    Repeatable(forecast->add_option("--tpm-ek-root", collateral_.tpm_ek_roots, "A file of the server's tpm_ek_roots; repeatable"))
        ->type_name(kFile)
        ->needs(database);
    OneOf(forecast->add_option("-o,--output", output_, "How to print the result; data goes to standard output, messages to standard error"),
          kListFormats);
  }
#endif

  void AddReference() {
    CLI::App* reasons = AddCommand(&app_, "reasons", "All reasons that a finding can have",
                                   [this](const Invocation& invocation) { return PrintReasons(Output(), invocation); });
    AddOutput(reasons, &output_);
    AddCommand(&app_, "version", "Version of this program", [](const Invocation& invocation) {
      invocation.out << kVersion << '\n';
      return ExitCode::kOk;
    });
    CLI::App* completion = AddCommand(&app_, "completion", "Completion script for a shell", [this](const Invocation& invocation) {
      invocation.out << *CompletionScript(Spec(), word_);
      return ExitCode::kOk;
    });
    OneOf(completion->add_option("SHELL", word_, "Shell")->required(), kShells);
    CLI::App* docs = AddCommand(&app_, "docs", "Generated pages of docs/",
                                [this](const Invocation& invocation) { return PrintDocs(word_, invocation); });
    docs->group("");  // for whoever builds Assay: works, but isn't shown
    OneOf(docs->add_option("PAGE", word_, "Page")->required(), kDocuments);
  }

  static std::vector<const CLI::App*> ChildrenOf(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
  }

  Position Deepest(const std::vector<std::string>& arguments) const {
    Position position{&app_, "assay", {}};
    for (const std::string& word : arguments) {
      const std::vector<const CLI::App*> children = ChildrenOf(*position.app);
      if (word.starts_with("-") || children.empty()) break;
      const auto child = std::find_if(children.begin(), children.end(), [&](const CLI::App* app) { return app->get_name() == word; });
      if (child == children.end()) {
        position.next = word;
        break;
      }
      position = {*child, Cat(position.path, " ", word), {}};
    }
    return position;
  }

  ExitCode Complain(const CLI::ParseError& error, const std::vector<std::string>& arguments, const Invocation& invocation) const {
    const Position position = Deepest(arguments);
    const std::string help = Cat(" See '", position.path, " --help'.");
    const bool lacks_command =
        position.next.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !ChildrenOf(*position.app).empty();
    if (position.next.empty() && !lacks_command) {
      invocation.Say(Cat(error.what(), ".", help));
      return ExitCode::kUsage;
    }
    std::vector<std::string> names;
    for (const CommandSpec& command : SpecOf(*position.app).commands) names.push_back(command.name);
    const std::string_view nearest = lacks_command ? std::string_view() : NearestOf(position.next, names);
    invocation.Say(Cat("expected a command of '", position.path, "' (", Join(names, ", "), "), actual ",
                       lacks_command
                           ? "none."
                           : Cat("'", Printable(position.next, 64), "'", nearest.empty() ? "." : Cat("; did you mean '", nearest, "'?")),
                       help));
    return ExitCode::kUsage;
  }

  static CommandSpec SpecOf(const CLI::App& app) {
    CommandSpec spec{app.get_name(), app.get_description()};
    for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
      const std::string value_name = option->get_type_name();
      const std::vector<std::string> choices = Alternatives(value_name);
      const bool path = value_name == kFile || value_name == kDirectory;
      if (option->nonpositional()) {
        OptionSpec option_spec{{}, option->get_description(), option->get_items_expected_max() > 0, path, choices};
        for (const std::string& name : option->get_lnames()) option_spec.names.push_back("--" + name);
        for (const std::string& name : option->get_snames()) option_spec.names.push_back("-" + name);
        spec.options.push_back(std::move(option_spec));
      } else {
        spec.takes_files |= path;
        spec.words.insert(spec.words.end(), choices.begin(), choices.end());
      }
    }
    for (const CLI::App* child : ChildrenOf(app)) {
      if (!child->get_group().empty()) spec.commands.push_back(SpecOf(*child));
    }
    return spec;
  }

  CLI::App app_{"Remote-attestation verifier for confidential VMs"};
  std::function<ExitCode(const Invocation&)> chosen_;
  std::string output_ = "table";
  std::string word_;
  InspectOptions inspect_;
  VerifyOptions verify_;
  PolicyDraftOptions draft_;
  TokenVerifyOptions token_verify_;
  MeasureTdxOptions measure_tdx_;
  MeasureSnpOptions measure_snp_;
  MeasurePcrsOptions measure_pcrs_;
  std::vector<std::string> lint_files_;
#ifdef ASSAY_SERVICE
  AttestOptions attest_;
  VerdictGetOptions verdict_get_;
  FleetOptions fleet_;
  ReplayOptions replay_;
  CollateralOptions collateral_;
#endif
};

}  // namespace

ExitCode RunCommandLine(const std::vector<std::string>& arguments, const Invocation& invocation) {
  CommandLine command_line;
  return command_line.Run(arguments, invocation);
}

CommandSpec Commands() { return CommandLine().Spec(); }

}  // namespace assay::cli

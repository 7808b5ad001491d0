#include <CLI/CLI.hpp>
#include <memory>

#include "tests/softtee/commands/output.h"
#include "tests/softtee/commands/subcommand.h"
#include "tests/softtee/vtpm_evidence.h"

namespace assay::softtee {
namespace {

struct TpmArguments : MintArguments {
  std::string platform;
  std::string nonce;
  std::string machine;
  std::string credential_blob, encrypted_secret;
};

// What a TPM2B holds.
std::optional<Bytes> ReadTpm2b(std::string_view option, const std::string& text) {
  std::optional<Bytes> bytes = ReadOctets(option, text);
  if (!bytes) return std::nullopt;
  const Bytes content(bytes->begin() + std::min<std::ptrdiff_t>(2, std::ssize(*bytes)), bytes->end());
  if (Tpm2b(content) == *bytes) return content;
  Fail(kUsage, Cat(option, ": expected a size of two bytes, and as many bytes"));
  return std::nullopt;
}

int Run(const TpmArguments& arguments) {
  VtpmOptions options{.platform = *VtpmPlatformNamed(arguments.platform)};
  const std::optional<Bytes> nonce = ReadOctets("--nonce", arguments.nonce);
  const std::optional<Time> now = ReadTime(arguments.at);
  if (!nonce || !now || !SaysWhereTo(arguments)) return kUsage;
  options.extra_data = *nonce;
  options.now = *now;
  if (!arguments.fault.empty()) {
    const auto* entry = ReadFault(arguments.fault, AllTpmFaults());
    if (entry == nullptr) return kUsage;
    if (!CanExist(*entry, VouchingOf(options.platform))) {
      return Fail(kUsage, Cat("--fault: there is no ", entry->name, " with --platform ", arguments.platform));
    }
    options.fault = entry->fault;
  }
  std::optional<Bytes> blob, secret;
  if (!arguments.credential_blob.empty() && (!(blob = ReadTpm2b("--credential-blob", arguments.credential_blob)) ||
                                             !(secret = ReadTpm2b("--encrypted-secret", arguments.encrypted_secret)))) {
    return kUsage;
  }
  const absl::StatusOr<TpmPki> tpm = TpmPki::Open(arguments.pki, arguments.machine);
  if (!tpm.ok()) return FailAt("--pki", tpm.status());
  const absl::StatusOr<GcePki> google = GcePki::Open(arguments.pki);
  if (!google.ok()) return FailAt("--pki", google.status());
  const TpmEvidence evidence = MintVtpm(*tpm, *google, options);
  TpmWords words{.attestation_key = evidence.ak, .endorsement_key = {}, .endorsement_certificate = {}, .activation_secret = {}};
  if (VouchingOf(options.platform) == TpmVouching::kEkCertificate) {
    words.endorsement_key = evidence.ek;
    words.endorsement_certificate = evidence.ek_certificate;
    if (blob) words.activation_secret = ActivateCredential(tpm->rsa_ek, evidence.ak_name, *blob, *secret);
  }
  if (arguments.json) {
    PrintJson(evidence.items, &words);
    return kOk;
  }
  NamedFiles files = FilesOf(evidence.items);
  files.emplace_back("attestation_key.pub", words.attestation_key);
  if (!words.endorsement_key.empty()) files.emplace_back("endorsement_key.pub", words.endorsement_key);
  if (!words.endorsement_certificate.empty()) files.emplace_back("endorsement_key.der", words.endorsement_certificate);
  return WriteFiles(arguments.out, files);
}

}  // namespace

Subcommand AddTpm(CLI::App& program) {
  const auto arguments = std::make_shared<TpmArguments>();
  std::vector<std::string> platforms;
  for (const VtpmPlatform platform : AllVtpmPlatforms()) platforms.emplace_back(NameOf(platform));
  CLI::App* tpm = program.add_subcommand("tpm", "Mint the evidence of a machine that has nothing but a virtual TPM");
  tpm->add_option("--platform", arguments->platform, Cat("Whose TPM: one of ", Join(platforms, ", ")))
      ->check(CLI::IsMember(platforms))
      ->required();
  tpm->add_option("--nonce", arguments->nonce, "extraData of the quote")->required();
  AddMachineOption(tpm, arguments->machine, "its TPM's keys are in the PKI's directory, made if need be");
  CLI::Option* blob = tpm->add_option("--credential-blob", arguments->credential_blob,
                                      "A secret sealed for the keys, which the TPM gives back (qemu_vtpm): TPM2B_ID_OBJECT");
  CLI::Option* secret =
      tpm->add_option("--encrypted-secret", arguments->encrypted_secret, "Its seed, under the endorsement key: TPM2B_ENCRYPTED_SECRET");
  blob->needs(secret);
  secret->needs(blob);
  AddMintOptions(tpm, *arguments, "each item, and the TPM's public keys,");
  return {tpm, [arguments] { return Run(*arguments); }};
}

}  // namespace assay::softtee

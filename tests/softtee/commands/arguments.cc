#include "tests/softtee/commands/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/absl_bridge.h"

namespace assay::softtee {

int Fail(int code, std::string_view message) {
  std::fprintf(stderr, "assay-softtee: %.*s\n", static_cast<int>(message.size()), message.data());
  return code;
}

int FailAt(std::string_view option, const absl::Status& status) { return Fail(kFailed, Cat(option, ": ", MessageOf(status))); }

void AddMintOptions(CLI::App* command, MintArguments& arguments, const std::string& what_out) {
  command->add_option("--pki", arguments.pki, "Directory of the PKI; made if need be")->required();
  command->add_option("--at", arguments.at, "The time that dates are relative to, RFC 3339. Default: now");
  command->add_option("--fault", arguments.fault, "What to make wrong; see `faults`");
  command->add_flag("--json", arguments.json, "Print {\"items\":[{\"media_type\",\"body\"}]}, bodies in base64; of a TPM its keys too");
  command->add_option("--out", arguments.out, Cat("Write ", what_out, " into this directory"));
}

void AddMachineOption(CLI::App* command, std::string& machine, const std::string& what) {
  command->add_option("--machine", machine, Cat("Name of the machine: ", what))->take_last();
}

bool SaysWhereTo(const MintArguments& arguments) {
  if (arguments.json != !arguments.out.empty()) return true;
  Fail(kUsage, "give one of --json and --out DIR");
  return false;
}

std::optional<Time> ReadTime(const std::string& text) {
  if (text.empty()) return SystemClock().Now();
  const std::optional<Time> at = ParseTime(text);
  if (!at) Fail(kUsage, Cat("--at: expected a time like 2026-11-24T00:00:00Z, got ", Printable(text, 80)));
  return at;
}

std::optional<Bytes> ReadOctets(std::string_view option, const std::string& text) {
  auto bytes = FromHex(text);
  if (bytes && !bytes->empty()) return bytes;
  Fail(kUsage, Cat(option, ": expected hexadecimal digits, got ", Printable(text, 80)));
  return std::nullopt;
}

}  // namespace assay::softtee

#include "client/agent/softtee_source.h"

#include <unistd.h>

#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "client/agent/child_process.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace assay::agent {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{4} << 20;

absl::Status NotTheForm(std::string_view what) {
  return absl::FailedPreconditionError(Cat("assay-softtee: expected {\"items\":[{\"media_type\":…,\"body\":…}]}, actual: ", what,
                                           ". Use the assay-softtee of this build."));
}

}  // namespace

absl::StatusOr<std::vector<CollectedItem>> ItemsFromJson(std::string_view text) {
  const auto tree = json::Parse(text, "assay-softtee", {.bytes = kMaxOutput});
  if (!tree) return NotTheForm(Describe(tree.findings().front()));
  const json::Value* list = tree->Find("items");
  if (list == nullptr || list->AsArray() == nullptr) return NotTheForm("no array 'items'");
  std::vector<CollectedItem> items;
  for (const json::Value& entry : *list->AsArray()) {
    const json::Value* media_type = entry.Find("media_type");
    const json::Value* body = entry.Find("body");
    if (media_type == nullptr || media_type->AsString() == nullptr || body == nullptr || body->AsString() == nullptr) {
      return NotTheForm(Cat("item ", items.size(), " without text 'media_type' or 'body'"));
    }
    auto bytes = codec::FromBase64(*body->AsString());
    if (!bytes) return NotTheForm(Cat("body of item ", items.size(), " is no base64"));
    items.push_back({*media_type->AsString(), *std::move(bytes)});
  }
  if (items.empty()) return NotTheForm("no items");
  return items;
}

absl::StatusOr<std::string> SoftteeSubcommandFor(std::string_view platform) {
  static constexpr std::pair<std::string_view, std::string_view> kMinted[] = {{"qemu_sev_snp", "snp"}, {"aws_sev_snp_report", "snp"}, {"qemu_tdx", "dcap"}};
  std::string known;
  for (const auto& [name, subcommand] : kMinted) {
    if (name == platform) return std::string(subcommand);
    known += Cat(known.empty() ? "" : ", ", name);
  }
  return absl::InvalidArgumentError(Cat("--simulate-platform: expected one of ", known, ", actual '", Printable(platform, 64), "'"));
}

absl::StatusOr<std::string> FindSofttee(const char* environment, std::string_view program_directory) {
  const bool given = environment != nullptr && *environment != '\0';
  const std::string path = given ? environment : Cat(program_directory, "/assay-softtee");
  if (::access(path.c_str(), X_OK) == 0) return path;
  return absl::NotFoundError(Cat(given ? "$ASSAY_SOFTTEE" : "--simulate", ": expected the program assay-softtee at '", Printable(path, 4096),
                                 "', actual: none. It is built with the tests and is part of no package: build it and set "
                                 "$ASSAY_SOFTTEE to its path, or attest inside a confidential VM without --simulate."));
}

absl::StatusOr<std::vector<CollectedItem>> SoftteeSource::Collect(const crypto::Sha512Digest& report_data) {
  std::vector<std::string> arguments = {options_.program, options_.subcommand, "--pki", options_.pki_directory, "--report-data", ToHex(report_data), "--json"};
  if (!options_.fault.empty()) {
    arguments.emplace_back("--fault");
    arguments.push_back(options_.fault);
  }
  for (const std::string& argument : options_.arguments) {
    const std::size_t equals = argument.find('=');
    arguments.push_back(Cat("--", std::string_view(argument).substr(0, equals)));
    if (equals != std::string::npos) arguments.push_back(argument.substr(equals + 1));
  }
  const absl::StatusOr<ProgramResult> result = RunProgram(arguments, kMaxOutput);
  if (!result.ok()) return result.status();
  if (result->exit_code != 0) {
    return absl::FailedPreconditionError(Cat("--simulate: expected assay-softtee to end with 0, actual ", result->exit_code,
                                             ". Its own message stands above."));
  }
  return ItemsFromJson(result->output);
}

}  // namespace assay::agent

#include "client/agent/softtee_source.h"

#include <unistd.h>

#include <array>

#include "base/hex.h"
#include "base/strings.h"
#include "client/agent/child_process.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace assay::agent {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{4} << 20;

absl::Status NotTheForm(std::string_view what) {
  return absl::FailedPreconditionError(
      Cat("assay-softtee: expected {\"items\":[{\"media_type\":…,\"body\":…}]}, actual: ", what, ". Use the assay-softtee of this build."));
}

// nullopt: no member of that name, or none that is base64.
std::optional<Bytes> BytesIn(const json::Value& object, std::string_view name) {
  const json::Value* text = object.Find(name);
  if (text == nullptr || text->AsString() == nullptr) return std::nullopt;
  return codec::FromBase64(*text->AsString());
}

// The words of the table's line, each placeholder replaced.
std::vector<std::string> WordsOf(std::string_view line, const std::array<std::pair<std::string_view, std::string>, 3>& values) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    std::string& word = words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
    for (const auto& [placeholder, value] : values) {
      const std::size_t at = word.find(placeholder);
      if (at == std::string::npos) continue;
      word.replace(at, placeholder.size(), value);
      break;  // what a value says is no placeholder
    }
  }
  return words;
}

}  // namespace

absl::StatusOr<SoftteeAnswer> SoftteeAnswerFrom(std::string_view text) {
  const auto tree = json::Parse(text, "assay-softtee", {.bytes = kMaxOutput});
  if (!tree) return NotTheForm(Describe(tree.findings().front()));
  const json::Value* list = tree->Find("items");
  if (list == nullptr || list->AsArray() == nullptr) return NotTheForm("no array 'items'");
  SoftteeAnswer answer;
  for (const json::Value& entry : *list->AsArray()) {
    const json::Value* media_type = entry.Find("media_type");
    const json::Value* body = entry.Find("body");
    if (media_type == nullptr || media_type->AsString() == nullptr || body == nullptr || body->AsString() == nullptr) {
      return NotTheForm(Cat("item ", answer.items.size(), " without text 'media_type' or 'body'"));
    }
    auto bytes = codec::FromBase64(*body->AsString());
    if (!bytes) return NotTheForm(Cat("body of item ", answer.items.size(), " is no base64"));
    answer.items.push_back({*media_type->AsString(), *std::move(bytes)});
  }
  if (answer.items.empty()) return NotTheForm("no items");
  if (const json::Value* tpm = tree->Find("tpm"); tpm != nullptr) {
    const std::pair<std::string_view, Bytes*> members[] = {{"attestation_key", &answer.keys.attestation_key},
                                                           {"endorsement_key", &answer.keys.endorsement_key},
                                                           {"endorsement_certificate", &answer.keys.endorsement_certificate},
                                                           {"activation_secret", &answer.activation_secret}};
    for (const auto& [name, to] : members) {
      auto bytes = BytesIn(*tpm, name);
      if (!bytes) return NotTheForm(Cat("'tpm' without base64 '", name, "'"));
      *to = *std::move(bytes);
    }
  }
  return answer;
}

absl::StatusOr<std::string> FindSofttee(const char* environment, std::string_view program_directory) {
  const bool given = environment != nullptr && *environment != '\0';
  const std::string path = given ? environment : Cat(program_directory, "/assay-softtee");
  if (::access(path.c_str(), X_OK) == 0) return path;
  return absl::NotFoundError(Cat(given ? "$ASSAY_SOFTTEE" : "--simulate", ": expected the program assay-softtee at '",
                                 Printable(path, 4096),
                                 "', actual: none. It is built with the tests and is part of no package: build it and set "
                                 "$ASSAY_SOFTTEE to its path, or attest inside a confidential VM without --simulate."));
}

absl::StatusOr<SoftteeAnswer> SoftteeSource::Run(const Demand& demand) const {
  std::vector<std::string> arguments = WordsOf(
      options_.platform->arguments,
      {{{"{report_data}", ToHex(demand.report_data)}, {"{extra_data}", ToHex(demand.extra_data)}, {"{machine}", options_.machine}}});
  arguments.insert(arguments.begin(), options_.program);
  arguments.insert(arguments.end(), {"--pki", options_.pki_directory, "--json"});
  if (!options_.fault.empty()) arguments.insert(arguments.end(), {"--fault", options_.fault});
  if (options_.platform->names_keys) {
    for (const Demand::Request& request : demand.requests) {
      const std::string* blob = request.Find("credential_blob");
      const std::string* secret = request.Find("encrypted_secret");
      if (blob == nullptr || secret == nullptr) continue;
      arguments.insert(arguments.end(), {"--credential-blob", *blob, "--encrypted-secret", *secret});
      break;  // the same in every request
    }
  }
  for (const std::string& argument : options_.arguments) {
    const std::size_t equals = argument.find('=');
    arguments.push_back(Cat("--", std::string_view(argument).substr(0, equals)));
    if (equals != std::string::npos) arguments.push_back(argument.substr(equals + 1));
  }
  const absl::StatusOr<ProgramResult> result = RunProgram(arguments, kMaxOutput);
  if (!result.ok()) return result.status();
  if (result->exit_code != 0) {
    return absl::FailedPreconditionError(
        Cat("--simulate: expected assay-softtee to end with 0, actual ", result->exit_code, ". Its own message stands above."));
  }
  return SoftteeAnswerFrom(result->output);
}

// The keys are the same whatever is answered.
absl::StatusOr<TpmKeys> SoftteeSource::Keys() {
  if (!options_.platform->names_keys) return TpmKeys{};
  absl::StatusOr<SoftteeAnswer> answer = Run({});
  if (!answer.ok()) return answer.status();
  return std::move(answer->keys);
}

absl::StatusOr<CollectedEvidence> SoftteeSource::Answer(const Demand& demand) {
  absl::StatusOr<SoftteeAnswer> answer = Run(demand);
  if (!answer.ok()) return answer.status();
  return CollectedEvidence{std::move(answer->items), std::move(answer->activation_secret)};
}

}  // namespace assay::agent

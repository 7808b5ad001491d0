// Checkers of the kinds nitro-enclave-document and nitrotpm-document, on the road of the platforms aws_nitro_enclave and aws_nitro_tpm: the
// case's root in the place of the pinned one, one challenge, the windows judged at the case's time.
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "evidence/nitro/endorsement.h"
#include "evidence/nitro/format.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/format.h"
#include "platform/platform.h"
#include "registry/builtin_registry.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/conclusion.h"
#include "tests/vectors/json_text.h"
#include "trust/anchors.h"
#include "trust/bundle.h"
#include "trust/collateral.h"

namespace assay::vectors {
namespace {

// {bank: {index: hex}} as a node would send it, banks in the order of the file, registers ascending. nullopt: the file is of another form.
std::optional<Bytes> PcrsItem(const Bytes& file) {
  const auto tree = json::Parse(AsText(file), "pcrs", {});
  if (!tree || tree->AsObject() == nullptr) return std::nullopt;
  static constexpr std::uint16_t kBanks[] = {tpm::kAlgSha256, tpm::kAlgSha384, tpm::kAlgSha512};
  Bytes item, digests;
  AppendU32Be(item, static_cast<std::uint32_t>(tree->AsObject()->size()));
  for (const json::Member& bank : *tree->AsObject()) {
    std::array<std::uint8_t, 3> bitmap{};
    std::uint16_t algorithm = tpm::kAlgSha1;
    for (const std::uint16_t one : kBanks) algorithm = tpm::BankName(one) == bank.name ? one : algorithm;
    for (std::uint32_t index = 0; index < tpm::kPcrs; ++index) {
      const json::Value* value = bank.value.Find(std::to_string(index));
      const auto digest = value == nullptr || value->AsString() == nullptr ? std::nullopt : FromHex(*value->AsString());
      if (!digest) continue;
      bitmap[index / 8] = static_cast<std::uint8_t>(bitmap[index / 8] | 1U << (index % 8));
      Append(digests, *digest);
    }
    item.push_back(static_cast<std::uint8_t>(algorithm >> 8));
    item.push_back(static_cast<std::uint8_t>(algorithm & 0xFF));
    item.push_back(3);
    Append(item, bitmap);
  }
  Append(item, digests);
  return item;
}

// "sha384:0,1" as [{"bank": "sha384", "pcrs": [0, 1]}].
std::string SelectionJson(std::string_view text) {
  std::vector<std::string> banks;
  while (!text.empty()) {
    const std::string_view bank = text.substr(0, text.find('+'));
    text.remove_prefix(std::min(text.size(), bank.size() + 1));
    const std::size_t colon = bank.find(':');
    banks.push_back(Cat("{\"bank\":", JsonString(bank.substr(0, colon)), ",\"pcrs\":[", bank.substr(colon + 1), "]}"));
  }
  return JsonList(banks);
}

Observation Run(const Case& conformance_case, const Inputs& inputs, std::string_view platform_name, nitro::Kind kind) {
  Observation observation;
  const Bytes* document = inputs.One("document");
  const Bytes* root = inputs.One("root");
  const auto roots = root == nullptr ? Outcome<std::vector<crypto::Certificate>>(Finding{.reason = Reason::kItemMissing})
                                     : crypto::CertificatesFrom(*root, "root");
  const platform::Platform* platform = BuiltinRegistry().FindPlatform(platform_name);
  if (document == nullptr || !roots || roots->size() != 1 || platform == nullptr) {
    observation.fault = "document and root, one certificate, are required";
    return observation;
  }
  std::vector<evidence::Item> items{{std::string(nitro::kDocumentMediaType), trust::UntrustedBytes(*document)}};
  const Bytes* attest = inputs.One("tpm_attest");
  const Bytes* signature = inputs.One("tpm_signature");
  const Bytes* pcrs = inputs.One("pcrs");
  if (attest != nullptr && signature != nullptr && pcrs != nullptr) {
    Bytes quote{static_cast<std::uint8_t>(attest->size() >> 8), static_cast<std::uint8_t>(attest->size() & 0xFF)};
    Append(quote, *attest);
    Append(quote, *signature);
    const auto values = PcrsItem(*pcrs);
    if (!values) {
      observation.fault = "pcrs are not {bank: {index: hex}}";
      return observation;
    }
    items.push_back({std::string(tpm::kQuoteMediaType), trust::UntrustedBytes(std::move(quote))});
    items.push_back({std::string(tpm::kPcrsMediaType), trust::UntrustedBytes(*values)});
  }
  const trust::AnchorSet anchors({{std::string(nitro::kVendor), std::string(nitro::kProduct), roots->front().public_key().spki_sha256()}},
                                 false);
  const trust::CollateralSnapshot none;
  const trust::Challenge challenge = ChallengeOf(conformance_case.bind);
  CheckLog log;
  std::optional<trust::Bundle> bundle;
  if (platform::CheckManifest(*platform, items, log)) {
    bundle = platform->authenticate(items, {.anchors = anchors, .collateral = none, .challenge = challenge, .caches = nullptr}, log);
  } else if (document->empty()) {
    log.Add({.reason = Reason::kCoseMalformed, .component = std::string(nitro::kDocumentComponent), .actual = "nothing"});
  }
  // A key that the case claims has to be the one that signed the quote.
  if (const Bytes* pem = inputs.One("ak_public_pem"); bundle && pem != nullptr) {
    const auto blocks = codec::ParsePem(AsText(*pem));
    const auto key = blocks && blocks->size() == 1 ? crypto::PublicKey::FromSpki(blocks->front().der)
                                                   : Outcome<crypto::PublicKey>(Finding{.reason = Reason::kItemMissing});
    const auto* used = bundle->claims().Get<Bytes>("tpm.ak_key_digest");
    log.Require(Check::kTpmKeyMatch, key.ok() && used != nullptr && Equal(*used, key->spki_sha256()),
                [] { return Finding{.reason = Reason::kAkMismatch, .component = "ak_public_pem"}; });
  }
  Conclude(log, bundle ? bundle->claims().windows() : std::span<const trust::ValidityWindow>(), conformance_case.at, observation);
  observation.authentic = bundle.has_value() && observation.against.empty();
  if (!bundle) return observation;
  NoteClaims(*bundle, nitro::kFormat, observation);
  NoteClaims(*bundle, tpm::kFormat, observation);
  std::map<std::string, std::string> registers;
  const std::string prefix = kind == nitro::Kind::kEnclave ? "nitro.pcr" : "nitro.tpm_pcr";
  for (const trust::Claim& claim : bundle->claims().all()) {
    if (claim.name.starts_with(prefix)) registers[std::string(claim.name.substr(prefix.size()))] = JsonHex(std::get<Bytes>(claim.value));
  }
  observation.claims["pcrs"] = JsonObject(registers);
  if (const auto* selection = bundle->claims().Get<std::string>("tpm.pcr_selection")) {
    observation.claims["pcr_selection"] = SelectionJson(*selection);
  }
  return observation;
}

Observation RunEnclave(const Case& conformance_case, const Inputs& inputs) {
  return Run(conformance_case, inputs, "aws_nitro_enclave", nitro::Kind::kEnclave);
}
Observation RunTpm(const Case& conformance_case, const Inputs& inputs) {
  return Run(conformance_case, inputs, "aws_nitro_tpm", nitro::Kind::kTpm);
}

}  // namespace

std::span<const Checker> NitroCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({{"nitro-enclave-document", &RunEnclave}, {"nitrotpm-document", &RunTpm}});
  return kCheckers;
}

}  // namespace assay::vectors

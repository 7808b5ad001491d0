// Checkers of the kinds tpm-quote, tpm-creation and ak-certificate. They take the road that production takes. A case that gives a bare
// key says by that who vouches for it: it is enrolled, by its Name or, from PEM, by its digest.
#include <algorithm>
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
#include "evidence/tcg_log/event_log.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/creation_data.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/unpack.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/conclusion.h"
#include "tests/vectors/json_text.h"
#include "trust/anchors.h"
#include "trust/bundle.h"
#include "trust/collateral.h"

namespace assay::vectors {
namespace {

struct SignatureRole {
  const char* role;
  tpm::SignatureShape shape;
};
constexpr SignatureRole kSignatureRoles[] = {{"tpm_signature", tpm::SignatureShape::kTpmt},
                                             {"tpm_signature_raw", tpm::SignatureShape::kRawRsa},
                                             {"tpm_signature_der", tpm::SignatureShape::kEcdsaDer}};

std::optional<tpm::Signature> SignatureOf(const Inputs& inputs, CheckLog& log, Observation& observation) {
  for (const SignatureRole& one : kSignatureRoles) {
    if (const Bytes* bytes = inputs.One(one.role)) return tpm::ParseSignature(*bytes, one.shape, tpm::kQuoteComponent, log);
  }
  observation.fault = "a signature role is required";
  return std::nullopt;
}

std::optional<tpm::PublicArea> AreaOf(const Bytes& tpmt, CheckLog& log) {
  auto area = tpm::PublicArea::FromTpmt(tpmt, tpm::kAkComponent);
  if (!log.Require(Check::kTpmPublicArea, area)) return std::nullopt;
  return std::move(area).value();
}

// The case's key, enrolled. nullopt: the log or the fault says why.
std::optional<tpm::VouchedAk> EnrolledAk(const Inputs& inputs, CheckLog& log, Observation& observation) {
  if (const Bytes* tpmt = inputs.One("ak_public")) {
    auto area = AreaOf(*tpmt, log);
    if (!area) return std::nullopt;
    const trust::EnrolledKeys enrolled({area->name()});
    return tpm::VouchByEnrolment(*std::move(area), enrolled, log);
  }
  const Bytes* pem = inputs.One("ak_public_pem");
  const auto blocks = pem == nullptr ? Outcome<std::vector<codec::PemBlock>>(Finding{.reason = Reason::kItemMissing}) : codec::ParsePem(AsText(*pem));
  if (!blocks || blocks->size() != 1 || blocks->front().label != "PUBLIC KEY") {
    observation.fault = "ak_public, or ak_public_pem of one key, is required";
    return std::nullopt;
  }
  const auto key = crypto::PublicKey::FromSpki(blocks->front().der);
  if (!key) {
    for (const Finding& finding : key.findings()) log.Add(finding);
    return std::nullopt;
  }
  return tpm::VouchByEnrolment(*key, trust::EnrolledKeys({ToBytes(key->spki_sha256())}), log);
}

// {bank: {index: hex}}, or {index: hex} of the quoted bank.
using PcrTable = std::map<std::string, std::map<std::string, Bytes>>;
std::optional<PcrTable> TableOf(const Bytes& file, const std::string& only_bank) {
  const auto tree = json::Parse(AsText(file), "pcrs", {});
  if (!tree || tree->AsObject() == nullptr) return std::nullopt;
  PcrTable table;
  const auto read = [](const json::Member& member, std::map<std::string, Bytes>& into) {
    const std::string* text = member.value.AsString();
    const auto digest = text == nullptr ? std::nullopt : FromHex(*text);
    if (digest) into[member.name] = *digest;
    return digest.has_value();
  };
  for (const json::Member& member : *tree->AsObject()) {
    if (member.value.AsObject() == nullptr) {
      if (!read(member, table[only_bank])) return std::nullopt;
      continue;
    }
    for (const json::Member& value : *member.value.AsObject()) {
      if (!read(value, table[member.name])) return std::nullopt;
    }
  }
  return table;
}

// The item that a node with these values would send for this selection. nullopt: it lacks one of them.
std::optional<Bytes> PcrItem(const PcrTable& table, const std::vector<tpm::PcrSelection>& selection) {
  Bytes item, digests;
  AppendU32Be(item, static_cast<std::uint32_t>(selection.size()));
  for (const tpm::PcrSelection& bank : selection) {
    std::array<std::uint8_t, 3> bitmap{};
    for (const std::uint32_t index : bank.pcrs) {
      bitmap[index / 8] = static_cast<std::uint8_t>(bitmap[index / 8] | 1U << (index % 8));
      const auto of_bank = table.find(tpm::BankName(bank.bank));
      if (of_bank == table.end() || !of_bank->second.contains(std::to_string(index))) return std::nullopt;
      Append(digests, of_bank->second.at(std::to_string(index)));
    }
    item.push_back(static_cast<std::uint8_t>(bank.bank >> 8));
    item.push_back(static_cast<std::uint8_t>(bank.bank & 0xFF));
    item.push_back(3);
    Append(item, bitmap);
  }
  Append(item, digests);
  return item;
}

std::string SelectionText(const std::vector<tpm::PcrSelection>& selection) {
  std::vector<std::string> banks;
  for (const tpm::PcrSelection& bank : selection) {
    std::vector<std::string> pcrs;
    for (const std::uint32_t index : bank.pcrs) pcrs.push_back(JsonNumber(index));
    banks.push_back(JsonObject({{"bank", JsonString(tpm::BankName(bank.bank))}, {"pcrs", JsonList(pcrs)}}));
  }
  return JsonList(banks);
}

void NoteHeader(const tpm::AttestHeader& header, Observation& observation) {
  Bytes firmware_version;
  AppendU64Be(firmware_version, header.firmware_version);
  observation.claims["extra_data"] = JsonHex(header.extra_data);
  observation.claims["clock"] = JsonNumber(header.clock);
  observation.claims["reset_count"] = JsonNumber(header.reset_count);
  observation.claims["restart_count"] = JsonNumber(header.restart_count);
  observation.claims["safe"] = JsonFlag(header.safe);
  observation.claims["firmware_version"] = JsonHex(firmware_version);
}

// An empty nonce demands nothing of a challenge, so that a case which demands empty extraData is compared here.
bool DemandsEmpty(const Bind& bind) { return bind.extra_data && bind.extra_data->empty(); }

// Values of a quote against its log: every register that has events, in every bank that was quoted.
bool ReplaysTo(const Bytes& event_log, const tpm::PcrValues& values, CheckLog& log) {
  const auto parsed = tcg_log::EventLogParser::Parse(trust::UntrustedBytes(event_log), tcg_log::Registers::kPcrs, log);
  if (!parsed) return false;
  bool any = false, equal = true;
  const trust::Description description = parsed->Describe();
  for (const trust::Description& part : description.children()) {
    for (const trust::Description& field : part.children()) {
      for (const tpm::PcrValue& one : values.values()) {
        if (field.name() != Cat("PCR ", one.index)) continue;
        const auto replayed = FromHex(field.value());
        if (!replayed || replayed->size() != one.value.size()) continue;
        any = true;
        equal &= Equal(*replayed, one.value);
      }
    }
  }
  return any && equal;
}

Observation RunTpmQuote(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* attest = inputs.One("tpm_attest");
  if (attest == nullptr) {
    observation.fault = "tpm_attest is required";
    return observation;
  }
  CheckLog log;
  std::optional<tpm::Signature> signature = SignatureOf(inputs, log, observation);
  auto parsed = tpm::AttestParser::ParseQuote(*attest, signature.value_or(tpm::Signature{}), log);
  std::optional<tpm::VouchedAk> ak = EnrolledAk(inputs, log, observation);
  const trust::Challenge challenge = DemandsEmpty(conformance_case.bind) ? trust::Challenge::NotDemanded(true) : ChallengeOf(conformance_case.bind);
  std::optional<trust::Authenticated<tpm::Quote>> quote;
  if (signature && parsed && ak) quote = tpm::AttestAuthenticator::Authenticate(*std::move(parsed), *std::move(ak), nullptr, challenge, log);
  std::optional<trust::Bundle> bundle;
  if (quote) bundle = trust::Bundle::Carry(*quote, challenge, log);
  if (bundle && DemandsEmpty(conformance_case.bind) && !(*quote)->extra_data().empty()) {
    log.Fail(Check::kFreshness, {.reason = Reason::kBindingMismatch, .component = std::string(tpm::kQuoteComponent), .expected = "none", .actual = ToHex((*quote)->extra_data())});
  }
  if (const Bytes* file = inputs.One("pcrs"); bundle && file != nullptr) {
    const auto table = TableOf(*file, tpm::BankName((*quote)->selection().front().bank));
    const auto item = table ? PcrItem(*table, (*quote)->selection()) : std::nullopt;
    if (!item) {
      observation.against.push_back({.reason = Reason::kItemMissing, .component = std::string(tpm::kPcrsComponent), .expected = tpm::ShowSelection((*quote)->selection()), .actual = "others"});
    } else if (auto values = tpm::PcrValuesParser::Parse(trust::UntrustedBytes(*item), log)) {
      const auto authentic = tpm::PcrValuesAuthenticator::Authenticate(*std::move(values), *quote, log);
      if (!authentic || !bundle->Attach(*authentic, log)) bundle.reset();
      const Bytes* event_log = inputs.One("event_log");
      if (authentic && event_log != nullptr && !ReplaysTo(*event_log, authentic->value(), log)) {
        observation.against.push_back({.reason = Reason::kEventLogMismatch, .component = std::string(tcg_log::kLogComponent)});
      }
    } else {
      bundle.reset();
    }
  }
  Conclude(log, bundle ? bundle->claims().windows() : std::span<const trust::ValidityWindow>(), conformance_case.at, observation);
  observation.authentic = bundle.has_value() && observation.against.empty();
  if (!bundle) return observation;
  NoteClaims(*bundle, tpm::kFormat, observation);
  observation.claims["pcr_selection"] = SelectionText((*quote)->selection());
  return observation;
}

Observation RunTpmCreation(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* attest = inputs.One("tpm_attest");
  const Bytes* tpmt = inputs.One("ak_public");
  const Bytes* creation_data = inputs.One("creation_data");
  if (attest == nullptr || tpmt == nullptr || creation_data == nullptr) {
    observation.fault = "tpm_attest, ak_public and creation_data are required";
    return observation;
  }
  CheckLog log;
  std::optional<tpm::Signature> signature = SignatureOf(inputs, log, observation);
  auto parsed = tpm::AttestParser::ParseCreation(*attest, signature.value_or(tpm::Signature{}), log);
  auto data = tpm::CreationDataParser::Parse(*creation_data, log);
  const std::optional<tpm::PublicArea> area = AreaOf(*tpmt, log);
  std::optional<tpm::VouchedAk> ak = EnrolledAk(inputs, log, observation);
  bool authentic = false;
  if (signature && parsed && data && area && ak) {
    if (const auto creation = tpm::AttestAuthenticator::Authenticate(*std::move(parsed), *std::move(ak), log)) {
      authentic = tpm::CreationDataAuthenticator::Authenticate(*std::move(data), *creation, *area, log).has_value();
      NoteHeader((*creation)->header(), observation);
    }
  }
  Conclude(log, {}, conformance_case.at, observation);
  observation.authentic = authentic && observation.against.empty();
  return observation;
}

Observation RunAkCertificate(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* leaf = inputs.One("ak_certificate");
  const Bytes* root = inputs.One("root");
  const auto roots = root == nullptr ? Outcome<std::vector<crypto::Certificate>>(Finding{.reason = Reason::kItemMissing}) : crypto::CertificatesFrom(*root, "root");
  if (leaf == nullptr || !roots || roots->size() != 1) {
    observation.fault = "ak_certificate and root are required, and the root must be one certificate";
    return observation;
  }
  CheckLog log;
  std::vector<trust::CollateralItem> supplied;
  const auto supply = [&](const Bytes& file) {
    auto documents = tpm::Unpack(trust::UntrustedBytes(file), trust::CollateralSource::kSupplied, nullptr);
    if (!documents) {
      for (const Finding& finding : documents.findings()) log.Add(finding);
      return;
    }
    for (trust::CollateralItem& item : std::move(documents).value()) supplied.push_back(std::move(item));
  };
  for (const Bytes& file : inputs.All("intermediates")) supply(file);
  supply(*root);
  const trust::CollateralSnapshot collateral(std::move(supplied));
  const auto certificate = crypto::Certificate::FromDer(*leaf, tpm::kAkCertificateComponent);
  std::optional<tpm::VouchedAk> ak;
  if (!certificate) {
    for (const Finding& finding : certificate.findings()) log.Add(finding);
  } else {
    const tpm::CertificateProfile& profile = tpm::ProfileHint(*certificate);
    const trust::AnchorSet anchors({{std::string(profile.ak.vendor), std::string(tpm::kProduct), roots->front().public_key().spki_sha256()}}, false);
    const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
    ak = tpm::VouchByCertificate(*certificate, std::nullopt, profile, {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log);
  }
  Conclude(log, ak ? std::span<const trust::ValidityWindow>(ak->windows) : std::span<const trust::ValidityWindow>(), conformance_case.at, observation);
  observation.authentic = ak.has_value() && observation.against.empty();
  if (!ak || !ak->certified->instance) return observation;
  const tpm::GceInstance& instance = *ak->certified->instance;
  observation.claims["zone"] = JsonString(instance.zone);
  observation.claims["project_number"] = JsonNumber(instance.project_number);
  observation.claims["project_id"] = JsonString(instance.project_id);
  observation.claims["instance_id"] = JsonString(instance.instance_id);
  observation.claims["instance_name"] = JsonString(instance.instance_name);
  observation.claims["is_production"] = JsonFlag(instance.is_production.value_or(false));
  return observation;
}

}  // namespace

std::span<const Checker> TpmCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({{"ak-certificate", &RunAkCertificate}, {"tpm-creation", &RunTpmCreation}, {"tpm-quote", &RunTpmQuote}});
  return kCheckers;
}

}  // namespace assay::vectors

// Checkers of the kinds tpm-quote, tpm-creation, ak-certificate, gcp-vtpm and azure-trusted-launch. They take the road that production
// takes. A case that gives a bare key says by that who vouches for it: it is enrolled, by its Name or, from PEM, by its digest. Where a kind
// is a cloud's, that cloud's certificate vouches, and a bare key only has to be the certified one.
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
#include "evidence/tcg_log/format.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/creation_data.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/unpack.h"
#include "platform/binding/event_log.h"
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

std::optional<crypto::PublicKey> PemKey(const Inputs& inputs, CheckLog& log, Observation& observation) {
  const Bytes* pem = inputs.One("ak_public_pem");
  const auto blocks =
      pem == nullptr ? Outcome<std::vector<codec::PemBlock>>(Finding{.reason = Reason::kItemMissing}) : codec::ParsePem(AsText(*pem));
  if (!blocks || blocks->size() != 1 || blocks->front().label != "PUBLIC KEY") {
    observation.fault = "ak_public, or ak_public_pem of one key, is required";
    return std::nullopt;
  }
  const auto key = crypto::PublicKey::FromSpki(blocks->front().der);
  if (!key) {
    for (const Finding& finding : key.findings()) log.Add(finding);
    return std::nullopt;
  }
  return *key;
}

// The case's key, enrolled. nullopt: the log or the fault says why.
std::optional<tpm::VouchedAk> EnrolledAk(const Inputs& inputs, CheckLog& log, Observation& observation) {
  if (const Bytes* tpmt = inputs.One("ak_public")) {
    auto area = AreaOf(*tpmt, log);
    if (!area) return std::nullopt;
    const trust::EnrolledKeys enrolled({area->name()});
    return tpm::VouchByEnrolment(*std::move(area), enrolled, log);
  }
  const std::optional<crypto::PublicKey> key = PemKey(inputs, log, observation);
  if (!key) return std::nullopt;
  return tpm::VouchByEnrolment(*key, trust::EnrolledKeys({ToBytes(key->spki_sha256())}), log);
}

// The case's certificate, under the root that it pins. nullopt: the log or the fault says why.
std::optional<tpm::VouchedAk> CertifiedAk(const Inputs& inputs, CheckLog& log, Observation& observation) {
  const Bytes* leaf = inputs.One("ak_certificate");
  const Bytes* root = inputs.One("root");
  if (leaf == nullptr) {
    log.Fail(Check::kManifest, {.reason = Reason::kItemMissing,
                                .component = std::string(tpm::kAkCertificateComponent),
                                .expected = "a certificate",
                                .actual = "none"});
    return std::nullopt;
  }
  const auto roots = root == nullptr ? Outcome<std::vector<crypto::Certificate>>(Finding{.reason = Reason::kItemMissing})
                                     : crypto::CertificatesFrom(*root, "root");
  if (!roots || roots->size() != 1) {
    observation.fault = "root is required, and must be one certificate";
    return std::nullopt;
  }
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
  if (!certificate) {
    for (const Finding& finding : certificate.findings()) log.Add(finding);
    return std::nullopt;
  }
  const tpm::CertificateProfile& profile = tpm::ProfileHint(*certificate);
  const trust::AnchorSet anchors({{std::string(profile.ak.vendor), std::string(tpm::kProduct), roots->front().public_key().spki_sha256()}},
                                 false);
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  return tpm::VouchByCertificate(*certificate, std::nullopt, profile,
                                 {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log);
}

// The same, and a key that is claimed beside it must be that of the certificate.
std::optional<tpm::VouchedAk> CloudAk(const Inputs& inputs, CheckLog& log, Observation& observation) {
  std::optional<tpm::VouchedAk> ak = CertifiedAk(inputs, log, observation);
  if (!ak || inputs.One("ak_public_pem") == nullptr) return ak;
  const std::optional<crypto::PublicKey> claimed = PemKey(inputs, log, observation);
  if (!claimed) return std::nullopt;
  log.Require(Check::kTpmKeyMatch, *claimed == ak->key.key(), [&] {
    return Finding{.reason = Reason::kAkMismatch,
                   .component = std::string(tpm::kAkComponent),
                   .claim = "key",
                   .expected = ToHex(ak->key.key().spki_sha256()),
                   .actual = ToHex(claimed->spki_sha256())};
  });
  return ak;
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

void NoteInstance(const tpm::GceInstance& instance, Observation& observation) {
  observation.claims["zone"] = JsonString(instance.zone);
  observation.claims["project_number"] = JsonNumber(instance.project_number);
  observation.claims["project_id"] = JsonString(instance.project_id);
  observation.claims["instance_id"] = JsonString(instance.instance_id);
  observation.claims["instance_name"] = JsonString(instance.instance_name);
  observation.claims["is_production"] = JsonFlag(instance.is_production.value_or(false));
}

// An empty nonce demands nothing of a challenge, so that a case which demands empty extraData is compared here.
bool DemandsEmpty(const Bind& bind) { return bind.extra_data && bind.extra_data->empty(); }

// A quote under the key that `vouch` gives, with values and log.
template <typename Vouch>
Observation RunQuote(const Case& conformance_case, const Inputs& inputs, const Vouch& vouch) {
  Observation observation;
  const Bytes* attest = inputs.One("tpm_attest");
  if (attest == nullptr) {
    observation.fault = "tpm_attest is required";
    return observation;
  }
  CheckLog log;
  std::optional<tpm::Signature> signature = SignatureOf(inputs, log, observation);
  auto parsed = tpm::AttestParser::ParseQuote(*attest, signature.value_or(tpm::Signature{}), log);
  std::optional<tpm::VouchedAk> ak = vouch(inputs, log, observation);
  const trust::Challenge challenge =
      DemandsEmpty(conformance_case.bind) ? trust::Challenge::NotDemanded(true) : ChallengeOf(conformance_case.bind);
  std::optional<trust::Authenticated<tpm::Quote>> quote;
  if (signature && parsed && ak) {
    quote = tpm::AttestAuthenticator::Authenticate(*std::move(parsed), *std::move(ak), nullptr, challenge, log);
  }
  std::optional<trust::Bundle> bundle;
  if (quote) bundle = trust::Bundle::Carry(*quote, challenge, log);
  if (bundle && DemandsEmpty(conformance_case.bind) && !(*quote)->extra_data().empty()) {
    log.Fail(Check::kFreshness, {.reason = Reason::kBindingMismatch,
                                 .component = std::string(tpm::kQuoteComponent),
                                 .expected = "none",
                                 .actual = ToHex((*quote)->extra_data())});
  }
  if (const Bytes* file = inputs.One("pcrs"); bundle && file != nullptr) {
    const auto table = TableOf(*file, tpm::BankName((*quote)->selection().front().bank));
    const auto item = table ? PcrItem(*table, (*quote)->selection()) : std::nullopt;
    if (!item) {
      observation.against.push_back({.reason = Reason::kItemMissing,
                                     .component = std::string(tpm::kPcrsComponent),
                                     .expected = tpm::ShowSelection((*quote)->selection()),
                                     .actual = "others"});
    } else if (auto values = tpm::PcrValuesParser::Parse(trust::UntrustedBytes(*item), log)) {
      const auto authentic = tpm::PcrValuesAuthenticator::Authenticate(*std::move(values), *quote, log);
      if (!authentic || !bundle->Attach(*authentic, log)) bundle.reset();
      if (const Bytes* event_log = inputs.One("event_log"); bundle && event_log != nullptr) {
        const std::vector<evidence::Item> items{{std::string(tcg_log::kTcgEventLogMediaType), trust::UntrustedBytes(*event_log)}};
        if (!platform::AttachEventLog(items, *authentic, *bundle, log)) bundle.reset();
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
  if (const auto& certified = (*quote)->ak().certified; certified && certified->instance) NoteInstance(*certified->instance, observation);
  return observation;
}

Observation RunTpmQuote(const Case& conformance_case, const Inputs& inputs) { return RunQuote(conformance_case, inputs, &EnrolledAk); }
Observation RunVtpm(const Case& conformance_case, const Inputs& inputs) { return RunQuote(conformance_case, inputs, &CloudAk); }

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
  CheckLog log;
  const std::optional<tpm::VouchedAk> ak = CertifiedAk(inputs, log, observation);
  Conclude(log, ak ? std::span<const trust::ValidityWindow>(ak->windows) : std::span<const trust::ValidityWindow>(), conformance_case.at,
           observation);
  observation.authentic = ak.has_value() && observation.against.empty();
  if (ak && ak->certified->instance) NoteInstance(*ak->certified->instance, observation);
  return observation;
}

}  // namespace

std::span<const Checker> TpmCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({{"ak-certificate", &RunAkCertificate},
                                                            {"azure-trusted-launch", &RunVtpm},
                                                            {"gcp-vtpm", &RunVtpm},
                                                            {"tpm-creation", &RunTpmCreation},
                                                            {"tpm-quote", &RunTpmQuote}});
  return kCheckers;
}

}  // namespace assay::vectors

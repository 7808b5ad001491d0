#include "result/ear_of.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "token/jws.h"

namespace assay::result {
namespace {

using token::EarSubmodule;
using token::Tier;

constexpr std::string_view kOurTypes = "application/vnd.assay.";

std::size_t IndexOf(Ar4siClaim claim) { return static_cast<std::size_t>(claim); }

bool Has(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

const ReasonEntry* ReasonOf(std::uint32_t code) {
  const std::span<const ReasonEntry> all = AllReasons();
  const auto found = std::find_if(all.begin(), all.end(), [code](const ReasonEntry& entry) { return entry.number == code; });
  return found == all.end() ? nullptr : &*found;
}

Tier TierOf(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_TRUSTED: return Tier::kAffirming;
    case v1::VERDICT_TRUSTED_WITH_WARNINGS: return Tier::kWarning;
    case v1::VERDICT_REJECTED: return Tier::kContraindicated;
    default: return Tier::kNone;
  }
}

// AR4SI section 2.3.2: what an appraisal that trusts the node says for it.
void SpeakFor(const v1::Appraisal& appraisal, EarSubmodule& submodule) {
  constexpr std::int8_t kRecognised = 2, kGenuine = 2, kApprovedConfiguration = 2, kApprovedAtBoot = 3, kEncrypted = 2;
  submodule.vector[IndexOf(Ar4siClaim::kInstanceIdentity)] = kRecognised;
  submodule.vector[IndexOf(Ar4siClaim::kConfiguration)] = kApprovedConfiguration;
  const auto passed = [&](std::string_view check) {
    return std::any_of(appraisal.checks().begin(), appraisal.checks().end(),
                       [&](const v1::Check& each) { return each.name() == check && each.result() == v1::CHECK_RESULT_PASSED; });
  };
  // Measured at launch, not while it runs.
  if (passed("boot.covered")) submodule.vector[IndexOf(Ar4siClaim::kExecutables)] = kApprovedAtBoot;
  const bool hardware = appraisal.strength() >= v1::STRENGTH_A && appraisal.strength() <= v1::STRENGTH_C;
  if (hardware) submodule.vector[IndexOf(Ar4siClaim::kHardware)] = kGenuine;
  if (hardware && Has(appraisal.trust_boundary().features(), "memory_encryption")) {
    submodule.vector[IndexOf(Ar4siClaim::kRuntimeOpaque)] = kEncrypted;
  }
}

// What a finding says, as far as its effect goes: a warning never says more than `warning`.
std::int8_t ValueOf(const ReasonEntry& reason, v1::Effect effect) {
  constexpr std::int8_t kWarning = 32;
  return effect == v1::EFFECT_WARN && token::TierOf(reason.ar4si_value) == Tier::kContraindicated ? kWarning : reason.ar4si_value;
}

void SpeakAgainst(const v1::Appraisal& appraisal, EarSubmodule& submodule) {
  for (const v1::Finding& finding : appraisal.findings()) {
    const ReasonEntry* reason = ReasonOf(finding.code());
    if (reason == nullptr || finding.effect() == v1::EFFECT_NOTE) continue;
    const std::int8_t value = ValueOf(*reason, finding.effect());
    std::optional<std::int8_t>& claim = submodule.vector[IndexOf(reason->ar4si_claim)];
    const Tier tier = token::TierOf(value);
    // `none` takes away what spoke for the node; what speaks against it only gets worse.
    if (!claim || token::TierOf(*claim) == Tier::kAffirming || token::WorseThan(tier, token::TierOf(*claim))) claim = value;
  }
}

std::vector<std::string> LabelsOf(const v1::VerdictRecord& record) {
  // Endorsements travel with evidence, but are none.
  static const std::set<std::string, std::less<>> kEndorsements = {"sev-cert-table", "gce-endorsement"};
  std::vector<std::string> labels;
  std::map<std::string, int> seen;
  for (const std::string& type : record.evidence_media_types()) {
    if (!type.starts_with(kOurTypes)) continue;
    const std::string format = type.substr(kOurTypes.size());
    if (kEndorsements.contains(format)) continue;
    const int number = ++seen[format];
    labels.push_back(number == 1 ? format : Cat(format, "-", number));
  }
  if (labels.empty()) labels.emplace_back("evidence");
  return labels;
}

}  // namespace

token::EarClaims EarOf(const v1::VerdictRecord& record, const Issue& issue) {
  const v1::Appraisal& appraisal = record.appraisal();
  const bool trusted = appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS;
  token::EarClaims claims{.profile = issue.profile,
                          .verifier_developer = "assay",
                          .verifier_build = appraisal.engine(),
                          .issued_at = appraisal.appraised_at().seconds()};
  claims.not_before = claims.issued_at;
  claims.expires = claims.issued_at + kLongestTokenLifetime;
  if (appraisal.has_valid_until()) {
    claims.expires = std::min(*claims.expires, std::int64_t{appraisal.valid_until().seconds()} + 1);  // exp is exclusive
  }
  claims.issuer = issue.issuer;
  claims.token_id = record.id();
  claims.audience = {record.context().cluster()};
  claims.nonce = codec::ToBase64Url(issue.nonce);
  if (issue.node_key && !token::AlgorithmFor(*issue.node_key).empty()) claims.holder = issue.node_key;
  token::EarInputs inputs{.evidence = {},
                          .collateral = ToBytes(AsBytes(appraisal.digests().collateral())),
                          .policy = ToBytes(AsBytes(appraisal.digests().policy())),
                          .appraisal = ToBytes(AsBytes(record.appraisal_sha256()))};
  for (const std::string& digest : appraisal.digests().evidence()) inputs.evidence.push_back(ToBytes(AsBytes(digest)));
  claims.inputs = std::move(inputs);

  EarSubmodule submodule{.label = "", .status = TierOf(appraisal.verdict())};
  if (trusted && appraisal.authenticity() == v1::AUTHENTICITY_AUTHENTIC) SpeakFor(appraisal, submodule);
  SpeakAgainst(appraisal, submodule);
  Tier worst = Tier::kNone;
  for (std::optional<std::int8_t>& value : submodule.vector) {
    // Undecided says nothing against the node either.
    if (value && submodule.status == Tier::kNone && token::TierOf(*value) != Tier::kNone) value.reset();
    if (value && token::WorseThan(token::TierOf(*value), worst)) worst = token::TierOf(*value);
  }
  if (token::WorseThan(worst, submodule.status)) submodule.status = worst;
  submodule.has_vector = true;
  if (std::none_of(submodule.vector.begin(), submodule.vector.end(), [](const auto& value) { return value.has_value(); })) {
    submodule.vector[IndexOf(Ar4siClaim::kHardware)] = 0;  // a vector has at least one claim
  }
  if (!appraisal.policy().empty()) {
    submodule.policy_ids.push_back(Cat(appraisal.policy_set(), appraisal.policy_set().empty() ? "" : "/", appraisal.policy(),
                                       "@sha256:", ToHex(AsBytes(appraisal.digests().policy()))));
  }
  for (std::string& label : LabelsOf(record)) {
    submodule.label = std::move(label);
    claims.submodules.push_back(submodule);
  }
  if (issue.profile == token::EarProfile::kIetf03) claims.status = submodule.status;
  return claims;
}

}  // namespace assay::result
